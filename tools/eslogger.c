/* SPDX-License-Identifier: MIT */

/*
 * eslogger: prints events, one a line: as JSON in one of several schemas, or as text for people.
 *
 * The client's handler formats each message into a buffer (event-formats.c, event-text.c), which the sink's thread
 * writes out (sink.c). The main thread waits for the end: a signal, or that the reader or the daemon is gone.
 */

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sysexits.h>
#include <unistd.h>

#include <EndpointSecurity/ESLinux.h>

#include "tools/ask.h"
#include "tools/event.h"
#include "tools/event-formats.h"
#include "tools/event-text.h"
#include "tools/oslog.h"
#include "tools/sink.h"
#include "util/log.h"
#include "util/macro.h"

enum {
	PREFIXES_MAX = 64,
	TICK_MS = 500,			/* how often to report losses and to check for the stream's end */
	QUIET_TICKS = 3,		/* if no event has come for so long after the start, say so */
	DRAIN_S = 5,			/* at the end, time for the events in the ring */
};

struct prefixes {
	const char *text[PREFIXES_MAX];
	size_t count;
};

struct eslogger {
	es_event_type_t events[ES_EVENT_TYPE_LAST];
	uint32_t event_count;
	struct prefixes selected, targets, muted;
	const struct event_formatter *formatter;	/* NULL: text */
	struct event_text text;
	struct event_host host;
	bool to_oslog;
	struct oslog oslog;

	struct sink *sink;
	pid_t self;
	pid_t group;			/* our own process group, whose events are left out */
	uint64_t next;			/* global_seq_num of the next message; the handler's own */
	atomic_uint_fast64_t lost;
	uint64_t lost_reported;
	atomic_uint_fast64_t received;
	atomic_uint_fast64_t left_out;		/* events of our group's other processes */
	bool left_out_reported;
};

static void usage(FILE *out)
{
	fputs("usage: eslogger [--oslog] [--format json|text|ecs|ocsf] [--oslog-subsystem NAME]\n"
	      "                [--oslog-category NAME] [--select PREFIX]... [--target PREFIX]... [--mute PREFIX]... EVENT...\n"
	      "       eslogger --list-events\n"
	      "       eslogger --version\n", out);
}

/* --- what comes in --- */

static bool selected(struct eslogger *logger, const es_message_t *message)
{
	es_string_token_t path = message->process->executable->path;

	if (message->process->group_id == logger->group) {
		if (message->process->audit_token.val[5] != (unsigned int)logger->self)
			atomic_fetch_add(&logger->left_out, 1);
		return false;
	}
	if (!logger->selected.count)
		return true;
	for (size_t i = 0; i < logger->selected.count; i++) {
		size_t length = strlen(logger->selected.text[i]);

		if (path.length >= length && !memcmp(path.data, logger->selected.text[i], length))
			return true;
	}
	return false;
}

static void handle_message(es_client_t *client, const es_message_t *message, void *context)
{
	struct eslogger *logger = context;
	struct json *json;

	(void)client;
	if (message->global_seq_num > logger->next)
		atomic_fetch_add(&logger->lost, message->global_seq_num - logger->next);
	logger->next = message->global_seq_num + 1;
	atomic_fetch_add(&logger->received, 1);

	if (!selected(logger, message))
		return;
	json = sink_begin(logger->sink);
	if (!json)
		return;
	if (logger->formatter)
		logger->formatter->put(json, message, &logger->host);
	else
		event_text_message(&logger->text, json, message);
	sink_end(logger->sink);
}

/* --- what goes out --- */

static int write_stdout(void *context, const char *lines, size_t length)
{
	(void)context;
	while (length) {
		ssize_t n = write(STDOUT_FILENO, lines, length);

		if (n < 0 && errno == EAGAIN) {
			struct pollfd writable = { .fd = STDOUT_FILENO, .events = POLLOUT };

			poll(&writable, 1, -1);
			continue;
		}
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			lines += n;
			length -= n;
		}
	}
	return 0;
}

