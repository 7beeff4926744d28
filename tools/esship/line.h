/* SPDX-License-Identifier: MIT */
#pragma once

/* The lines of a batch, for sinks that send each by itself. */

#include "tools/esship/sink.h"

enum { LINE_ID_BYTES = 96, LINE_TIME_DIGITS = 9 };

/* The line at *at, without its newline; *at is then behind it. False: there is none. */
bool line_next(const struct sink_batch *batch, size_t *at, const char **ret, size_t *ret_length);

/* An id for the line at this place of the batch, the same each time that it is sent. */
void line_id(char ret[LINE_ID_BYTES], const struct sink_batch *batch, uint32_t place);

/* The start, in the line, of the event's time "2026-11-30T08:52:38.224000000Z", which has all its digits; or NULL. */
const char *line_time(const char *line, size_t length);
