/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Matches AUTH records and their answers by auth_id, in any order. Whichever comes first is kept until the other comes.
 * Memory is bounded: if many have no counterpart, the oldest are forgotten.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PAIRS_MAX = 65536 };

struct pairs {
	struct pair *pairs;		/* an open table of 2 * PAIRS_MAX; NULL: empty */
	uint64_t *order;		/* keys, oldest first: a ring of PAIRS_MAX */
	size_t begin;
	size_t count;			/* in `order`, including keys that were taken */
	bool failed;			/* out of memory: nothing is kept */
};

void pairs_deinit(struct pairs *pairs);

/* Replaces an entry with the same key. */
void pairs_add(struct pairs *pairs, uint64_t key, uint64_t value);
bool pairs_take(struct pairs *pairs, uint64_t key, uint64_t *ret_value);

/* Takes any remaining entry. */
bool pairs_take_any(struct pairs *pairs, uint64_t *ret_key, uint64_t *ret_value);
