/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Messages as text for people, one line each: time, event, pid, user, program, and the details. The first five are
 * columns of fixed width; a longer value is cut, and ends in "+".
 *
 * Only printable UTF-8 is copied. Control characters (also C1, and those that change the direction of writing) and
 * bytes that aren't UTF-8 are escaped as \xNN or \u{NNNN}. So a file's name can't move the cursor, nor look like
 * another line.
 */

#include <EndpointSecurity/EndpointSecurity.h>

#include "tools/json.h"

struct event_text {
	unsigned int event_width;	/* of the column: the longest possible name */
	bool colours;
};

/* Appends one line. One thread at a time. */
void event_text_message(const struct event_text *text, struct json *buffer, const es_message_t *message);

/* Appends these bytes, escaped so that a terminal can show them safely. */
void event_text_escape(struct json *buffer, const char *data, size_t length);
