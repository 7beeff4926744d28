/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Messages as text for people, one line each: time, event, pid, user, program, and what it was about. The first five are
 * columns that stay where they are; what is too long for its column is cut, and ends in "+".
 *
 * Nothing in a line comes through as it is but printable UTF-8: control characters, C1 and those that change the direction
 * of writing among them, and bytes that are no UTF-8 are escaped, \xNN or \u{NNNN}. So a file's name can't move the
 * cursor, nor be taken for another line.
 */

#include <EndpointSecurity/EndpointSecurity.h>

#include "tools/json.h"

struct event_text {
	unsigned int event_width;	/* of the column: the longest name there can be */
	bool colours;
};

/* Appends one line. One thread at a time. */
void event_text_message(const struct event_text *text, struct json *buffer, const es_message_t *message);

/* Appends what a terminal may be shown of these bytes. */
void event_text_escape(struct json *buffer, const char *data, size_t length);