static int write_oslog(void *context, const char *lines, size_t length)
{
	struct eslogger *logger = context;
	const char *end = lines + length;

	while (lines < end) {
		const char *newline = memchr(lines, '\n', end - lines);
		int r = oslog_line(&logger->oslog, lines, newline - lines);

		if (r < 0)
			return r;
		lines = newline + 1;
	}
	return 0;
}

/* --- arguments --- */

static int list_events(void)
{
	for (int type = 0; type < ES_EVENT_TYPE_LAST; type++)
		if (event_is_notify(type))
			puts(event_name(type));
	return fflush(stdout) ? EX_IOERR : EX_OK;
}

static bool add_event(struct eslogger *logger, const char *name)
{
	es_event_type_t type;

	if (!event_find(name, &type)) {
		log_error("no such event: %s (eslogger --list-events prints all names)", name);
		return false;
	}
	for (uint32_t i = 0; i < logger->event_count; i++)
		if (logger->events[i] == type)
			return true;
	logger->events[logger->event_count++] = type;
	return true;
}

static bool add_prefix(struct prefixes *prefixes, const char *option, const char *prefix)
{
	if (prefixes->count == PREFIXES_MAX) {
		log_error("--%s may be given %d times at most", option, PREFIXES_MAX);
		return false;
	}
	prefixes->text[prefixes->count++] = prefix;
	return true;
}

static bool set_format(struct eslogger *logger, const char *format)
{
	logger->formatter = event_formatter_find(format);
	if (logger->formatter || !strcmp(format, "text"))
		return true;
	log_error("unknown format: %s (there are text, %s)", format, event_formatter_names);
	return false;
}

enum {
	OPTION_HELP = 'h',
	OPTION_LIST = 0x100,
	OPTION_FORMAT,
	OPTION_OSLOG,
	OPTION_SUBSYSTEM,
	OPTION_CATEGORY,
	OPTION_SELECT,
	OPTION_TARGET,
	OPTION_MUTE,
	OPTION_VERSION,
};

/* Stores an option's value. Returns -1 to go on, or the program's exit status. */
static int parse_option(struct eslogger *logger, int option)
{
	switch (option) {
	case OPTION_HELP:
		usage(stdout);
		return EX_OK;
	case OPTION_LIST:
		return list_events();
	case OPTION_FORMAT:
		return set_format(logger, optarg) ? -1 : EX_USAGE;
	case OPTION_OSLOG:
		logger->to_oslog = true;
		return -1;
	case OPTION_SUBSYSTEM:
		logger->oslog.subsystem = optarg;
		return -1;
	case OPTION_CATEGORY:
		logger->oslog.category = optarg;
		return -1;
	case OPTION_SELECT:
		if (*optarg != '/')	/* the library warns of the other two */
			log_warning("--select %s: no executable's path begins so, but with /", optarg);
		return add_prefix(&logger->selected, "select", optarg) ? -1 : EX_USAGE;
	case OPTION_TARGET:
		return add_prefix(&logger->targets, "target", optarg) ? -1 : EX_USAGE;
	case OPTION_MUTE:
		return add_prefix(&logger->muted, "mute", optarg) ? -1 : EX_USAGE;
	case OPTION_VERSION:
		puts("eslogger " ES_LINUX_VERSION_STRING);
		return fflush(stdout) ? EX_IOERR : EX_OK;
	default:
		usage(stderr);
		return EX_USAGE;
	}
}

static int parse_arguments(struct eslogger *logger, int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, OPTION_HELP },
		{ "list-events", no_argument, NULL, OPTION_LIST },
		{ "format", required_argument, NULL, OPTION_FORMAT },
		{ "oslog", no_argument, NULL, OPTION_OSLOG },
		{ "oslog-subsystem", required_argument, NULL, OPTION_SUBSYSTEM },
		{ "oslog-category", required_argument, NULL, OPTION_CATEGORY },
		{ "select", required_argument, NULL, OPTION_SELECT },
		{ "target", required_argument, NULL, OPTION_TARGET },
		{ "mute", required_argument, NULL, OPTION_MUTE },
		{ "version", no_argument, NULL, OPTION_VERSION },
		{},
	};
	int option;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
		int status = parse_option(logger, option);

		if (status >= 0)
			return status;
	}
	for (int i = optind; i < argc; i++)
		if (!add_event(logger, argv[i]))
			return EX_USAGE;
	if (!logger->event_count) {
		log_error("name at least one event (eslogger --list-events prints all names)");
		usage(stderr);
		return EX_USAGE;
	}
	return -1;
}

