/* SPDX-License-Identifier: MIT */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <sysexits.h>

#include <EndpointSecurity/ESLinux.h>

#include "tools/esctl/esctl.h"
#include "util/log.h"
#include "util/macro.h"

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
	uint64_t types[ES_TYPE_WORDS];	/* the requested types; none: all */
};

static const char *capability_name(uint32_t capability)
{
	static const char *const names[] = {
		[ES_CAN_NOT] = "no",
		[ES_CAN_NEVER_HAPPEN] = "never",
		[ES_CAN_DELIVER] = "delivers",
		[ES_CAN_HOLD] = "holds",
		[ES_CAN_BE_SILENT] = "silent",
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
 * Makes one row for the NOTIFY and AUTH type of each payload, in the order in which they first appear. If `only` has
 * types, makes only their rows.
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
 * Asks the daemon that would deliver the events. If none is running, a client makes the library start a private one,
 * which ends with the client.
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
	     "no        it exists on Linux, but this sensor can't, on this kernel: es_subscribe() fails\n"
	     "silent    it exists on Linux, and nothing here tells of it: es_subscribe() works, and nothing comes\n"
	     "never     Linux has no such thing: likewise\n"
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

int command_capabilities(bool as_json, const char *event)
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
