/* SPDX-License-Identifier: MIT */

/*
 * esctl: asks the daemon what it can do and what it does.
 */

#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include <EndpointSecurity/ESLinux.h>

#include "abi/control.h"
#include "abi/sensor.h"
#include "tools/json.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/macro.h"

/* --- the daemon's answers --- */

enum { REPLY_BYTES = 256 * 1024 };	/* more than any reply has */

static const char *socket_path(void)
{
	const char *path = secure_getenv(ES_SOCKET_ENV);

	return path ?: ES_SOCKET_PATH;
}

/* A connection to the daemon; -ECONNREFUSED: none is running. */
static int daemon_connect(int *ret_fd)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *path = socket_path();
	_cleanup_close_ int fd = -1;

	if (strlen(path) >= sizeof(address.sun_path)) {
		log_error("%s: too long for a socket's path", path);
		return -ENAMETOOLONG;
	}
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return errno == ENOENT ? -ECONNREFUSED : -errno;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* One question. *ret_reply is the reply with its data behind it; its sizes have been checked. */
static int daemon_ask_this(int fd, const struct es_request *request, size_t entry_bytes, struct es_reply **ret_reply)
{
	_cleanup_free_ struct es_reply *reply = malloc(REPLY_BYTES);
	ssize_t n;

	if (!reply)
		return -ENOMEM;
	if (send(fd, request, sizeof(*request), MSG_NOSIGNAL) < 0)
		return -errno;
	do
		n = recv(fd, reply, REPLY_BYTES, MSG_TRUNC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (n < (ssize_t)sizeof(*reply) || reply->op != request->op)
		return -EPROTO;
	if (reply->error)
		return -reply->error;
	if ((size_t)n != sizeof(*reply) + reply->data_bytes || reply->data_bytes / entry_bytes < reply->count)
		return -EPROTO;
	*ret_reply = TAKE_POINTER(reply);
	return 0;
}

static int daemon_ask(int fd, enum es_request_op op, size_t entry_bytes, struct es_reply **ret_reply)
{
	const struct es_request request = { .abi = ES_ABI_VERSION, .op = op };

	return daemon_ask_this(fd, &request, entry_bytes, ret_reply);
}

static int ask_failed(int error)
{
	switch (-error) {
	case ECONNREFUSED:
		log_error("no daemon is running (nobody listens on %s)", socket_path());
		return EXIT_FAILURE;
	case EHOSTDOWN:
		log_error("no daemon is running, and none could be started, see above");
		return EXIT_FAILURE;
	case EPROTO:
		log_error("the running endpointsecurityd is of another version than this esctl: restart it");
		return EXIT_FAILURE;
	case EPERM:
	case EACCES:
		log_error("not permitted: run as root");
		return EX_NOPERM;
	default:
		log_error("can't ask endpointsecurityd on %s: %s", socket_path(), strerror(-error));
		return EXIT_FAILURE;
	}
}

/* Connects and asks; negative: see ask_failed(). */
static int ask_running(enum es_request_op op, size_t entry_bytes, struct es_reply **ret_reply)
{
	_cleanup_close_ int fd = -1;
	int r;

	r = daemon_connect(&fd);
	if (r < 0)
		return r;
	return daemon_ask(fd, op, entry_bytes, ret_reply);
}

static const char *sensor_name(uint32_t sensor)
{
	static const char *const names[] = {
		[ES_SENSOR_NONE] = "none",
		[ES_SENSOR_TRACEPOINT] = "tracepoint",
		[ES_SENSOR_LSM] = "lsm",
	};

	return sensor < ARRAY_SIZE(names) ? names[sensor] : "unknown";
}

static bool type_in(const uint64_t *types, unsigned int type)
{
	return types[type / 64] >> type % 64 & 1;
}

/* Ends text that came in a fixed array, whoever sent it. */
#define TERMINATE(array) ((array)[sizeof(array) - 1] = '\0')

static void json_text(struct json *json, const char *text)
{
	json_string(json, text, strlen(text));
}

static int json_print(struct json *json)
{
	bool failed;

	json_line(json);
	failed = json->failed || fwrite(json->data, 1, json->length, stdout) != json->length || fflush(stdout);
	json_deinit(json);
	return failed ? EX_IOERR : EX_OK;
}

/* --- capabilities --- */

struct row {
	const char *name;		/* of the payload */
	int notify;			/* event type, or -1 */
	int auth;
};

struct capabilities {
	struct es_reply *status_reply;
	struct es_reply *reply;
	struct es_status_info *status;
	struct es_capability_info *infos;
	uint64_t types[ES_TYPE_WORDS];	/* that were asked about; none: all */
};

static const struct {
	const char *constant;
	const char *payload;
} events[ES_EVENT_TYPES] = {
#define ES_EVENT(constant, number, payload, answer, hook, wait, tracepoint) [number] = { #constant, #payload },
#include "abi/events.def"
};

static const char *capability_name(uint32_t capability)
{
	static const char *const names[] = {
		[ES_CAN_NOT] = "no",
		[ES_CAN_NEVER_HAPPEN] = "never",
		[ES_CAN_DELIVER] = "delivers",
		[ES_CAN_HOLD] = "holds",
	};

	return capability < ARRAY_SIZE(names) ? names[capability] : "unknown";
}

/* The event's types; none if there is no such event. */
static void types_named(const char *name, uint64_t types[ES_TYPE_WORDS])
{
	for (int type = 0; type < ES_EVENT_TYPES; type++)
		if (!strcmp(events[type].payload, name))
			types[type / 64] |= UINT64_C(1) << type % 64;
}

/*
 * One row for the NOTIFY and AUTH type of one payload, in the order in which they first appear; of `only` these types, if
 * there are any.
 */
static size_t make_rows(struct row *rows, const uint64_t only[ES_TYPE_WORDS])
{
	bool all = !(only[0] | only[1] | only[2]);
	size_t count = 0;

	for (int type = 0; type < ES_EVENT_TYPES; type++) {
		bool auth = !strncmp(events[type].constant, "AUTH_", 5);
		size_t i;

		if ((!auth && strncmp(events[type].constant, "NOTIFY_", 7)) || (!all && !type_in(only, type)))
			continue;
		for (i = 0; i < count && strcmp(rows[i].name, events[type].payload); i++)
			;
		if (i == count)
			rows[count++] = (struct row){ events[type].payload, -1, -1 };
		if (auth)
			rows[i].auth = type;
		else
			rows[i].notify = type;
	}
	return count;
}

static void ignore_message(es_client_t *client, const es_message_t *message, void *context)
{
	(void)client;
	(void)message;
	(void)context;
}

static int ask_capabilities(struct capabilities *capabilities)
{
	struct es_request request = { .abi = ES_ABI_VERSION, .op = ES_REQUEST_CAPABILITIES };
	_cleanup_close_ int fd = -1;
	int r;

	r = daemon_connect(&fd);
	if (r < 0)
		return r;
	memcpy(request.types, capabilities->types, sizeof(request.types));
	r = daemon_ask_this(fd, &request, sizeof(struct es_capability_info), &capabilities->reply);
	if (r < 0)
		return r;
	r = daemon_ask(fd, ES_REQUEST_STATUS, sizeof(struct es_status_info), &capabilities->status_reply);
	if (r < 0)
		return r;
	if (capabilities->reply->count < ES_EVENT_TYPES || capabilities->status_reply->count < 1)
		return -EPROTO;
	capabilities->infos = (void *)(capabilities->reply + 1);
	for (int type = 0; type < ES_EVENT_TYPES; type++)
		TERMINATE(capabilities->infos[type].how);
	capabilities->status = (void *)(capabilities->status_reply + 1);
	TERMINATE(capabilities->status->sensor_reason);
	return 0;
}

/*
 * What this machine can do is asked of the daemon that would do it. If none is running, a client makes the library
 * start a private one, which goes when the client does.
 */
static int get_capabilities(struct capabilities *capabilities)
{
	es_client_t *client;
	int r;

	r = ask_capabilities(capabilities);
	if (r != -ECONNREFUSED)
		return r;
	switch (es_new_client_f(&client, ignore_message, NULL)) {
	case ES_NEW_CLIENT_RESULT_SUCCESS:
		break;
	case ES_NEW_CLIENT_RESULT_ERR_NOT_PRIVILEGED:
		return -EPERM;
	default:
		return -EHOSTDOWN;
	}
	r = ask_capabilities(capabilities);
	es_delete_client(client);
	return r;
}

static void print_row(const struct row *row, const struct es_capability_info *infos)
{
	const struct es_capability_info *notify = row->notify >= 0 ? &infos[row->notify] : NULL;
	const struct es_capability_info *auth = row->auth >= 0 ? &infos[row->auth] : NULL;

	printf("%-26s %-9s %-9s", row->name, notify ? capability_name(notify->capability) : "-",
	       auth ? capability_name(auth->capability) : "-");
	if (notify)
		printf(" %s", notify->how);
	if (auth && (!notify || strcmp(auth->how, notify->how)))
		printf("%s AUTH: %s", notify ? ";" : "", auth->how);
	putchar('\n');
}

static void print_capabilities(const struct capabilities *capabilities, const char *release)
{
	struct row rows[ES_EVENT_TYPES];
	size_t count = make_rows(rows, capabilities->types);

	printf("kernel  %s\n", release);
	printf("sensor  %s", sensor_name(capabilities->status->sensor));
	printf(capabilities->status->sensor_reason[0] ? " (%s)\n\n" : "\n\n", capabilities->status->sensor_reason);
	printf("%-26s %-9s %-9s %s\n", "EVENT", "NOTIFY", "AUTH", "HOW, OR WHY NOT");
	for (size_t i = 0; i < count; i++)
		print_row(&rows[i], capabilities->infos);
	puts("\ndelivers  es_subscribe() works, and events come\n"
	     "holds     and the operation waits for the answer\n"
	     "no        it exists on Linux, but this sensor can't: es_subscribe() fails\n"
	     "never     Linux has no such thing: NOTIFY can be subscribed to, and nothing comes\n"
	     "-         macOS has no such event");
}

static void json_capability(struct json *json, const struct es_capability_info *info)
{
	json_literal(json, "{\"capability\":");
	json_text(json, capability_name(info->capability));
	json_key(json, "how");
	json_text(json, info->how);
	json_close(json, '}');
}

static int json_capabilities(const struct capabilities *capabilities, const char *release)
{
	struct row rows[ES_EVENT_TYPES];
	size_t count = make_rows(rows, capabilities->types);
	struct json json = {};

	json_literal(&json, "{\"kernel\":");
	json_text(&json, release);
	json_key(&json, "sensor");
	json_text(&json, sensor_name(capabilities->status->sensor));
	json_key(&json, "sensor_reason");
	json_text(&json, capabilities->status->sensor_reason);
	json_literal(&json, "\"events\":{");
	for (size_t i = 0; i < count; i++) {
		json_string(&json, rows[i].name, strlen(rows[i].name));
		json.data[json.length - 1] = ':';
		json_open(&json, '{');
		if (rows[i].notify >= 0) {
			json_key(&json, "notify");
			json_capability(&json, &capabilities->infos[rows[i].notify]);
		}
		if (rows[i].auth >= 0) {
			json_key(&json, "auth");
			json_capability(&json, &capabilities->infos[rows[i].auth]);
		}
		json_close(&json, '}');
	}
	json_close(&json, '}');
	json_close(&json, '}');
	return json_print(&json);
}

static int command_capabilities(bool as_json, const char *event)
{
	struct capabilities capabilities = {};
	struct utsname uts;
	int status = EX_OK, r;

	if (event) {
		types_named(event, capabilities.types);
		if (!(capabilities.types[0] | capabilities.types[1] | capabilities.types[2])) {
			log_error("no such event: %s; `eslogger --list-events` has their names", event);
			return EX_USAGE;
		}
	}
	r = get_capabilities(&capabilities);
	if (r < 0) {
		status = ask_failed(r);
	} else {
		uname(&uts);
		if (as_json)
			status = json_capabilities(&capabilities, uts.release);
		else
			print_capabilities(&capabilities, uts.release);
	}
	free(capabilities.reply);
	free(capabilities.status_reply);
	return status;
}

/* --- clients --- */

static void print_types(const uint64_t *types)
{
	bool first = true;

	for (unsigned int type = 0; type < ES_EVENT_TYPES; type++) {
		if (!type_in(types, type))
			continue;
		printf("%s%s", first ? "" : ",", events[type].constant);
		first = false;
	}
	puts(first ? "-" : "");
}

static void print_clients(const struct es_client_info *infos, uint32_t count)
{
	printf("%4s %8s %11s %9s %7s %6s %5s  %-30s %s\n", "SLOT", "PID", "DELIVERED", "LOST", "WAITING", "MISSED", "RING",
	       "EXECUTABLE", "EVENTS");
	for (uint32_t i = 0; i < count; i++) {
		const struct es_client_info *info = &infos[i];

		printf("%4u %8d %11ju %9ju %7ju %6ju %4ju%%  %-30s ", info->slot, info->pid, (uintmax_t)info->delivered,
		       (uintmax_t)info->lost, (uintmax_t)info->waiting, (uintmax_t)info->missed,
		       (uintmax_t)(info->ring_bytes ? info->ring_used * 100 / info->ring_bytes : 0), info->executable);
		print_types(info->types);
	}
}

static void json_client(struct json *json, const struct es_client_info *info)
{
	json_literal(json, "{\"slot\":");
	json_unsigned(json, info->slot);
	json_key(json, "pid");
	json_signed(json, info->pid);
	json_key(json, "executable");
	json_text(json, info->executable);
	json_key(json, "delivered");
	json_unsigned(json, info->delivered);
	json_key(json, "lost");
	json_unsigned(json, info->lost);
	json_key(json, "waiting");
	json_unsigned(json, info->waiting);
	json_key(json, "missed");
	json_unsigned(json, info->missed);
	json_key(json, "ring_bytes");
	json_unsigned(json, info->ring_bytes);
	json_key(json, "ring_used");
	json_unsigned(json, info->ring_used);
	json_literal(json, "\"events\":[");
	for (unsigned int type = 0; type < ES_EVENT_TYPES; type++)
		if (type_in(info->types, type))
			json_text(json, events[type].constant);
	json_close(json, ']');
	json_close(json, '}');
}

static int json_clients(const struct es_client_info *infos, uint32_t count)
{
	struct json json = {};

	json_open(&json, '[');
	for (uint32_t i = 0; i < count; i++)
		json_client(&json, &infos[i]);
	json_close(&json, ']');
	return json_print(&json);
}

static int command_clients(bool as_json, __attribute__((unused)) const char *argument)
{
	_cleanup_free_ struct es_reply *reply = NULL;
	struct es_client_info *infos;
	int r;

	r = ask_running(ES_REQUEST_CLIENTS, sizeof(*infos), &reply);
	if (r < 0)
		return ask_failed(r);
	infos = (void *)(reply + 1);
	for (uint32_t i = 0; i < reply->count; i++)
		TERMINATE(infos[i].executable);
	if (as_json)
		return json_clients(infos, reply->count);
	print_clients(infos, reply->count);
	return EX_OK;
}

/* --- status --- */

static void print_status(const struct es_status_info *status)
{
	uint64_t up_s = (clock_ns() - status->started_ns) / NS_PER_S;

	printf("daemon     pid %d, %s, up %ju:%02u:%02u\n", status->pid,
	       status->is_private ? "private (ends with its last client)" : "system-wide", (uintmax_t)(up_s / 3600),
	       (unsigned int)(up_s / 60 % 60), (unsigned int)(up_s % 60));
	printf("sensor     %s", sensor_name(status->sensor));
	printf(status->sensor_reason[0] ? " (%s)\n" : "\n", status->sensor_reason);
	printf("scope      %s\n", status->scope);
	printf("clients    %u\n", status->clients);
	printf("processes  %ju known\n", (uintmax_t)status->processes);
	printf("deadline   %ju ms\n", (uintmax_t)(status->deadline_ns / NS_PER_MS));
	printf("troubles   %ju paths unresolved, %ju kernel program runs missed, %ju operations not held\n",
	       (uintmax_t)status->unresolved, (uintmax_t)status->missed_runs, (uintmax_t)status->not_held);
}

static int json_status(const struct es_status_info *status)
{
	struct json json = {};

	json_literal(&json, "{\"pid\":");
	json_signed(&json, status->pid);
	json_key(&json, "private");
	json_boolean(&json, status->is_private);
	json_key(&json, "up_ns");
	json_unsigned(&json, clock_ns() - status->started_ns);
	json_key(&json, "sensor");
	json_text(&json, sensor_name(status->sensor));
	json_key(&json, "sensor_reason");
	json_text(&json, status->sensor_reason);
	json_key(&json, "scope");
	json_text(&json, status->scope);
	json_key(&json, "clients");
	json_unsigned(&json, status->clients);
	json_key(&json, "processes");
	json_unsigned(&json, status->processes);
	json_key(&json, "deadline_ns");
	json_unsigned(&json, status->deadline_ns);
	json_key(&json, "unresolved");
	json_unsigned(&json, status->unresolved);
	json_key(&json, "missed_runs");
	json_unsigned(&json, status->missed_runs);
	json_key(&json, "not_held");
	json_unsigned(&json, status->not_held);
	json_close(&json, '}');
	return json_print(&json);
}

static int command_status(bool as_json, __attribute__((unused)) const char *argument)
{
	_cleanup_free_ struct es_reply *reply = NULL;
	struct es_status_info *status;
	int r;

	r = ask_running(ES_REQUEST_STATUS, sizeof(*status), &reply);
	if (r >= 0 && reply->count < 1)
		r = -EPROTO;
	if (r < 0)
		return ask_failed(r);
	status = (void *)(reply + 1);
	TERMINATE(status->sensor_reason);
	TERMINATE(status->scope);
	if (as_json)
		return json_status(status);
	print_status(status);
	return EX_OK;
}

/* --- events --- */

static const char *const note_names[] = {
	[ES_NOTE_CAME] = "came",
	[ES_NOTE_WENT] = "went",
	[ES_NOTE_REFUSED] = "refused",
	[ES_NOTE_MISSED] = "missed",
	[ES_NOTE_STALLED] = "stalled",
	[ES_NOTE_BROKEN] = "disconnected",
	[ES_NOTE_LIST] = "list",
};

static const char *note_name(const struct es_note_info *note)
{
	return note->kind < ARRAY_SIZE(note_names) ? note_names[note->kind] : "unknown";
}

static const char *refusal_text(int error)
{
	switch (error) {
	case EPERM:
		return "not root (NOT_PRIVILEGED)";
	case ENOKEY:
		return "the list doesn't name it (NOT_ENTITLED)";
	case EACCES:
		return "the list says it may not (NOT_PERMITTED)";
	case EUSERS:
		return "too many clients (TOO_MANY_CLIENTS)";
	default:
		return strerror(error);
	}
}

static const char *outcome_name(uint32_t outcome)
{
	static const char *const names[] = {
		[ES_MISS_KILL] = "killed",
		[ES_MISS_DENY] = "denied",
		[ES_MISS_ALLOW] = "allowed",
	};

	return outcome < ARRAY_SIZE(names) ? names[outcome] : "unknown";
}

static const char *outcome_text(uint32_t outcome)
{
	static const char *const texts[] = {
		[ES_MISS_KILL] = "killed, and the operation goes on",
		[ES_MISS_DENY] = "the operation is denied",
		[ES_MISS_ALLOW] = "the operation goes on",
	};

	return outcome < ARRAY_SIZE(texts) ? texts[outcome] : "unknown";
}

static void print_note(const struct es_note_info *note)
{
	const char *type = note->type < ES_EVENT_TYPES ? events[note->type].constant : "an operation";
	time_t seconds = (time_t)(note->time_ns / NS_PER_S);
	struct tm local;
	char when[32];

	localtime_r(&seconds, &local);
	strftime(when, sizeof(when), "%F %T", &local);
	printf("%s.%03u %-12s pid %d (%s)", when, (unsigned int)(note->time_ns % NS_PER_S / NS_PER_MS), note_name(note),
	       note->pid, note->executable);
	if (note->kind == ES_NOTE_REFUSED)
		printf(": %s", refusal_text(note->error));
	else if (note->kind == ES_NOTE_MISSED)
		printf(": the deadline of %s of %s by pid %d (thread %d), by %ju ms: %s", type, note->path, note->op_pid,
		       note->op_tid, (uintmax_t)(note->late_ns / NS_PER_MS), outcome_text(note->outcome));
	else if (note->kind == ES_NOTE_STALLED)
		printf(": %s of %s by thread %d unread for %ju ms: %s", type, note->path, note->op_tid,
		       (uintmax_t)(note->late_ns / NS_PER_MS), outcome_text(note->outcome));
	else if (note->kind == ES_NOTE_LIST)
		printf(": %s", note->error ? "could not be read, see the daemon's log; the old one stays" : "read anew");
	puts(note->by_warden ? " (by the warden)" : "");
}

static void json_note(struct json *json, const struct es_note_info *note)
{
	json_literal(json, "{\"time_ns\":");
	json_unsigned(json, note->time_ns);
	json_key(json, "kind");
	json_text(json, note_name(note));
	json_key(json, "pid");
	json_signed(json, note->pid);
	json_key(json, "executable");
	json_text(json, note->executable);
	if (note->kind == ES_NOTE_REFUSED || note->kind == ES_NOTE_LIST) {
		json_key(json, "error");
		json_text(json, note->error ? strerror(note->error) : "");
	}
	if (note->kind == ES_NOTE_MISSED || note->kind == ES_NOTE_STALLED) {
		json_key(json, "event");
		json_text(json, note->type < ES_EVENT_TYPES ? events[note->type].constant : "");
		json_key(json, "path");
		json_text(json, note->path);
		json_key(json, "operation_pid");
		json_signed(json, note->op_pid);
		json_key(json, "operation_thread");
		json_signed(json, note->op_tid);
		json_key(json, "late_ns");
		json_unsigned(json, note->late_ns);
		json_key(json, "outcome");
		json_text(json, outcome_name(note->outcome));
		json_key(json, "by_warden");
		json_boolean(json, note->by_warden);
	}
	json_close(json, '}');
}

static int json_notes(const struct es_note_info *notes, uint32_t count)
{
	struct json json = {};

	json_open(&json, '[');
	for (uint32_t i = 0; i < count; i++)
		json_note(&json, &notes[i]);
	json_close(&json, ']');
	return json_print(&json);
}

static int command_events(bool as_json, __attribute__((unused)) const char *argument)
{
	_cleanup_free_ struct es_reply *reply = NULL;
	struct es_note_info *notes;
	int r;

	r = ask_running(ES_REQUEST_NOTES, sizeof(*notes), &reply);
	if (r < 0)
		return ask_failed(r);
	notes = (void *)(reply + 1);
	for (uint32_t i = 0; i < reply->count; i++) {
		TERMINATE(notes[i].executable);
		TERMINATE(notes[i].path);
		if (!as_json)
			print_note(&notes[i]);
	}
	return as_json ? json_notes(notes, reply->count) : EX_OK;
}

/* --- mutes --- */

static const char *mute_kind_name(uint32_t kind)
{
	static const char *const names[] = {
		[ES_MUTE_EXE_PREFIX] = "prefix",
		[ES_MUTE_EXE_LITERAL] = "literal",
		[ES_MUTE_TARGET_PREFIX] = "target-prefix",
		[ES_MUTE_TARGET_LITERAL] = "target-literal",
		[ES_MUTE_PROCESS] = "process",
	};

	return kind < ARRAY_SIZE(names) ? names[kind] : "unknown";
}

static const char *const mute_stages[] = { "process", "path", "target" };	/* by enum es_mute_stage */

/* Which of the events that an entry of the kind can have are not among them? */
static unsigned int types_missing(const struct es_mute_info *info)
{
	static const uint8_t targets[ES_EVENT_TYPES] = {
#define ES_EVENT(constant, number, payload, ...) [number] = (uint8_t)ES_TARGET_OF_##payload,
#include "abi/events.def"
	};
	bool target = info->kind == ES_MUTE_TARGET_PREFIX || info->kind == ES_MUTE_TARGET_LITERAL;
	unsigned int missing = 0;

	for (unsigned int type = 0; type < ES_EVENT_TYPES; type++)
		missing += !type_in(info->types, type) && (!target || targets[type] != ES_TARGET_NONE);
	return missing;
}

static void print_mute(const struct es_mute_info *info)
{
	struct es_token token;

	printf("%-15s ", mute_kind_name(info->kind));
	if (info->kind == ES_MUTE_PROCESS) {
		memcpy(&token, info + 1, sizeof(token));
		printf("pid %u, execution %u: ", token.pid, token.pidversion);
	} else {
		printf("%.*s: ", (int)info->bytes, (const char *)(info + 1));
	}
	if (types_missing(info))
		print_types(info->types);
	else
		puts("all");
}

static void json_mute(struct json *json, const struct es_mute_info *info)
{
	struct es_token token;

	json_literal(json, "{\"kind\":");
	json_text(json, mute_kind_name(info->kind));
	if (info->kind == ES_MUTE_PROCESS) {
		memcpy(&token, info + 1, sizeof(token));
		json_key(json, "pid");
		json_unsigned(json, token.pid);
		json_key(json, "pidversion");
		json_unsigned(json, token.pidversion);
	} else {
		json_key(json, "path");
		json_string(json, (const char *)(info + 1), info->bytes);
	}
	json_literal(json, "\"events\":[");
	for (unsigned int type = 0; type < ES_EVENT_TYPES; type++)
		if (type_in(info->types, type))
			json_text(json, events[type].constant);
	json_close(json, ']');
	json_close(json, '}');
}

/* The entry at *position of a reply's data, which is moved on; NULL: it is cut off, or of no known kind. */
static const struct es_mute_info *mute_at(const struct es_reply *reply, size_t *position)
{
	const struct es_mute_info *info = (const void *)((const char *)(reply + 1) + *position);
	size_t left = reply->data_bytes - *position;

	if (left < sizeof(*info) || info->bytes > left - sizeof(*info) || info->kind >= ES_MUTE_KINDS ||
	    (info->kind == ES_MUTE_PROCESS && info->bytes != sizeof(struct es_token)))
		return NULL;
	left -= sizeof(*info) + info->bytes;
	*position += sizeof(*info) + info->bytes;
	*position += left < 8 && left < (-info->bytes & 7) ? left : (-info->bytes & 7);
	return info;
}

/* One page, to the terminal or into `json`. */
static int tell_mutes(const struct es_reply *reply, struct json *json)
{
	size_t position = 0;

	for (uint32_t i = 0; i < reply->count; i++) {
		const struct es_mute_info *info = mute_at(reply, &position);

		if (!info)
			return -EPROTO;
		if (json)
			json_mute(json, info);
		else
			print_mute(info);
	}
	return 0;
}

static void tell_inverted(uint32_t inverted, struct json *json)
{
	if (json) {
		json_close(json, ']');
		json_literal(json, "\"inverted\":[");
	}
	for (unsigned int stage = 0; stage < ES_STAGES; stage++) {
		if (!(inverted >> stage & 1))
			continue;
		if (json)
			json_text(json, mute_stages[stage]);
		else
			printf("inverted        %s\n", mute_stages[stage]);
	}
	if (json)
		json_close(json, ']');
}

static int ask_mutes(uint32_t slot, struct json *json)
{
	struct es_request request = { .abi = ES_ABI_VERSION, .op = ES_REQUEST_MUTES_OF, .slot = slot };
	_cleanup_close_ int fd = -1;
	uint32_t inverted = 0;
	int r;

	r = daemon_connect(&fd);
	if (r < 0)
		return r;
	do {
		_cleanup_free_ struct es_reply *reply = NULL;

		r = daemon_ask_this(fd, &request, sizeof(struct es_mute_info), &reply);
		if (r >= 0 && reply->cursor && reply->cursor <= request.cursor)
			r = -EPROTO;
		if (r >= 0)
			r = tell_mutes(reply, json);
		if (r < 0)
			return r;
		request.cursor = reply->cursor;
		inverted = reply->inverted;
	} while (request.cursor);
	tell_inverted(inverted, json);
	return 0;
}

static int command_mutes(bool as_json, const char *client)
{
	struct json json = {};
	char *end;
	unsigned long slot = strtoul(client, &end, 10);
	int r;

	if (*end || end == client || slot >= ES_CLIENTS_MAX) {
		log_error("%s: not a client's number; `esctl clients` shows them as SLOT", client);
		return EX_USAGE;
	}
	if (as_json)
		json_literal(&json, "{\"mutes\":[");
	r = ask_mutes(slot, as_json ? &json : NULL);
	if (r == 0 && as_json) {
		json_close(&json, '}');
		return json_print(&json);
	}
	json_deinit(&json);
	if (r == -ESRCH) {
		log_error("no client has the number %lu; `esctl clients` shows them as SLOT", slot);
		return EXIT_FAILURE;
	}
	return r < 0 ? ask_failed(r) : EX_OK;
}

/* --- cache --- */

static const struct {
	const char *name;
	const char *text;
} cache_counts[] = {
#define CACHE_COUNT(constant, name, text) { name, text },
	ES_CACHE_COUNTS(CACHE_COUNT)
#undef CACHE_COUNT
};

static void print_cache_line(const char *name, uint64_t count, const char *text)
{
	printf("%-11s %12ju  %s\n", name, (uintmax_t)count, text);
}

static void print_cache(const struct es_cache_info *info)
{
	printf("%-11s %s\n", "cache", info->how);
	print_cache_line("entries", info->entries, "answers in the table, some perhaps ended by a change");
	print_cache_line("room", info->room, "for so many");
	for (size_t i = 0; i < ARRAY_SIZE(cache_counts); i++)
		print_cache_line(cache_counts[i].name, info->counts[i], cache_counts[i].text);
	print_cache_line("cleared", info->cleared, "emptied by es_clear_cache");
	print_cache_line("joined", info->joined, "emptied by a new client");
}

static int json_cache(const struct es_cache_info *info)
{
	struct json json = {};

	json_literal(&json, "{\"cache\":");
	json_text(&json, info->how);
	json_key(&json, "entries");
	json_unsigned(&json, info->entries);
	json_key(&json, "room");
	json_unsigned(&json, info->room);
#define JSON_COUNT(constant, name, text) \
	json_key(&json, name); \
	json_unsigned(&json, info->counts[ES_CACHE_##constant]);
	ES_CACHE_COUNTS(JSON_COUNT)
#undef JSON_COUNT
	json_key(&json, "cleared");
	json_unsigned(&json, info->cleared);
	json_key(&json, "joined");
	json_unsigned(&json, info->joined);
	json_close(&json, '}');
	return json_print(&json);
}

static int command_cache(bool as_json, __attribute__((unused)) const char *argument)
{
	_cleanup_free_ struct es_reply *reply = NULL;
	struct es_cache_info *info;
	int r;

	r = ask_running(ES_REQUEST_CACHE, sizeof(*info), &reply);
	if (r >= 0 && reply->count < 1)
		r = -EPROTO;
	if (r < 0)
		return ask_failed(r);
	info = (void *)(reply + 1);
	TERMINATE(info->how);
	if (as_json)
		return json_cache(info);
	print_cache(info);
	return EX_OK;
}

/* --- the table --- */

static const struct command {
	const char *name;
	const char *argument;		/* what it takes; NULL: nothing. In brackets: if it is given */
	int (*run)(bool as_json, const char *argument);
	const char *text;
} commands[] = {
	{ "cache", NULL, command_cache, "answers that are kept: how many, hits and misses, why not kept or dropped" },
	{ "capabilities", "[EVENT]", command_capabilities, "what each event can do on this machine, how, or why not" },
	{ "clients", NULL, command_clients, "who is connected: subscriptions, counts, losses, operations held" },
	{ "events", NULL, command_events, "what happened lately: deadlines missed, clients come, gone and refused" },
	{ "mutes", "CLIENT", command_mutes, "what a client (its SLOT) has muted, and which stages are inverted" },
	{ "status", NULL, command_status, "the daemon: sensor, scope, deadline, counts" },
};

static void usage(FILE *out)
{
	fputs("usage: esctl COMMAND [--json]\n\n", out);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(out, "  %-12s %-7s %s\n", commands[i].name, commands[i].argument ?: "", commands[i].text);
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

static bool arguments_fit(const struct command *command, int count)
{
	bool may = command->argument, must = may && command->argument[0] != '[';

	return count >= must && count <= may;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "json", no_argument, NULL, 'j' },
		{},
	};
	const struct command *command;
	bool as_json = false;
	int option, status;

	log_init("esctl");
	while ((option = getopt_long(argc, argv, "hj", options, NULL)) >= 0) {
		if (option == 'j') {
			as_json = true;
			continue;
		}
		usage(option == 'h' ? stdout : stderr);
		return option == 'h' ? EX_OK : EX_USAGE;
	}
	command = argc > optind ? find_command(argv[optind]) : NULL;
	if (!command || !arguments_fit(command, argc - optind - 1)) {
		if (!command && argc > optind)
			log_error("no such command: %s", argv[optind]);
		usage(stderr);
		return EX_USAGE;
	}
	status = command->run(as_json, argv[optind + 1]);
	if (status == EX_OK && fflush(stdout)) {
		log_error("can't write: %m");
		return EX_IOERR;
	}
	return status;
}
