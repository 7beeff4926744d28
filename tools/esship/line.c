/* SPDX-License-Identifier: MIT */
#include "tools/esship/line.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "util/macro.h"

bool line_next(const struct sink_batch *batch, size_t *at, const char **ret, size_t *ret_length)
{
	const char *line = batch->lines + *at, *newline;
	size_t left = batch->length - *at;

	if (!left)
		return false;
	newline = memchr(line, '\n', left);
	*ret = line;
	*ret_length = newline ? (size_t)(newline - line) : left;
	*at += *ret_length + !!newline;
	return true;
}

void line_id(char ret[LINE_ID_BYTES], const struct sink_batch *batch, uint32_t place)
{
	snprintf(ret, LINE_ID_BYTES, "%s-%" PRIu64 "-%" PRIu32, batch->client, batch->first, place);
}

/* The time is near the beginning of the line. */
const char *line_time(const char *line, size_t length)
{
	static const char *const keys[] = { "\"time\":\"", "\"@timestamp\":\"", "\"time_dt\":\"" };
	enum { BEGINNING = 128, SECONDS = 19 };
	const char *at = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(keys) && !at; i++) {
		at = memmem(line, length < BEGINNING ? length : BEGINNING, keys[i], strlen(keys[i]));
		if (at)
			at += strlen(keys[i]);
	}
	return at && at + SECONDS + 1 + LINE_TIME_DIGITS <= line + length && at[SECONDS] == '.' ? at : NULL;
}
