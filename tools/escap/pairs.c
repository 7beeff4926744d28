/* SPDX-License-Identifier: MIT */
#include "tools/escap/pairs.h"

#include <stdlib.h>

struct pair {
	uint64_t key;
	uint64_t value;
	bool used;
};

enum { SLOTS = 2 * PAIRS_MAX };

void pairs_deinit(struct pairs *pairs)
{
	free(pairs->pairs);
	free(pairs->order);
	*pairs = (struct pairs){};
}

static bool is_ready(struct pairs *pairs)
{
	if (pairs->pairs || pairs->failed)
		return pairs->pairs;
	pairs->pairs = calloc(SLOTS, sizeof(*pairs->pairs));
	pairs->order = calloc(PAIRS_MAX, sizeof(*pairs->order));
	if (pairs->pairs && pairs->order)
		return true;
	pairs_deinit(pairs);
	pairs->failed = true;
	return false;
}

static size_t home(uint64_t key)
{
	return (size_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 47) % SLOTS;
}

/* The place of the key, or a free place for it. */
static size_t place(const struct pairs *pairs, uint64_t key)
{
	size_t at = home(key);

	while (pairs->pairs[at].used && pairs->pairs[at].key != key)
		at = (at + 1) % SLOTS;
	return at;
}

/* Moves the entries behind the gap up, so that no search ends there. */
static void clear(struct pairs *pairs, size_t gap)
{
	size_t at = gap;

	pairs->pairs[gap].used = false;
	for (;;) {
		at = (at + 1) % SLOTS;
		if (!pairs->pairs[at].used)
			return;
		if ((at - home(pairs->pairs[at].key)) % SLOTS < (at - gap) % SLOTS)
			continue;
		pairs->pairs[gap] = pairs->pairs[at];
		pairs->pairs[at].used = false;
		gap = at;
	}
}

bool pairs_take(struct pairs *pairs, uint64_t key, uint64_t *ret_value)
{
	size_t at;

	if (!pairs->pairs)
		return false;
	at = place(pairs, key);
	if (!pairs->pairs[at].used)
		return false;
	*ret_value = pairs->pairs[at].value;
	clear(pairs, at);
	return true;
}

bool pairs_take_any(struct pairs *pairs, uint64_t *ret_key, uint64_t *ret_value)
{
	while (pairs->count) {
		*ret_key = pairs->order[pairs->begin];
		pairs->begin = (pairs->begin + 1) % PAIRS_MAX;
		pairs->count--;
		if (pairs_take(pairs, *ret_key, ret_value))
			return true;
	}
	return false;
}

void pairs_add(struct pairs *pairs, uint64_t key, uint64_t value)
{
	uint64_t old_key, old_value;
	size_t at;

	if (!is_ready(pairs))
		return;
	at = place(pairs, key);
	if (!pairs->pairs[at].used) {
		if (pairs->count == PAIRS_MAX) {
			(void)pairs_take_any(pairs, &old_key, &old_value);
			at = place(pairs, key);
		}
		pairs->order[(pairs->begin + pairs->count++) % PAIRS_MAX] = key;
	}
	pairs->pairs[at] = (struct pair){ .key = key, .value = value, .used = true };
}
