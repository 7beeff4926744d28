/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Messages as JSON, one object a line, with the keys and encodings of macOS's eslogger; man/eslogger.8 has the list.
 */

#include <EndpointSecurity/EndpointSecurity.h>

#include "tools/event.h"
#include "tools/json.h"

/* Appends one line. AUTH messages are fine, too. */
void event_json_message(struct json *json, const es_message_t *message);

/* Its members as JSON, for formats that print some of them likewise; `to` is a struct json. */
extern const struct event_visitor event_json_visitor;
