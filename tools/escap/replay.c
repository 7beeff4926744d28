/* SPDX-License-Identifier: MIT */

/*
 * escap replay: a separate daemon for one program, with a capture as its sensor (daemon/sensor/replay.h). It listens
 * in a new folder, passes the socket to the program in the environment, and ends with the program.
 *
 * It runs the daemon's loop. Added sources are signals, the program's pidfd, and a timer for the steps after the
 * capture's end: a moment for the last handler, the signal, and SIGKILL if that doesn't end the program.
 */

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "abi/control.h"
#include "abi/sensor.h"
#include "daemon/sensor/replay.h"
#include "daemon/serve/connection.h"
#include "daemon/serve/daemon.h"
#include "daemon/serve/listen.h"
#include "tools/escap/escap.h"
#include "tools/escap/report.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/macro.h"
#include "util/number.h"

enum {
	RING_BYTES = 16 * 1024 * 1024,	/* as the daemon's: an exec's record may have 6 MiB */
	DEADLINE_MS = 15000,
	DEADLINE_LONGEST_MS = 60000,
	SETTLE_MS = 200,
	LINGER_MS = 200,		/* the last handler may still run */
	PATIENCE_MS = 10000,		/* from the signal to SIGKILL */
	EXIT_DIFFER = 3,
};

enum at_end {
	END_TERM,
	END_INT,
	END_CLOSE,
	END_WAIT,
};

struct options {
	const char *path;
	char **command;
	double speed;
	uint64_t deadline_ms;		/* 0: as in the recording */
	uint64_t settle_ms;
	enum at_end at_end;
	const char *report;
	const char *save;
	bool expect_same;
	bool quiet;
};

enum stage {
	STAGE_RUNS,
	STAGE_LINGERS,
	STAGE_SIGNALLED,
};

struct player {
	const struct options *options;
	struct esc_reader *reader;
	struct esd_daemon daemon;
	struct esd_listen listen;
	struct loop_source signals, death, timer;
	char folder[64];
	char socket[96];
	pid_t child;
	int status;			/* the program's, as from waitpid(2) */
	bool gone;
	enum stage stage;
	bool we_ended_it;
	struct report report;
	struct answers *answers;	/* --save */
	int read_error;
};

static void usage(FILE *out)
{
	fputs("usage: escap replay [OPTION]... FILE -- CLIENT [ARGUMENT]...\n"
	      "Runs an unmodified client against a capture. No root, no daemon, no kernel programs.\n\n"
	      "  --speed N|max      so many times as fast as it was recorded; max (default): as fast as the client reads\n"
	      "  --at-end WHAT      when all was delivered: term (default), int: this signal; close: the stream ends;\n"
	      "                     wait: nothing, until the client ends by itself\n"
	      "  --deadline-ms MS   time for an answer (default: as in the recording)\n"
	      "  --settle-ms MS     begin when clients have asked for nothing for so long (default: 200)\n"
	      "  --report FILE      each answer, beside the recorded one: one JSON object a line\n"
	      "  --save FILE        the capture again, with this client's answers in place of the recorded ones\n"
	      "  --expect-same      exit with 3 if an answer differs from the recorded one\n"
	      "  --quiet            no summary on standard error\n", out);
}

/* ---- this client's answers, for --save ---- */

struct answers {
	struct saved {
		uint64_t number;
		struct esc_answer answer;
	} *list;
	size_t count;
	size_t room;
};

static void answers_add(struct answers *answers, const struct esd_replay_answer *answer)
{
	if (answers->count == answers->room) {
		size_t room = answers->room ? 2 * answers->room : 1024;
		struct saved *list = reallocarray(answers->list, room, sizeof(*list));

		if (!list)
			return;
		answers->list = list;
		answers->room = room;
	}
	answers->list[answers->count++] = (struct saved){
		.number = answer->number,
		.answer = {
			.auth_id = answer->record->auth_id,
			.time_ns = answer->record->time_ns + answer->took_ns,
			.verdict = answer->verdict & (ES_VERDICT_MASK | ES_VERDICT_MISSED),
		},
	};
}

static int by_number(const void *a_, const void *b_)
{
	const struct saved *a = a_, *b = b_;

	return (a->number > b->number) - (a->number < b->number);
}

static int save_all(struct player *player, struct esc_writer *writer)
{
	const struct answers *answers = player->answers;
	struct esc_item item;
	size_t at = 0;
	int r = 0;

	qsort(answers->list, answers->count, sizeof(*answers->list), by_number);
	esc_reader_rewind(player->reader);
	while (r == 0 && esc_reader_next(player->reader, &item) > 0) {
		if (item.answer)
			continue;
		r = esc_write_record(writer, item.record);
		while (at < answers->count && answers->list[at].number < item.number)
			at++;
		if (r == 0 && at < answers->count && answers->list[at].number == item.number)
			r = esc_write_answer(writer, &answers->list[at].answer);
	}
	return r < 0 ? r : esc_writer_finish(writer, NULL);
}

