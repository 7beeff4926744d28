/* SPDX-License-Identifier: MIT */
#pragma once

/* A set of numbers, as ranges: small as long as they come nearly in order. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct numbers_range {
	uint64_t first, last;
};

struct numbers {
	struct numbers_range *ranges;	/* in order, with gaps between */
	size_t count, room;
};

void numbers_deinit(struct numbers *numbers);

/* 1: it is new; 0: it was there; -ENOMEM. */
int numbers_add(struct numbers *numbers, uint64_t number);

/* How many of first to last are in it. */
uint64_t numbers_within(const struct numbers *numbers, uint64_t first, uint64_t last);

/* 0: it is empty. */
uint64_t numbers_last(const struct numbers *numbers);

/* The first range that is missing at or behind `from` and up to `last`; false: nothing is. */
bool numbers_missing(const struct numbers *numbers, uint64_t from, uint64_t last, struct numbers_range *ret);
