/* SPDX-License-Identifier: MIT */

/*
 * One message of each event type in a format, for test-schemas.py: as it comes, and denied where a client can deny it.
 *
 *	format-print FORMAT
 *
 * Before each line is one of "done", "denied", "failed" and "asked", and the type's constant.
 */

#include <stdio.h>
#include <string.h>

#include "tools/event-formats.h"
#include "tools/test-messages.h"

static const struct event_host host = {
	.name = "host.example", .id = "0123456789abcdef0123456789abcdef", .boot_id = "8a1f9c1e-4a3a-4d39-9a0e-000000000001",
	.kernel = "6.12.0", .machine = "x86_64", .client = "client", .number = 7,
};

static void print(const struct event_formatter *formatter, const es_message_t *message, const char *what)
{
	struct json json = {};

	formatter->put(&json, message, &host);
	if (json.length)
		printf("%s %s %.*s", what, event_constant(message->event_type), (int)json.length, json.data);
	json_deinit(&json);
}

static bool failed(const es_message_t *message)
{
	struct event_parts parts;

	event_parts_gather(&parts, message);
	return event_outcome(&parts) == EVENT_FAILED;
}

/* What AUTH is there for can be denied, and then NOTIFY says so. */
static void print_denied(const struct event_formatter *formatter, es_message_t *message)
{
	es_result_t *result = &message->action.notify;

	if (message->event_type == ES_EVENT_TYPE_NOTIFY_OPEN) {
		message->event.open.fflag = 3;
		*result = (es_result_t){ .result_type = ES_RESULT_TYPE_FLAGS, .result.flags = 1 };
		print(formatter, message, "denied");
		result->result.flags = UINT32_MAX;
		print(formatter, message, "done");
		return;
	}
	*result = (es_result_t){ .result_type = ES_RESULT_TYPE_AUTH, .result.auth = ES_AUTH_RESULT_DENY };
	print(formatter, message, "denied");
}

static void print_type(const struct event_formatter *formatter, es_event_type_t type, unsigned int variant)
{
	es_message_t message = make_message(type);

	fill_event(&message, variant);
	if (!event_is_notify(type)) {
		message.action_type = ES_ACTION_TYPE_AUTH;
		print(formatter, &message, "asked");
		return;
	}
	print(formatter, &message, failed(&message) ? "failed" : "done");
	print_denied(formatter, &message);
}

int main(int argc, char **argv)
{
	const struct event_formatter *formatter = argc == 2 ? event_formatter_find(argv[1]) : NULL;

	if (!formatter)
		return 2;
	for (unsigned int type = 0; type < ES_EVENT_TYPE_LAST; type++)
		for (unsigned int variant = 0; event_name(type) && variant < VARIANTS; variant++)
			print_type(formatter, type, variant);
	return 0;
}
