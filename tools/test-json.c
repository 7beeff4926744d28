/* SPDX-License-Identifier: MIT */

/* tools/json.c: the exact text where it matters, and json-c's opinion of the rest. */

#undef NDEBUG
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <json-c/json.h>

#include "tools/json.h"
#include "util/macro.h"

static void expect_text(struct json *json, const char *text)
{
	size_t length = strlen(text);

	if (json->length != length || memcmp(json->data, text, length)) {
		fprintf(stderr, "got      %.*s\nexpected %s\n", (int)json->length, json->data, text);
		abort();
	}
	json_deinit(json);
}

static void expect_string(const char *data, size_t length, const char *text)
{
	struct json json = {};

	json_string(&json, data, length);
	expect_text(&json, text);
}

#define EXPECT_STRING(data, text) expect_string(data, sizeof(data) - 1, text)

static void test_strings(void)
{
	EXPECT_STRING("", "\"\",");
	expect_string(NULL, 0, "null,");
	EXPECT_STRING("/usr/bin", "\"\\/usr\\/bin\",");
	EXPECT_STRING("a\"b\\c", "\"a\\\"b\\\\c\",");
	EXPECT_STRING("\b\t\n\f\r", "\"\\b\\t\\n\\f\\r\",");
	EXPECT_STRING("\0\x01\x0b\x1f\x7f", "\"\\u0000\\u0001\\u000b\\u001f\x7f\",");

	/* Well-formed sequences are copied: the ends of each length's range. */
	EXPECT_STRING("\xc2\x80\xdf\xbf", "\"\xc2\x80\xdf\xbf\",");
	EXPECT_STRING("\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf",
		      "\"\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\",");
	EXPECT_STRING("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", "\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\",");

	/* Others are not: alone, overlong, a surrogate, too high, cut off. */
	EXPECT_STRING("\x80", "\"\\udc80\",");
	EXPECT_STRING("a\xff/b", "\"a\\udcff\\/b\",");
	EXPECT_STRING("\xc0\xaf", "\"\\udcc0\\udcaf\",");
	EXPECT_STRING("\xc1\xbf", "\"\\udcc1\\udcbf\",");
	EXPECT_STRING("\xe0\x9f\xbf", "\"\\udce0\\udc9f\\udcbf\",");
	EXPECT_STRING("\xed\xa0\x80", "\"\\udced\\udca0\\udc80\",");
	EXPECT_STRING("\xf0\x8f\xbf\xbf", "\"\\udcf0\\udc8f\\udcbf\\udcbf\",");
	EXPECT_STRING("\xf4\x90\x80\x80", "\"\\udcf4\\udc90\\udc80\\udc80\",");
	EXPECT_STRING("\xf5\x80\x80\x80", "\"\\udcf5\\udc80\\udc80\\udc80\",");
	EXPECT_STRING("\xe2\x82", "\"\\udce2\\udc82\",");
	EXPECT_STRING("\xe2\x82" "a", "\"\\udce2\\udc82a\",");
	EXPECT_STRING("\xc3", "\"\\udcc3\",");
}

static void test_numbers(void)
{
	static const uint64_t values[] = { 0, 1, 9, 10, 99, 100, 101, 999, 1000, 1152921500312525701u, UINT64_MAX };
	static const int64_t signed_values[] = { 0, -1, -10, -100, INT32_MIN, INT64_MIN, INT64_MAX };
	char text[32];

	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		struct json json = {};

		json_unsigned(&json, values[i]);
		snprintf(text, sizeof(text), "%ju,", (uintmax_t)values[i]);
		expect_text(&json, text);
	}
	for (size_t i = 0; i < ARRAY_SIZE(signed_values); i++) {
		struct json json = {};

		json_signed(&json, signed_values[i]);
		snprintf(text, sizeof(text), "%jd,", (intmax_t)signed_values[i]);
		expect_text(&json, text);
	}
}

static void expect_time(int64_t seconds, int64_t fraction, unsigned int digits, const char *text)
{
	struct json json = {};

	json_time(&json, seconds, fraction, digits);
	expect_text(&json, text);
}