/* --- client --- */

static int new_client_failed(es_new_client_result_t result)
{
	static const struct {
		const char *text;
		const char *constant;
		int status;
	} failures[] = {
		[ES_NEW_CLIENT_RESULT_ERR_INVALID_ARGUMENT] = { "Invalid argument",
			"ES_NEW_CLIENT_RESULT_ERR_INVALID_ARGUMENT", EX_SOFTWARE },
		[ES_NEW_CLIENT_RESULT_ERR_INTERNAL] = {
			"The daemon, endpointsecurityd, can't be reached or started; it has said why above or in its log",
			"ES_NEW_CLIENT_RESULT_ERR_INTERNAL", EX_UNAVAILABLE },
		[ES_NEW_CLIENT_RESULT_ERR_NOT_ENTITLED] = { "Not entitled to be an ES client",
			"ES_NEW_CLIENT_RESULT_ERR_NOT_ENTITLED", EX_NOPERM },
		[ES_NEW_CLIENT_RESULT_ERR_NOT_PERMITTED] = { "Not permitted to be an ES client",
			"ES_NEW_CLIENT_RESULT_ERR_NOT_PERMITTED", EX_NOPERM },
		[ES_NEW_CLIENT_RESULT_ERR_NOT_PRIVILEGED] = { "Not privileged: run as root",
			"ES_NEW_CLIENT_RESULT_ERR_NOT_PRIVILEGED", EX_NOPERM },
		[ES_NEW_CLIENT_RESULT_ERR_TOO_MANY_CLIENTS] = { "Too many ES clients; `esctl clients' lists them",
			"ES_NEW_CLIENT_RESULT_ERR_TOO_MANY_CLIENTS", EX_UNAVAILABLE },
	};

	if ((unsigned int)result >= ARRAY_SIZE(failures) || !failures[result].text) {
		fprintf(stderr, "Failed to create ES client: unknown result %d\n", result);
		return EX_SOFTWARE;
	}
	fprintf(stderr, "Failed to create ES client: %s (%s)\n", failures[result].text, failures[result].constant);
	return failures[result].status;
}

/* A subscription is all or nothing. If it fails, finds out which event isn't available. */
static int subscribe(struct eslogger *logger, es_client_t *client)
{
	bool named = false;

	if (es_subscribe(client, logger->events, logger->event_count) == ES_RETURN_SUCCESS)
		return EX_OK;

	es_unsubscribe_all(client);
	sink_close(logger->sink);
	for (uint32_t i = 0; i < logger->event_count; i++) {
		if (es_subscribe(client, &logger->events[i], 1) == ES_RETURN_SUCCESS)
			continue;
		log_error("%s can't be delivered on this system; `esctl capabilities' says why",
			  event_name(logger->events[i]));
		named = true;
	}
	if (!named)
		log_error("es_subscribe failed; the log of endpointsecurityd says why");
	return EX_UNAVAILABLE;
}

/* The kernel programs apply both, before there is a message. */
static int mute(const struct eslogger *logger, es_client_t *client)
{
	bool done = true;

	for (size_t i = 0; done && i < logger->muted.count; i++)
		done = es_mute_path(client, logger->muted.text[i], ES_MUTE_PATH_TYPE_PREFIX) == ES_RETURN_SUCCESS;
	for (size_t i = 0; done && i < logger->targets.count; i++)
		done = es_mute_path(client, logger->targets.text[i], ES_MUTE_PATH_TYPE_TARGET_PREFIX) ==
		       ES_RETURN_SUCCESS;
	if (done && logger->targets.count)
		done = es_invert_muting(client, ES_MUTE_INVERSION_TYPE_TARGET_PATH) == ES_RETURN_SUCCESS;
	if (done)
		return EX_OK;
	log_error("--target or --mute could not be done; the line above says why");
	return EX_UNAVAILABLE;
}