static int save(struct player *player)
{
	_cleanup_(esc_writer_freep) struct esc_writer *writer = NULL;
	const char *path = player->options->save;
	int fd = escap_create(path), r;

	if (fd < 0)
		return EX_CANTCREAT;
	r = esc_writer_new(&writer, fd, esc_reader_facts(player->reader));
	if (r == 0)
		r = save_all(player, writer);
	return escap_close(fd, path, r);
}

/* ---- what the sensor says ---- */

static void answered(void *owner, const struct esd_replay_answer *answer)
{
	struct player *player = owner;

	report_answered(&player->report, answer);
	if (player->answers)
		answers_add(player->answers, answer);
}

static void recorded(void *owner, const struct esc_answer *answer)
{
	report_recorded(&((struct player *)owner)->report, answer);
}

static void timer_in(struct player *player, uint64_t ms)
{
	const struct itimerspec timer = {
		.it_value = { .tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000 * NS_PER_MS) + 1 },
	};

	if (timerfd_settime(player->timer.fd, 0, &timer, NULL) < 0)
		log_error("can't set a timer: %s", strerror(errno));
}

static void ended(void *owner, int error)
{
	struct player *player = owner;

	player->read_error = error;
	player->stage = STAGE_LINGERS;
	timer_in(player, LINGER_MS);
}

/* ---- the program ---- */

static int timer_ready(struct loop_source *source, uint32_t events)
{
	struct player *player = container_of(source, struct player, timer);
	uint64_t ticks;

	(void)events;
	(void)!read(source->fd, &ticks, sizeof(ticks));
	if (player->gone || player->options->at_end == END_WAIT)
		return 0;
	if (player->stage == STAGE_SIGNALLED) {
		log_warning("the client hasn't ended %d s after the capture's end: it is killed", PATIENCE_MS / 1000);
		kill(player->child, SIGKILL);
		return 0;
	}
	player->stage = STAGE_SIGNALLED;
	player->we_ended_it = true;
	if (player->options->at_end == END_CLOSE)
		esd_connections_end(&player->daemon);
	else
		kill(player->child, player->options->at_end == END_INT ? SIGINT : SIGTERM);
	timer_in(player, PATIENCE_MS);
	return 0;
}

static int child_died(struct loop_source *source, uint32_t events)
{
	struct player *player = container_of(source, struct player, death);

	(void)events;
	if (waitpid(player->child, &player->status, WNOHANG) != player->child)
		return 0;
	player->gone = true;
	loop_stop(&player->daemon.loop, 0);
	return 0;
}

/* Passes the signal to the program: when that ends, so do we. */
static int signal_ready(struct loop_source *source, uint32_t events)
{
	struct player *player = container_of(source, struct player, signals);
	struct signalfd_siginfo info;

	(void)events;
	if (read(source->fd, &info, sizeof(info)) == sizeof(info))
		kill(player->child, (int)info.ssi_signo);
	return 0;
}

static void signals_set(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
}

/*
 * Runs the program in its own process group. A client such as eslogger ignores events of its group, and must not ignore
 * those of the recorded script, which ran in ours.
 */
