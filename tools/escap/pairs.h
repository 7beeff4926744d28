/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * AUTH records and their answers find each other by auth_id, in whichever order they come. What has come is kept until the
 * other has; a file in which many never do costs bounded memory: the oldest are forgotten.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PAIRS_MAX = 65536 };

struct pairs {
	struct pair *pairs;		/* an open table of 2 * PAIRS_MAX; NULL: empty */
	uint64_t *order;		/* keys, oldest first: a ring of PAIRS_MAX */
	size_t begin;
	size_t count;			/* in `order`; keys that were taken are skipped */
	bool failed;			/* there was no memory: nothing is kept */
};

void pairs_deinit(struct pairs *pairs);

/* Replaces what has the key. */
void pairs_add(struct pairs *pairs, uint64_t key, uint64_t value);
bool pairs_take(struct pairs *pairs, uint64_t key, uint64_t *ret_value);

/* Any of those that are left, and takes it. */
bool pairs_take_any(struct pairs *pairs, uint64_t *ret_key, uint64_t *ret_value);