/* For a user at the terminal who sees no event yet. */
static void report_start(void)
{
	_cleanup_free_ struct es_reply *reply = NULL;
	const struct es_status_info *status;

	if (ask_running(ES_REQUEST_STATUS, sizeof(*status), &reply) < 0 || reply->count != 1) {
		log_info("events are printed as they come");
		return;
	}
	status = (const void *)(reply + 1);
	log_info("the %s sensor works, and knows %ju processes; events are printed as they come", sensor_name(status->sensor),
		 (uintmax_t)status->processes);
}

static void report_quiet(const struct eslogger *logger)
{
	if (!atomic_load(&logger->received))
		log_info("no event so far");
}

/* Says once that events were left out, since the user may think that they are missing. */
static void report_left_out(struct eslogger *logger)
{
	uint64_t count = atomic_load(&logger->left_out);

	if (!count || logger->left_out_reported)
		return;
	log_info("what this process group's other processes do is left out, so that a pipeline doesn't feed itself; in a "
		 "script, start eslogger with setsid(1) to see it");
	logger->left_out_reported = true;
}

static void report_losses(struct eslogger *logger)
{
	uint64_t lost = atomic_load(&logger->lost);

	if (lost == logger->lost_reported)
		return;
	log_warning("%ju events lost", (uintmax_t)(lost - logger->lost_reported));
	logger->lost_reported = lost;
}

static void drained(void *context)
{
	sem_post(context);
}

/* Waits until earlier events are written, unless the reader is too slow. */
static void drain(es_client_t *client)
{
	static sem_t done;		/* the client may still post it after the time-out */
	struct timespec until;

	sem_init(&done, 0, 0);
	es_unsubscribe_all(client);
	if (es_sync_client_f(client, drained, &done) != ES_RETURN_SUCCESS)
		return;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += DRAIN_S;
	while (sem_timedwait(&done, &until) && errno == EINTR)
		;
}

enum { WAIT_SIGNAL, WAIT_FAILED, WAIT_OUTPUT, WAIT_COUNT };

/* Runs until something ends it. Returns the exit status; the client may be drained if *ret_drain is set. */
static int run(struct eslogger *logger, es_client_t *client, int signal_fd, int failed_fd, bool *ret_drain)
{
	struct pollfd fds[WAIT_COUNT] = {
		[WAIT_SIGNAL] = { .fd = signal_fd, .events = POLLIN },
		[WAIT_FAILED] = { .fd = failed_fd, .events = POLLIN },
		/* Without events, poll(2) reports only that the reader is gone, even if we have nothing to write. */
		[WAIT_OUTPUT] = { .fd = logger->to_oslog ? -1 : STDOUT_FILENO },
	};

	for (unsigned int tick = 0;; tick += tick <= QUIET_TICKS) {
		if (poll(fds, WAIT_COUNT, TICK_MS) < 0 && errno != EINTR) {
			log_error("poll: %m");
			return EX_OSERR;
		}
		report_losses(logger);
		report_left_out(logger);
		if (!logger->formatter && tick == QUIET_TICKS)
			report_quiet(logger);
		if (fds[WAIT_FAILED].revents || fds[WAIT_OUTPUT].revents & (POLLERR | POLLHUP | POLLNVAL))
			return EX_OK;
		if (fds[WAIT_SIGNAL].revents) {
			*ret_drain = true;
			return EX_OK;
		}
		if (es_linux_stream_ended(client)) {
			log_error("the daemon, endpointsecurityd, has gone: no more events will come");
			return EX_UNAVAILABLE;
		}
	}
}

