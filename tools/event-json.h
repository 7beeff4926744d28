/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Messages as JSON, one object a line, with the keys and encodings of macOS's eslogger; man/eslogger.8 has the list.
 */

#include <EndpointSecurity/EndpointSecurity.h>

#include "tools/json.h"

/* eslogger's name of an event: that of its member in es_events_t. NULL for numbers that are no event. */
const char *event_json_name(es_event_type_t type);

/* The NOTIFY event of that name; false if there is none. */
bool event_json_find(const char *name, es_event_type_t *ret_type);

bool event_json_is_notify(es_event_type_t type);

/* Appends one line. AUTH messages are fine, too. */
void event_json_message(struct json *json, const es_message_t *message);
