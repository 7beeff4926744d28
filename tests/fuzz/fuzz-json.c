/* SPDX-License-Identifier: MIT */

/*
 * json_string() on any bytes: the text must be a JSON string of printable ASCII and well-formed UTF-8, and reading its
 * escapes back must give the same bytes.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "tools/json.h"

#define REQUIRE(condition) ((condition) ? (void)0 : abort())

static unsigned int hex_digits(const char *text, int count)
{
	char digits[5] = {};
	char *end;
	unsigned int value;

	memcpy(digits, text, count);
	value = strtoul(digits, &end, 16);
	REQUIRE(end == digits + count);
	return value;
}

/* What the escape at text, behind its backslash, stands for; *ret_length: how long it is. */
static char unescape(const char *text, size_t *ret_length)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *found;

	if (*text == 'u') {
		unsigned int high = hex_digits(text + 1, 2), low = hex_digits(text + 3, 2);

		REQUIRE((high == 0 && low < 0x20) || (high == 0xdc && low >= 0x80));
		*ret_length = 5;
		return low;
	}
	REQUIRE(*text && (found = strchr(from, *text)));
	*ret_length = 1;
	return to[found - from];
}

static void check_bytes(const struct json *json, const char *data, size_t size)
{
	const char *at = json->data + 1, *end = json->data + json->length - 2;
	size_t length, done = 0;

	REQUIRE(json->data[0] == '"' && end[0] == '"' && end[1] == ',');
	while (at < end) {
		char byte = *at++;

		REQUIRE((unsigned char)byte >= 0x20 && byte != '"');
		if (byte == '\\') {
			byte = unescape(at, &length);
			at += length;
		}
		REQUIRE(done < size && data[done] == byte);
		done++;
	}
	REQUIRE(at == end && done == size);
}

static void check_parser(const struct json *json)
{
	struct json_tokener *tokener = json_tokener_new_ex(JSON_TOKENER_DEFAULT_DEPTH);
	json_object *object;

	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	object = json_tokener_parse_ex(tokener, json->data, json->length - 1);
	REQUIRE(json_object_is_type(object, json_type_string));
	json_object_put(object);
	json_tokener_free(tokener);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	struct json json = {};

	json_string(&json, (const char *)data, size);
	if (data) {
		REQUIRE(!json.failed);
		check_bytes(&json, (const char *)data, size);
		check_parser(&json);
	}
	json_deinit(&json);
	return 0;
}
