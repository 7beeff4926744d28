/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Writes JSON into a growing buffer, at the rate of an event stream.
 *
 * Every value is written with a comma behind it, and closing an object or array removes the last comma. So no state is
 * kept between calls, and calls in a wrong order make wrong JSON. json_line() ends a document.
 *
 * Strings are bytes in, valid JSON out: "/" becomes "\/" as eslogger does it, and each byte that is not part of a
 * well-formed UTF-8 sequence becomes \udcNN, a lone low surrogate as Python's "surrogateescape" reads it. Nothing is
 * lost that way: well-formed UTF-8 has no surrogates.
 *
 * When memory runs out, `failed` is set, and the buffer's content is invalid from then on.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

struct json {
	char *data;
	size_t length;
	size_t size;
	bool failed;
};

void json_deinit(struct json *json);
bool json_grow(struct json *json, size_t bytes);

void json_line(struct json *json);
void json_unsigned(struct json *json, uint64_t value);
void json_signed(struct json *json, int64_t value);
void json_string(struct json *json, const char *data, size_t length);
void json_hex(struct json *json, const uint8_t *data, size_t length);
void json_time(struct json *json, int64_t seconds, int64_t fraction, unsigned int digits);

/* Room for `bytes` more at the end of the buffer. */
static inline bool json_reserve(struct json *json, size_t bytes)
{
	return json->size - json->length >= bytes || json_grow(json, bytes);
}

static inline void json_raw(struct json *json, const char *text, size_t length)
{
	if (!json_reserve(json, length))
		return;
	memcpy(json->data + json->length, text, length);
	json->length += length;
}

#define json_literal(json, text) json_raw(json, "" text, sizeof(text) - 1)

/* The key must be a literal that needs no escapes. */
#define json_key(json, key) json_literal(json, "\"" key "\":")

static inline void json_open(struct json *json, char bracket)
{
	json_raw(json, &bracket, 1);
}

static inline void json_close(struct json *json, char bracket)
{
	char end[2] = { bracket, ',' };

	if (json->length && json->data[json->length - 1] == ',')
		json->length--;
	json_raw(json, end, sizeof(end));
}

static inline void json_boolean(struct json *json, bool value)
{
	if (value)
		json_literal(json, "true,");
	else
		json_literal(json, "false,");
}

static inline void json_null(struct json *json)
{
	json_literal(json, "null,");
}