/* Blocks the signals that end it, in all threads, to read them from a descriptor. */
static int block_signals(sigset_t *ret_signals, int *ret_fd)
{
	int fd;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(ret_signals);
	sigaddset(ret_signals, SIGINT);
	sigaddset(ret_signals, SIGTERM);
	sigaddset(ret_signals, SIGHUP);
	pthread_sigmask(SIG_BLOCK, ret_signals, NULL);
	fd = signalfd(-1, ret_signals, SFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

/* Uses the numbers that messages have, which differ in a pid namespace. */
static void know_ourselves(struct eslogger *logger)
{
	audit_token_t token;

	logger->self = es_linux_own_token(&token) == ES_RETURN_SUCCESS ? (pid_t)token.val[5] : getpid();
	logger->group = es_linux_own_group();
}

/* From the client's birth to its end. */
static int stream(struct eslogger *logger, int signal_fd, int failed_fd, const sigset_t *signals)
{
	es_new_client_result_t result;
	struct signalfd_siginfo info;
	es_client_t *client;
	bool to_drain = false;
	int status;

	result = es_new_client_f(&client, handle_message, logger);
	if (result != ES_NEW_CLIENT_RESULT_SUCCESS)
		return new_client_failed(result);

	know_ourselves(logger);
	status = mute(logger, client);
	if (status == EX_OK)
		status = subscribe(logger, client);
	if (status == EX_OK && !logger->formatter)
		report_start();
	if (status == EX_OK)
		status = run(logger, client, signal_fd, failed_fd, &to_drain);

	/* Consume the first signal. Then a second one, while we wait for a slow reader, ends us at once. */
	if (to_drain && read(signal_fd, &info, sizeof(info)) > 0) {
		pthread_sigmask(SIG_UNBLOCK, signals, NULL);
		drain(client);
	}
	sink_close(logger->sink);
	es_delete_client(client);
	report_losses(logger);
	if (logger->lost_reported)
		log_warning("%ju events lost in all", (uintmax_t)logger->lost_reported);
	return status;
}

static int log_events(struct eslogger *logger)
{
	_cleanup_close_ int signal_fd = -1, failed_fd = -1;
	sigset_t signals;
	int status, r;

	r = block_signals(&signals, &signal_fd);
	if (r < 0) {
		log_error("signalfd: %s", strerror(-r));
		return EX_OSERR;
	}
	failed_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (failed_fd < 0) {
		log_error("eventfd: %m");
		return EX_OSERR;
	}
	r = sink_new(&logger->sink, logger->to_oslog ? write_oslog : write_stdout, logger, failed_fd);
	if (r < 0) {
		log_error("can't start the writing thread: %s", strerror(-r));
		return EX_OSERR;
	}

	status = stream(logger, signal_fd, failed_fd, &signals);

	r = sink_free(logger->sink);
	if (r < 0 && r != -EPIPE) {
		log_error("can't write events: %s", strerror(-r));
		return EX_IOERR;
	}
	return status;
}

/* Makes the column as wide as the longest possible event name. */
static void prepare_text(struct eslogger *logger)
{
	const char *terminal = getenv("TERM");

	for (uint32_t i = 0; i < logger->event_count; i++) {
		unsigned int width = (unsigned int)strlen(event_name(logger->events[i]));

		if (logger->text.event_width < width)
			logger->text.event_width = width;
	}
	logger->text.colours = !logger->to_oslog && isatty(STDOUT_FILENO) && !getenv("NO_COLOR") && terminal &&
			       strcmp(terminal, "dumb");
}

int main(int argc, char **argv)
{
	static struct eslogger logger = { .oslog = { .subsystem = "com.apple.eslogger" } };
	int status;

	log_init("eslogger");
	logger.formatter = event_formatter_find("json");
	event_host_here(&logger.host);
	status = parse_arguments(&logger, argc, argv);
	if (status >= 0)
		return status;
	if (logger.to_oslog && oslog_open(&logger.oslog) < 0) {
		log_error("--oslog: %s is not there; leave the option out to print events", oslog_name());
		return EX_UNAVAILABLE;
	}
	prepare_text(&logger);
	return log_events(&logger);
}
