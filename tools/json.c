/* SPDX-License-Identifier: MIT */

#include "tools/json.h"

#include <stdlib.h>

#include "util/macro.h"

enum {
	JSON_FIRST_BYTES = 64 * 1024,
	JSON_NUMBER_BYTES = 24,		/* longest 64-bit number, its sign and a comma */
	JSON_ESCAPE_BYTES = 6,		/* \uNNNN: the most that one byte becomes */
	JSON_TIME_BYTES = 40,
};

/* How a byte in a string is written: 0: copied; 'u': \u00NN; 'x': may be part of a UTF-8 sequence; else: \<this>. */
static const char json_escape[256] = {
	[0x00 ... 0x07] = 'u',
	['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', [0x0b] = 'u', ['\f'] = 'f', ['\r'] = 'r',
	[0x0e ... 0x1f] = 'u',
	['"'] = '"', ['\\'] = '\\', ['/'] = '/',
	[0x80 ... 0xff] = 'x',
};

void json_deinit(struct json *json)
{
	free(json->data);
	*json = (struct json){};
}

bool json_grow(struct json *json, size_t bytes)
{
	size_t size = json->size ?: JSON_FIRST_BYTES;
	char *data;

	if (json->failed)
		return false;
	while (size - json->length < bytes) {
		if (__builtin_mul_overflow(size, 2, &size)) {
			json->failed = true;
			return false;
		}
	}
	data = realloc(json->data, size);
	if (!data) {
		json->failed = true;
		return false;
	}
	json->data = data;
	json->size = size;
	return true;
}

/* Ends a document: its last comma becomes a newline. */
void json_line(struct json *json)
{
	if (!json->failed && json->length)
		json->data[json->length - 1] = '\n';
}

/* The decimal digits of value, written so that they end at `end`; returns where they begin. */
static char *digits_before(char *end, uint64_t value)
{
	static const char pairs[] =
		"00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748"
		"49505152535455565758596061626364656667686970717273747576777879808182838485868788899091929394959697"
		"9899";

	while (value >= 100) {
		end -= 2;
		memcpy(end, pairs + value % 100 * 2, 2);
		value /= 100;
	}
	if (value >= 10) {
		end -= 2;
		memcpy(end, pairs + value * 2, 2);
		return end;
	}
	*--end = '0' + value;
	return end;
}

static void put_number(struct json *json, uint64_t value, bool negative)
{
	char text[JSON_NUMBER_BYTES];
	char *end = text + sizeof(text) - 1;
	char *begin = digits_before(end, value);

	if (negative)
		*--begin = '-';
	*end = ',';
	json_raw(json, begin, end + 1 - begin);
}

void json_unsigned(struct json *json, uint64_t value)
{
	put_number(json, value, false);
}

void json_signed(struct json *json, int64_t value)
{
	put_number(json, value < 0 ? -(uint64_t)value : (uint64_t)value, value < 0);
}

/*
 * The length of the well-formed UTF-8 sequence of more than one byte at text, or 0: Unicode's table 3-7, which leaves
 * out overlong forms, surrogates, and what is above U+10FFFF.
 */
static size_t utf8_length(const uint8_t *text, size_t left)
{
	uint8_t low = 0x80, high = 0xbf;
	size_t length;

	if (text[0] >= 0xc2 && text[0] <= 0xdf)
		length = 2;
	else if ((text[0] & 0xf0) == 0xe0)
		length = 3;
	else if (text[0] >= 0xf0 && text[0] <= 0xf4)
		length = 4;
	else
		return 0;

	if (left < length)
		return 0;
	if (text[0] == 0xe0)
		low = 0xa0;
	else if (text[0] == 0xed)
		high = 0x9f;
	else if (text[0] == 0xf0)
		low = 0x90;
	else if (text[0] == 0xf4)
		high = 0x8f;
	if (text[1] < low || text[1] > high)
		return 0;
	for (size_t i = 2; i < length; i++)
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	return length;
}

static char *put_unicode(char *out, const char *prefix, uint8_t byte)
{
	static const char hex[] = "0123456789abcdef";

	memcpy(out, prefix, 4);
	out[4] = hex[byte >> 4];
	out[5] = hex[byte & 15];
	return out + 6;
}

/* Writes the bytes at `text`, which can't be copied as they are; returns how many of them it took. */
static size_t put_escape(char **out, const uint8_t *text, size_t left)
{
	char escape = json_escape[*text];
	size_t length = 1;

	if (escape == 'x') {
		length = utf8_length(text, left);
		if (length) {
			memcpy(*out, text, length);
			*out += length;
			return length;
		}
		*out = put_unicode(*out, "\\udc", *text);
		return 1;
	}
	if (escape == 'u') {
		*out = put_unicode(*out, "\\u00", *text);
		return 1;
	}
	(*out)[0] = '\\';
	(*out)[1] = escape;
	*out += 2;
	return length;
}

/* data NULL: an absent string, null. */
void json_string(struct json *json, const char *data, size_t length)
{
	const uint8_t *text = (const uint8_t *)data;
	size_t bytes;
	char *out;

	if (!data) {
		json_null(json);
		return;
	}
	if (__builtin_mul_overflow(length, JSON_ESCAPE_BYTES, &bytes) || !json_reserve(json, bytes + 3)) {
		json->failed = true;
		return;
	}

	out = json->data + json->length;
	*out++ = '"';
	for (size_t i = 0; i < length;) {
		if (!json_escape[text[i]])
			*out++ = text[i++];
		else
			i += put_escape(&out, text + i, length - i);
	}
	*out++ = '"';
	*out++ = ',';
	json->length = out - json->data;
}

/* A string of upper-case hexadecimal digits. */
void json_hex(struct json *json, const uint8_t *data, size_t length)
{
	static const char hex[] = "0123456789ABCDEF";
	char *out;

	if (!json_reserve(json, length * 2 + 3))
		return;
	out = json->data + json->length;
	*out++ = '"';
	for (size_t i = 0; i < length; i++) {
		*out++ = hex[data[i] >> 4];
		*out++ = hex[data[i] & 15];
	}
	*out++ = '"';
	*out++ = ',';
	json->length = out - json->data;
}

/* The date of a day counted from 1970-01-01, which is in the years 0 to 9999, as YYYY-MM-DD. */
static void put_date(char *out, int64_t day)
{
	/* Count years that begin in March, whose last month is February, in eras of 400, from 0000-03-01. */
	uint64_t shifted = day + 719468 + 146097;
	uint64_t era = shifted / 146097;
	unsigned int of_era = shifted % 146097;
	unsigned int year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	unsigned int of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	unsigned int month = (5 * of_year + 2) / 153;
	unsigned int of_month = of_year - (153 * month + 2) / 5 + 1;
	unsigned int year = (era - 1) * 400 + year_of_era + (month >= 10);

	month = month < 10 ? month + 3 : month - 9;
	memcpy(out, "0000-00-00", 10);
	digits_before(out + 4, year);
	digits_before(out + 7, month);
	digits_before(out + 10, of_month);
}

static void put_two_digits(char *out, unsigned int value)
{
	out[0] = '0' + value / 10;
	out[1] = '0' + value % 10;
}

/*
 * A time since the epoch as "YYYY-MM-DDThh:mm:ss.fffZ", with `digits` (up to 9) digits of `fraction`. A value that is
 * no time, such as UTIME_OMIT, or is outside the years 0 to 9999, becomes null.
 */
void json_time(struct json *json, int64_t seconds, int64_t fraction, unsigned int digits)
{
	static const int64_t first = -62167219200, last = 253402300799;
	int64_t day = seconds / 86400, second = seconds % 86400, bound = 1;
	char *out;

	for (unsigned int i = 0; i < digits; i++)
		bound *= 10;
	if (seconds < first || seconds > last || fraction < 0 || fraction >= bound) {
		json_null(json);
		return;
	}
	if (second < 0) {
		second += 86400;
		day--;
	}
	if (!json_reserve(json, JSON_TIME_BYTES))
		return;

	out = json->data + json->length;
	memcpy(out, "\"0000-00-00T00:00:00.000000000", 30);
	put_date(out + 1, day);
	put_two_digits(out + 12, second / 3600);
	put_two_digits(out + 15, second / 60 % 60);
	put_two_digits(out + 18, second % 60);
	out += 21 + digits;
	digits_before(out, fraction);
	memcpy(out, "Z\",", 3);
	json->length = out + 3 - json->data;
}
