/* SPDX-License-Identifier: MIT */
#include "audit.h"

#include <string.h>

struct pair {
	const char *key;
	size_t key_length;
	struct esl_audit_value value;
};

static size_t until(const char *at, const char *end, char stop)
{
	const char *found = at < end ? memchr(at, stop, (size_t)(end - at)) : NULL;

	return (size_t)((found ?: end) - at);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The last digit may be cut off. */
static bool is_hex(const char *at, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (hex_digit(at[i]) < 0)
			return false;
	return length > 1;
}

/* Takes the value at *at, behind a "=", and moves *at behind it. A quoted value that is cut off ends with the text. */
static struct esl_audit_value take_value(const char **at, const char *end)
{
	struct esl_audit_value value = { .at = *at };

	if (*at < end && **at == '"') {
		value.at++;
		value.length = until(value.at, end, '"');
		*at = value.at + value.length + (value.at + value.length < end);
		return value;
	}
	value.length = until(value.at, end, ' ');
	*at += value.length;
	value.hex = is_hex(value.at, value.length);
	return value;
}

/* The next key with its value; false: there is none. */
static bool take_pair(const char **at, const char *end, struct pair *pair)
{
	while (*at < end) {
		size_t word = until(*at, end, ' '), key = until(*at, *at + word, '=');

		if (key == 0 || key == word) {
			*at += word + (*at + word < end);
			continue;
		}
		pair->key = *at;
		pair->key_length = key;
		*at += key + 1;
		pair->value = take_value(at, end);
		return true;
	}
	return false;
}

static bool is_unknown(const struct esl_audit_value *value)
{
	return value->at[-1] == '=' && value->length == 1 && value->at[0] == '?';
}

static struct esl_audit_value find(struct esl_audit audit, const char *key, bool only)
{
	struct esl_audit_value found = {}, none = {};
	const char *at = audit.text, *end = at + audit.length;
	bool seen = false;
	struct pair pair;

	while (take_pair(&at, end, &pair)) {
		if (pair.key_length != strlen(key) || memcmp(pair.key, key, pair.key_length))
			continue;
		if (seen)
			return none;
		seen = true;
		found = pair.value;
		if (!only)
			break;
	}
	return seen && !is_unknown(&found) ? found : none;
}

struct esl_audit_value esl_audit_find(struct esl_audit audit, const char *key)
{
	return find(audit, key, false);
}

struct esl_audit_value esl_audit_find_one(struct esl_audit audit, const char *key)
{
	return find(audit, key, true);
}

static bool ends_with(struct esl_audit audit, const char *end)
{
	size_t length = strlen(end);

	return audit.length >= length && !memcmp(audit.text + audit.length - length, end, length);
}

enum esl_audit_result esl_audit_result(struct esl_audit audit)
{
	if (ends_with(audit, " res=success"))
		return ESL_AUDIT_SUCCESS;
	return ends_with(audit, " res=failed") ? ESL_AUDIT_FAILED : ESL_AUDIT_UNKNOWN;
}

bool esl_audit_granted(struct esl_audit audit, const char *module)
{
	struct esl_audit_value list = esl_audit_find(audit, "grantors");
	const char *at = list.at, *end = at ? at + list.length : NULL;

	while (at && at < end) {
		size_t word = until(at, end, ',');

		if (word == strlen(module) && !memcmp(at, module, word))
			return true;
		at += word + (at + word < end);
	}
	return false;
}

size_t esl_audit_copy(char *to, struct esl_audit_value value)
{
	size_t length = value.hex ? value.length / 2 : value.length;

	for (size_t i = 0; i < length; i++)
		to[i] = value.hex ? (char)(hex_digit(value.at[2 * i]) << 4 | hex_digit(value.at[2 * i + 1]))
				  : value.at[i];
	to[length] = '\0';
	return length;
}
