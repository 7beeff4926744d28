/* SPDX-License-Identifier: MIT */

/*
 * escap record: a client that saves the records of its ring. Each message has its original record behind it
 * (lib/message.h): escap is linked with the library's internals and takes the record from there, unchanged.
 *
 * The handler's thread writes. The main thread flushes, so that records older than a second are in the file even after
 * a crash. Each AUTH message is allowed at once, and the answer is saved too.
 */

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/utsname.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include <EndpointSecurity/ESLinux.h>

#include "abi/control.h"
#include "abi/sensor.h"
#include "daemon/sensor/event.h"
#include "lib/client.h"
#include "tools/escap/escap.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/macro.h"
#include "util/number.h"

enum {
	FLUSH_MS = 1000,
	DRAIN_S = 5,
};

struct recorder {
	const char *path;
	uint64_t types[ES_TYPE_WORDS];
	uint64_t for_ns;		/* 0: until a signal */
	uint64_t count;			/* 0: any number */

	int fd;
	int done_fd;			/* eventfd: the requested count was reached, or writing failed */
	pthread_mutex_t lock;		/* of what follows */
	struct esc_writer *writer;
	int error;
	uint64_t lost;
};

static void usage(FILE *out)
{
	fputs("usage: escap record [--for SECONDS] [--count N] -o FILE EVENT...\n"
	      "Records what the kernel tells of these events, until a signal. As root.\n\n"
	      "  -o, --output FILE  where to; - is standard output\n"
	      "  --for SECONDS      end after this time\n"
	      "  --count N          end after so many records\n\n"
	      "EVENT is a NOTIFY event as eslogger names it, or auth_NAME: such an operation is allowed, and so recorded.\n",
	      out);
}

/* ---- what comes in ---- */

static void respond(es_client_t *client, const es_message_t *message, struct esc_answer *ret)
{
	if (esd_events[message->event_type].answer == ESD_ANSWER_FLAGS)
		es_respond_flags_result(client, message, UINT32_MAX, false);
	else
		es_respond_auth_result(client, message, ES_AUTH_RESULT_ALLOW, false);
	ret->time_ns = clock_ns();
	ret->verdict = ES_VERDICT_ALLOW;
}

static void handle_message(es_client_t *client, const es_message_t *message, void *context)
{
	const struct es_record *record = esl_message_record(container_of(message, struct esl_message, message));
	struct esc_answer answer = { .auth_id = record->auth_id };
	struct recorder *recorder = context;
	int r = 0;

	if (message->action_type == ES_ACTION_TYPE_AUTH)
		respond(client, message, &answer);
	pthread_mutex_lock(&recorder->lock);
	recorder->lost = record->lost_all;
	if (recorder->error == 0 && (!recorder->count || esc_writer_records(recorder->writer) < recorder->count)) {
		r = esc_write_record(recorder->writer, record);
		if (r == 0 && answer.verdict)
			r = esc_write_answer(recorder->writer, &answer);
		recorder->error = r;
		if (r < 0 || esc_writer_records(recorder->writer) == recorder->count)
			eventfd_write(recorder->done_fd, 1);
	}
	pthread_mutex_unlock(&recorder->lock);
}

/* ---- facts ---- */

static int64_t offset_of(clockid_t clock)
{
	struct timespec real, other;

	clock_gettime(CLOCK_REALTIME, &real);
	clock_gettime(clock, &other);
	return (int64_t)(real.tv_sec - other.tv_sec) * (int64_t)NS_PER_S + real.tv_nsec - other.tv_nsec;
}

static void read_line(const char *path, char *line, size_t size)
{
	FILE *file = fopen(path, "re");

	line[0] = 0;
	if (!file)
		return;
	if (fgets(line, (int)size, file))
		line[strcspn(line, "\n")] = 0;
	fclose(file);
}

