/* SPDX-License-Identifier: MIT */
#pragma once

/* A set of numbers, stored as ranges. It is small if the numbers come nearly in order. */

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

/* The count of its numbers between first and last, inclusive. */
uint64_t numbers_within(const struct numbers *numbers, uint64_t first, uint64_t last);

/* 0: it is empty. */
uint64_t numbers_last(const struct numbers *numbers);

/* The first missing range from `from` to `last`; false: none is missing. */
bool numbers_missing(const struct numbers *numbers, uint64_t from, uint64_t last, struct numbers_range *ret);
