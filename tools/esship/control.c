/* SPDX-License-Identifier: MIT */
#include "tools/esship/control.h"

#include <time.h>

#include "tools/event-ecs.h"
#include "tools/event-ocsf.h"
#include "tools/event-put.h"

static const char *const names[] = {
	[CONTROL_STARTED] = "started", [CONTROL_LOST] = "lost", [CONTROL_DROPPED] = "dropped", [CONTROL_ENDED] = "ended",
};

static void put_name(struct json *json, unsigned int name)
{
	const char *constant = name == LEDGER_OWN ? "esship" : event_constant((es_event_type_t)name);

	json_literal(json, "\"");
	json_raw(json, constant, strlen(constant));
	json_literal(json, "\":");
}

static void put_counts(struct json *json, const struct ledger_counts *counts)
{
	KEY_UNSIGNED("first", counts->first);
	KEY_UNSIGNED("last", counts->last);
	KEY_UNSIGNED("count", ledger_total(counts));
	KEY_OPEN("types");
	for (unsigned int name = 0; name < LEDGER_NAMES; name++)
		if (counts->of[name])
			put_name(json, name), json_unsigned(json, counts->of[name]);
	CLOSE();
}

/* The same object in all formats. */
static void put_control(struct json *json, const struct event_host *host, const struct control *control)
{
	KEY_OPEN("esship");
	event_put_stream(json, host);
	json_literal(json, "\"");
	json_raw(json, names[control->kind], strlen(names[control->kind]));
	json_literal(json, "\":{");
	switch (control->kind) {
	case CONTROL_STARTED:
		if (!*control->client)
			break;
		KEY_TEXT("before", control->client);
		KEY_UNSIGNED("last", control->last);
		json_key(json, "ended"), json_boolean(json, control->ended);
		break;
	case CONTROL_LOST:
		KEY_UNSIGNED("count", control->count);
		break;
	case CONTROL_DROPPED:
		KEY_TEXT("why", control->why);
		KEY_TEXT("client", control->client);
		put_counts(json, control->counts);
		break;
	case CONTROL_ENDED:
		break;
	}
	CLOSE(), CLOSE();
}

static void put_time(struct json *json)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	json_time(json, now.tv_sec, now.tv_nsec, 9);
}

static void put_ecs(struct json *json, const struct event_host *host, const struct control *control)
{
	json_literal(json, "{\"@timestamp\":"), put_time(json);
	json_literal(json, "\"ecs\":{\"version\":\"" EVENT_ECS_VERSION "\"},\"event\":{\"kind\":\"event\",\"category\":[\"host\"],"
		     "\"type\":[\"info\"],\"module\":\"endpoint_security\",\"dataset\":\"endpoint_security.esship\",");
	KEY_TEXT("action", names[control->kind]);
	CLOSE();
	event_ecs_host(json, host);
	KEY_OPEN("endpoint_security");
	put_control(json, host, control);
	CLOSE();
}

/* A Base Event: no class is for that. */
static void put_ocsf(struct json *json, const struct event_host *host, const struct control *control)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	json_open(json, '{');
	KEY_NUMBER("time", (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000);
	json_literal(json, "\"category_uid\":0,\"class_uid\":0,\"activity_id\":99,\"type_uid\":99,\"severity_id\":1,");
	KEY_TEXT("activity_name", names[control->kind]);
	event_ocsf_metadata(json, host, "esship", 0);
	event_ocsf_device(json, host);
	KEY_OPEN("unmapped");
	put_control(json, host, control);
	CLOSE();
}

void control_line(struct json *json, const char *format, const struct event_host *host, const struct control *control)
{
	if (!strcmp(format, "ecs")) {
		put_ecs(json, host, control);
	} else if (!strcmp(format, "ocsf")) {
		put_ocsf(json, host, control);
	} else {
		json_literal(json, "{\"time\":"), put_time(json);
		put_control(json, host, control);
	}
	json_close(json, '}');
	json_line(json);
}