static int daemon_facts(es_client_t *pointer, struct esc_facts *facts)
{
	_cleanup_(esl_client_putp) struct es_client_s *client = esl_client_get(pointer);
	const struct es_request request = { .abi = ES_ABI_VERSION, .op = ES_REQUEST_STATUS };
	struct es_status_info status;
	struct es_reply reply;
	int r;

	if (!client || esl_control_ask(&client->control, &request, NULL, &reply, &status, sizeof(status)) != 0)
		return -ECONNRESET;
	status.scope[sizeof(status.scope) - 1] = 0;
	r = esc_facts_set(facts, "sensor", status.sensor == ES_SENSOR_LSM ? "lsm" :
			  status.sensor == ES_SENSOR_TRACEPOINT ? "tracepoint" : "replay");
	if (r == 0)
		r = esc_facts_set(facts, "scope", status.scope);
	if (r == 0)
		r = esc_facts_set_number(facts, "deadline_ms", (int64_t)(status.deadline_ns / NS_PER_MS));
	return r;
}

static int machine_facts(struct esc_facts *facts)
{
	struct utsname name;
	char line[64];
	int r;

	if (uname(&name) < 0)
		return -errno;
	read_line("/proc/sys/kernel/random/boot_id", line, sizeof(line));
	r = esc_facts_set(facts, "program", "escap " ESCAP_VERSION);
	if (r == 0)
		r = esc_facts_set(facts, "host", name.nodename);
	if (r == 0)
		r = esc_facts_set(facts, "kernel", name.release);
	if (r == 0)
		r = esc_facts_set(facts, "machine", name.machine);
	if (r == 0)
		r = esc_facts_set(facts, "boot_id", line);
	if (r == 0)
		r = esc_facts_set_number(facts, "started_s", time(NULL));
	if (r == 0)
		r = esc_facts_set_number(facts, "from_monotonic_ns", offset_of(CLOCK_MONOTONIC));
	if (r == 0)
		r = esc_facts_set_number(facts, "from_boot_ns", offset_of(CLOCK_BOOTTIME));
	return r;
}

/* ---- recording ---- */

static int begin(struct recorder *recorder, es_client_t *client)
{
	_cleanup_(esc_facts_deinit) struct esc_facts facts = {}, all = {};
	audit_token_t self;
	int r;

	r = machine_facts(&facts);
	if (r == 0)
		r = daemon_facts(client, &facts);
	if (r == 0)
		r = escap_derive(&all, &facts, recorder->types, NULL, NULL);
	if (r == 0)
		r = esc_writer_new(&recorder->writer, recorder->fd, &all);
	/* Mute ourselves: recording the writes to the file would cause more of them. */
	if (r == 0 && (es_linux_own_token(&self) != ES_RETURN_SUCCESS ||
		       es_mute_process(client, &self) != ES_RETURN_SUCCESS))
		log_warning("this program's own events are recorded, too");
	return r;
}

static int subscribe(const struct recorder *recorder, es_client_t *client)
{
	es_event_type_t events[ES_EVENT_TYPES];
	unsigned int type;
	uint32_t count = 0;

	for (type = esd_types_next(recorder->types, 0); type < ES_EVENT_TYPES;
	     type = esd_types_next(recorder->types, type + 1))
		events[count++] = (es_event_type_t)type;
	if (es_subscribe(client, events, count) == ES_RETURN_SUCCESS)
		return EX_OK;
	log_error("not all of these events can be had here; `esctl capabilities' says why");
	return EX_UNAVAILABLE;
}

static void drained(void *context)
{
	sem_post(context);
}

/* Waits until earlier events have been handled. */
static void drain(es_client_t *client)
{
	static sem_t done;
	struct timespec until;

	sem_init(&done, 0, 0);
	es_unsubscribe_all(client);
	if (es_sync_client_f(client, drained, &done) != ES_RETURN_SUCCESS)
		return;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += DRAIN_S;
	while (sem_clockwait(&done, CLOCK_MONOTONIC, &until) < 0 && errno == EINTR)
		;
}

/* Records until it is time to end; returns why. */
static const char *run(struct recorder *recorder, es_client_t *client, int signal_fd)
{
	struct pollfd fds[] = { { .fd = signal_fd, .events = POLLIN }, { .fd = recorder->done_fd, .events = POLLIN } };
	uint64_t end_ns = recorder->for_ns ? clock_ns() + recorder->for_ns : UINT64_MAX;

	for (;;) {
		uint64_t now = clock_ns();
		int wait_ms = FLUSH_MS;

		if (now >= end_ns)
			return "time";
		if (end_ns - now < FLUSH_MS * NS_PER_MS)
			wait_ms = (int)((end_ns - now) / NS_PER_MS) + 1;
		if (poll(fds, ARRAY_SIZE(fds), wait_ms) < 0 && errno != EINTR)
			return "poll";
		if (fds[0].revents)
			return "signal";
		if (fds[1].revents)
			return recorder->error ? "error" : "count";
		if (es_linux_stream_ended(client))
			return "the daemon's end";
		pthread_mutex_lock(&recorder->lock);
		if (recorder->error == 0)
			recorder->error = esc_writer_flush(recorder->writer);
		pthread_mutex_unlock(&recorder->lock);
	}
}

