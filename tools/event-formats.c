/* SPDX-License-Identifier: MIT */

#include "tools/event-formats.h"

#include <string.h>

#include "tools/event-ecs.h"
#include "tools/event-json.h"
#include "tools/event-ocsf.h"
#include "util/macro.h"

const char event_formatter_names[] = "json, ecs and ocsf";

/* This format doesn't describe the machine, as on macOS. */
static void put_json(struct json *json, const es_message_t *message, const struct event_host *host)
{
	(void)host;
	event_json_message(json, message);
}

const struct event_formatter *event_formatter_find(const char *name)
{
	static const struct event_formatter formatters[] = {
		{ "json", put_json },
		{ "ecs", event_ecs_message },
		{ "ocsf", event_ocsf_message },
	};

	for (size_t i = 0; i < ARRAY_SIZE(formatters); i++)
		if (!strcmp(formatters[i].name, name))
			return &formatters[i];
	return NULL;
}