/* Each day of the years 0 to 9999 must be the one that gmtime_r() says. */
static void test_dates(void)
{
	for (int64_t day = -719528; day <= 2932896; day++) {
		time_t seconds = day * 86400 + (day % 86400 + 86400) % 86400;
		struct json json = {};
		char text[128];
		struct tm tm;

		if (day % 7 && day % 1461)	/* all would take seconds under sanitizers */
			continue;
		gmtime_r(&seconds, &tm);
		snprintf(text, sizeof(text), "\"%04d-%02d-%02dT%02d:%02d:%02d.000000001Z\",", tm.tm_year + 1900,
			 tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
		json_time(&json, seconds, 1, 9);
		expect_text(&json, text);
	}
}

static void test_times(void)
{
	expect_time(0, 0, 9, "\"1970-01-01T00:00:00.000000000Z\",");
	expect_time(1754579589, 811587464, 9, "\"2025-08-07T15:13:09.811587464Z\",");
	expect_time(1754579589, 798115, 6, "\"2025-08-07T15:13:09.798115Z\",");
	expect_time(1709164800, 999999999, 9, "\"2024-02-29T00:00:00.999999999Z\",");
	expect_time(-1, 5, 9, "\"1969-12-31T23:59:59.000000005Z\",");
	expect_time(-62167219200, 0, 9, "\"0000-01-01T00:00:00.000000000Z\",");
	expect_time(253402300799, 0, 9, "\"9999-12-31T23:59:59.000000000Z\",");

	expect_time(-62167219201, 0, 9, "null,");
	expect_time(253402300800, 0, 9, "null,");
	expect_time(INT64_MIN, 0, 9, "null,");
	expect_time(0, 1000000000, 9, "null,");
	expect_time(0, (1 << 30) - 2, 9, "null,");		/* UTIME_OMIT */
	expect_time(0, -1, 9, "null,");
	expect_time(0, 1000000, 6, "null,");
}

static void test_hex(void)
{
	static const uint8_t bytes[] = { 0x00, 0x0f, 0xa5, 0xff };
	struct json json = {};

	json_hex(&json, bytes, sizeof(bytes));
	expect_text(&json, "\"000FA5FF\",");
}

static void test_structure(void)
{
	struct json json = {};

	json_open(&json, '{');
	json_key(&json, "empty");
	json_open(&json, '{');
	json_close(&json, '}');
	json_key(&json, "list");
	json_open(&json, '[');
	json_null(&json);
	json_boolean(&json, true);
	json_boolean(&json, false);
	json_open(&json, '[');
	json_close(&json, ']');
	json_close(&json, ']');
	json_key(&json, "comma");
	json_string(&json, ",", 1);
	json_close(&json, '}');
	json_line(&json);
	expect_text(&json, "{\"empty\":{},\"list\":[null,true,false,[]],\"comma\":\",\"}\n");
}

/* Whatever bytes a string has, a JSON parser takes it, and gives valid UTF-8 back unchanged. */
static void test_random_strings(void)
{
	uint32_t state = 1;

	for (int round = 0; round < 20000; round++) {
		_cleanup_free_ char *copy = NULL;
		struct json json = {};
		json_object *object;
		char data[64];
		size_t length = round % sizeof(data);
		bool ascii = round & 1;

		for (size_t i = 0; i < length; i++) {
			state = state * 1664525 + 1013904223;
			data[i] = ascii ? state >> 24 & 0x7f : state >> 24;
		}
		json_string(&json, data, length);
		json_line(&json);
		copy = strndup(json.data, json.length);
		object = json_tokener_parse(copy);
		assert(object && json_object_is_type(object, json_type_string));
		if (ascii) {
			assert((size_t)json_object_get_string_len(object) == length);
			assert(!memcmp(json_object_get_string(object), data, length));
		}
		json_object_put(object);
		json_deinit(&json);
	}
}

/* The buffer grows under any single call. */
static void test_growth(void)
{
	size_t length = 1024 * 1024;
	_cleanup_free_ char *data = malloc(length);
	struct json json = {};

	memset(data, 1, length);
	json_string(&json, data, length);
	json_string(&json, data, length);
	assert(!json.failed);
	assert(json.length == 2 * (6 * length + 3));
	assert(!memcmp(json.data + json.length - 8, "\\u0001\",", 8));
	json_deinit(&json);

	/* If there is no memory, it sets `failed` and writes nothing. */
	json_string(&json, "x", SIZE_MAX / 4);
	assert(json.failed && !json.length);
	json_deinit(&json);
}

int main(void)
{
	test_strings();
	test_numbers();
	test_times();
	test_dates();
	test_hex();
	test_structure();
	test_random_strings();
	test_growth();
	return 0;
}
