/* SPDX-License-Identifier: MIT */
#include "capture/facts.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void esc_facts_deinit(struct esc_facts *facts)
{
	free(facts->text);
	*facts = (struct esc_facts){};
}

int esc_facts_set(struct esc_facts *facts, const char *key, const char *value)
{
	size_t more = strlen(key) + strlen(value) + 2;
	char *text = realloc(facts->text, facts->length + more + 1);

	if (!text)
		return -ENOMEM;
	facts->text = text;
	text += facts->length;
	sprintf(text, "%s=%s\n", key, value);
	for (char *c = text; c < text + more - 1; c++)
		if ((unsigned char)*c < ' ' || *c == 127)
			*c = '?';
	facts->length += more;
	return 0;
}

int esc_facts_set_number(struct esc_facts *facts, const char *key, int64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, value);
	return esc_facts_set(facts, key, text);
}

bool esc_facts_get(const struct esc_facts *facts, const char *key, char *ret, size_t size)
{
	size_t length = strlen(key);
	const char *line = facts->text;

	while (line && *line) {
		size_t end = strcspn(line, "\n");

		if (end > length && !memcmp(line, key, length) && line[length] == '=') {
			snprintf(ret, size, "%.*s", (int)(end - length - 1), line + length + 1);
			return true;
		}
		line += line[end] ? end + 1 : end;
	}
	return false;
}

int64_t esc_facts_number(const struct esc_facts *facts, const char *key, int64_t otherwise)
{
	char text[24], *end;
	int64_t value;

	if (!esc_facts_get(facts, key, text, sizeof(text)))
		return otherwise;
	errno = 0;
	value = strtoll(text, &end, 10);
	return errno || *end || end == text ? otherwise : value;
}