static void finish(struct recorder *recorder, const char *why)
{
	_cleanup_(esc_facts_deinit) struct esc_facts totals = {};
	int r;

	r = esc_facts_set(&totals, "ended_by", why);
	if (r == 0)
		r = esc_facts_set_number(&totals, "ended_s", time(NULL));
	if (r == 0)
		r = esc_facts_set_number(&totals, "lost", (int64_t)recorder->lost);
	if (r == 0)
		r = esc_writer_finish(recorder->writer, &totals);
	recorder->error = r;
	log_notice("%" PRIu64 " records in %" PRIu64 " bytes, %" PRIu64 " lost by the kernel; ended by %s",
		   esc_writer_records(recorder->writer), esc_writer_bytes(recorder->writer), recorder->lost, why);
}

static int signals_open(void)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	signal(SIGPIPE, SIG_IGN);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	return signalfd(-1, &signals, SFD_CLOEXEC);
}

/* From the client's birth to its end. */
static int stream(struct recorder *recorder, int signal_fd)
{
	es_client_t *client;
	const char *why = NULL;
	int status;

	if (es_new_client_f(&client, handle_message, recorder) != ES_NEW_CLIENT_RESULT_SUCCESS) {
		log_error("no client could be made; recording takes root, and a daemon that can be reached or started");
		return EX_NOPERM;
	}
	recorder->error = begin(recorder, client);
	status = recorder->error ? EX_IOERR : subscribe(recorder, client);
	if (status == EX_OK) {
		why = run(recorder, client, signal_fd);
		drain(client);
	}
	es_delete_client(client);
	if (status == EX_OK && recorder->error == 0)
		finish(recorder, why);
	return status;
}

static int parse(struct recorder *recorder, int argc, char **argv)
{
	static const struct option options[] = {
		{ "output", required_argument, NULL, 'o' }, { "for", required_argument, NULL, 'f' },
		{ "count", required_argument, NULL, 'c' }, { "help", no_argument, NULL, 'h' }, {},
	};
	unsigned int type;
	int option;

	while ((option = getopt_long(argc, argv, "o:h", options, NULL)) >= 0) {
		switch (option) {
		case 'o':
			recorder->path = optarg;
			break;
		case 'f':
			if (!escap_seconds("for", optarg, &recorder->for_ns))
				return EX_USAGE;
			break;
		case 'c':
			if (number_parse(optarg, 1, UINT64_MAX / 2, &recorder->count) < 0) {
				log_error("--count %s: give a number", optarg);
				return EX_USAGE;
			}
			break;
		case 'h':
			usage(stdout);
			return EX_OK;
		default:
			usage(stderr);
			return EX_USAGE;
		}
	}
	for (int i = optind; i < argc; i++) {
		if (!escap_event(argv[i], &type))
			return EX_USAGE;
		esd_types_add(recorder->types, type);
	}
	if (recorder->path && optind < argc)
		return -1;
	log_error("name a file with -o, and at least one event");
	usage(stderr);
	return EX_USAGE;
}

int escap_record(int argc, char **argv)
{
	struct recorder recorder = { .lock = PTHREAD_MUTEX_INITIALIZER };
	_cleanup_close_ int signal_fd = -1, done_fd = -1;
	int status, closed;

	status = parse(&recorder, argc, argv);
	if (status >= 0)
		return status;
	signal_fd = signals_open();
	done_fd = recorder.done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (signal_fd < 0 || done_fd < 0) {
		log_error("no descriptors are left: %s", strerror(errno));
		return EX_OSERR;
	}
	recorder.fd = escap_create(recorder.path);
	if (recorder.fd < 0)
		return EX_CANTCREAT;
	status = stream(&recorder, signal_fd);
	esc_writer_free(recorder.writer);
	closed = escap_close(recorder.fd, recorder.path, recorder.error);
	return status != EX_OK ? status : closed;
}
