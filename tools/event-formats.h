/* SPDX-License-Identifier: MIT */
#pragma once

/* Formats for programs, by name. */

#include "tools/event-format.h"
#include "tools/json.h"

struct event_formatter {
	const char *name;
	/* Appends one line. */
	void (*put)(struct json *json, const es_message_t *message, const struct event_host *host);
};

/* NULL: there is none of that name. */
const struct event_formatter *event_formatter_find(const char *name);

/* "json, ecs and ocsf" */
extern const char event_formatter_names[];
