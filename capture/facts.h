/* SPDX-License-Identifier: MIT */
#pragma once

/* Lines "key=value" that describe a capture, in FACTS and TOTALS. A value has no newline. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct esc_facts {
	char *text;			/* NULL: empty; else with a NUL behind it */
	size_t length;
};

void esc_facts_deinit(struct esc_facts *facts);

/* Control characters in the value become '?'. -ENOMEM */
int esc_facts_set(struct esc_facts *facts, const char *key, const char *value);
int esc_facts_set_number(struct esc_facts *facts, const char *key, int64_t value);

/* The value, cut to what fits; false: there is none. */
bool esc_facts_get(const struct esc_facts *facts, const char *key, char *ret, size_t size);
int64_t esc_facts_number(const struct esc_facts *facts, const char *key, int64_t otherwise);