static _Noreturn void child_run(struct player *player, const sigset_t *mask)
{
	setpgid(0, 0);
	signal(SIGPIPE, SIG_DFL);
	sigprocmask(SIG_SETMASK, mask, NULL);
	setenv(ES_SOCKET_ENV, player->socket, 1);
	execvp(player->options->command[0], player->options->command);
	log_error("%s can't be run: %s", player->options->command[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

static int child_start(struct player *player, const sigset_t *mask)
{
	int fd;

	player->child = fork();
	if (player->child < 0)
		return -errno;
	if (player->child == 0)
		child_run(player, mask);
	fd = pidfd_open(player->child, 0);
	if (fd < 0)
		return -errno;
	return loop_add(&player->daemon.loop, &player->death, fd, EPOLLIN, child_died);
}

/* ---- the daemon ---- */

static int folder_make(struct player *player)
{
	const char *parent = secure_getenv("TMPDIR");

	if (!parent || strlen(parent) > 32 || parent[0] != '/')
		parent = "/tmp";
	snprintf(player->folder, sizeof(player->folder), "%s/escap-XXXXXX", parent);
	if (!mkdtemp(player->folder)) {
		player->folder[0] = 0;
		return -errno;
	}
	snprintf(player->socket, sizeof(player->socket), "%s/control", player->folder);
	return 0;
}

static int sources_start(struct player *player)
{
	sigset_t set;
	int fd;

	signals_set(&set);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0 || loop_add(&player->daemon.loop, &player->signals, fd, EPOLLIN, signal_ready) < 0)
		return -errno;
	fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (fd < 0 || loop_add(&player->daemon.loop, &player->timer, fd, EPOLLIN, timer_ready) < 0)
		return -errno;
	return 0;
}

static uint32_t deadline_ms(const struct player *player)
{
	int64_t ms = (int64_t)player->options->deadline_ms;

	if (!ms)
		ms = esc_facts_number(esc_reader_facts(player->reader), "deadline_ms", DEADLINE_MS);
	return ms > 0 && ms <= DEADLINE_LONGEST_MS ? (uint32_t)ms : DEADLINE_MS;
}

static int daemon_start(struct player *player)
{
	struct esd_daemon *daemon = &player->daemon;
	const struct esd_replay_config config = {
		.loop = &daemon->loop,
		.reader = player->reader,
		.ring_bytes = RING_BYTES,
		.speed = player->options->speed,
		.settle_ms = (uint32_t)player->options->settle_ms,
		.answered = answered,
		.recorded = recorded,
		.ended = ended,
		.owner = player,
	};
	int r;

	daemon->owner = geteuid();
	daemon->ring_bytes = RING_BYTES;
	daemon->limits.deadline_ms = deadline_ms(player);
	daemon->limits.longest_ms = DEADLINE_LONGEST_MS;
	r = folder_make(player);
	if (r == 0)
		r = esd_replay_new(&daemon->sensor, &config);
	if (r == 0)
		r = sources_start(player);
	if (r == 0)
		r = esd_listen_lock(&player->listen);
	return r ? r : esd_listen_start(&player->listen);
}

static int play(struct player *player)
{
	sigset_t set, before;
	int r;

	signals_set(&set);
	signal(SIGPIPE, SIG_IGN);
	sigprocmask(SIG_BLOCK, &set, &before);
	r = esd_daemon_init(&player->daemon);
	if (r < 0)
		return r;
	esd_listen_init(&player->listen, &player->daemon, player->socket);
	r = daemon_start(player);
	if (r == 0)
		r = child_start(player, &before);
	if (r == 0)
		r = loop_run(&player->daemon.loop);
	if (player->child > 0 && !player->gone) {
		kill(player->child, SIGKILL);
		waitpid(player->child, &player->status, 0);
	}
	return r;
}

static void clean_up(struct player *player)
{
	esd_listen_deinit(&player->listen);
	closep(&player->signals.fd);
	closep(&player->death.fd);
	closep(&player->timer.fd);
	esd_connections_end(&player->daemon);
	esd_daemon_deinit(&player->daemon);
	if (player->folder[0])
		(void)rmdir(player->folder);
}

/* ---- what came of it ---- */

static void summary(const struct player *player, const struct esd_replay_stats *stats)
{
	uint64_t ns = stats->ended_ns ? stats->ended_ns - stats->began_ns : 0;

	if (!stats->began_ns)
		fputs("escap: the program never subscribed to an event\n", stderr);
	else if (!stats->ended_ns)
		fprintf(stderr, "escap: it ended before the capture: %" PRIu64 " records were read\n", stats->records);
	else
		fprintf(stderr, "escap: %" PRIu64 " records, %" PRIu64 " delivered, %" PRIu64 " wanted by nobody, in %.3f s: "
			"%.0f a second\n", stats->records, stats->delivered, stats->unheard, (double)ns / (double)NS_PER_S,
			ns ? (double)stats->records * (double)NS_PER_S / (double)ns : 0.0);
	report_print(&player->report, stderr);
}

/* The program's own status, unless our own signal killed it. */
static int exit_status(const struct player *player)
{
	if (WIFEXITED(player->status))
		return WEXITSTATUS(player->status);
	if (player->we_ended_it && (WTERMSIG(player->status) == SIGTERM || WTERMSIG(player->status) == SIGINT))
		return EX_OK;
	return 128 + WTERMSIG(player->status);
}

static int conclude(struct player *player, const struct esd_replay_stats *stats)
{
	int status = EX_OK;

	report_finish(&player->report);
	if (!player->options->quiet)
		summary(player, stats);
	if (stats->ended_ns)
		status = escap_ended(player->reader, player->options->path, player->read_error);
	if (player->report.error) {
		log_error("%s: it can't be written: %s", player->options->report, strerror(-player->report.error));
		status = EX_IOERR;
	}
	if (status == EX_OK && player->options->save)
		status = save(player);
	if (status == EX_OK)
		status = exit_status(player);
	if (status == EX_OK && player->options->expect_same && player->report.differ)
		status = EXIT_DIFFER;
	return status;
}

static int replay(struct player *player)
{
	struct esd_replay_stats stats = {};
	struct answers answers = {};
	int r, status = EX_OSERR;

	if (player->options->save)
		player->answers = &answers;
	r = play(player);
	if (player->daemon.sensor)
		esd_replay_stats(player->daemon.sensor, &stats);
	clean_up(player);
	if (r == 0)
		status = conclude(player, &stats);
	else
		log_error("the replay can't go on: %s", strerror(-r));
	free(answers.list);
	return status;
}

/* ---- arguments ---- */

static bool set_speed(struct options *options, const char *text)
{
	char *end;

	if (!strcmp(text, "max")) {
		options->speed = 0;
		return true;
	}
	options->speed = strtod(text, &end);
	if (end != text && !*end && options->speed > 0 && options->speed < 1e9)
		return true;
	log_error("--speed %s: give max, or how many times as fast as it was", text);
	return false;
}

static bool set_end(struct options *options, const char *text)
{
	static const char *const names[] = { [END_TERM] = "term", [END_INT] = "int", [END_CLOSE] = "close",
					     [END_WAIT] = "wait" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(text, names[i]))
			continue;
		options->at_end = (enum at_end)i;
		return true;
	}
	log_error("--at-end %s: there are term, int, close and wait", text);
	return false;
}

static bool set_ms(const char *name, uint64_t *ret, uint64_t minimum)
{
	if (number_parse(optarg, minimum, DEADLINE_LONGEST_MS, ret) == 0)
		return true;
	log_error("--%s %s: give milliseconds, %" PRIu64 " to %d", name, optarg, minimum, DEADLINE_LONGEST_MS);
	return false;
}

static bool set_option(struct options *options, int option)
{
	switch (option) {
	case 's':
		return set_speed(options, optarg);
	case 'e':
		return set_end(options, optarg);
	case 'd':
		return set_ms("deadline-ms", &options->deadline_ms, 1);
	case 't':
		return set_ms("settle-ms", &options->settle_ms, 0);
	case 'r':
		options->report = optarg;
		return true;
	case 'w':
		options->save = optarg;
		return true;
	case 'x':
		options->expect_same = true;
		return true;
	case 'q':
		options->quiet = true;
		return true;
	}
	usage(stderr);
	return false;
}

static int parse(struct options *options, int argc, char **argv)
{
	static const struct option names[] = {
		{ "speed", required_argument, NULL, 's' }, { "at-end", required_argument, NULL, 'e' },
		{ "deadline-ms", required_argument, NULL, 'd' }, { "settle-ms", required_argument, NULL, 't' },
		{ "report", required_argument, NULL, 'r' }, { "save", required_argument, NULL, 'w' },
		{ "expect-same", no_argument, NULL, 'x' }, { "quiet", no_argument, NULL, 'q' },
		{ "help", no_argument, NULL, 'h' }, {},
	};
	int option;

	while ((option = getopt_long(argc, argv, "+h", names, NULL)) >= 0) {
		if (option == 'h') {
			usage(stdout);
			return EX_OK;
		}
		if (!set_option(options, option))
			return EX_USAGE;
	}
	options->path = optind < argc ? argv[optind++] : NULL;
	if (optind < argc && !strcmp(argv[optind], "--"))
		optind++;
	options->command = argv + optind;
	if (options->path && optind < argc)
		return -1;
	log_error("name a capture, and behind -- the program that is to run");
	usage(stderr);
	return EX_USAGE;
}

int escap_replay(int argc, char **argv)
{
	struct options options = { .settle_ms = SETTLE_MS };
	static struct player player;
	int status, r;

	status = parse(&options, argc, argv);
	if (status >= 0)
		return status;
	player = (struct player){ .options = &options, .signals = LOOP_SOURCE_NONE, .death = LOOP_SOURCE_NONE,
				  .timer = LOOP_SOURCE_NONE };
	player.reader = escap_open(options.path);
	if (!player.reader)
		return EX_DATAERR;
	r = report_init(&player.report, options.report);
	if (r == 0) {
		status = replay(&player);
	} else {
		log_error("%s: it can't be made: %s", options.report ? options.report : "the report", strerror(-r));
		status = EX_CANTCREAT;
	}
	report_deinit(&player.report);
	esc_reader_free(player.reader);
	return status;
}
