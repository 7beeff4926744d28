/* SPDX-License-Identifier: MIT */
#include "tools/escap/numbers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void numbers_deinit(struct numbers *numbers)
{
	free(numbers->ranges);
	*numbers = (struct numbers){};
}

/* The index of the first range that ends at or behind the number; or `count`. */
static size_t find(const struct numbers *numbers, uint64_t number)
{
	size_t low = 0, high = numbers->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (numbers->ranges[middle].last < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int insert(struct numbers *numbers, size_t at, uint64_t number)
{
	if (numbers->count == numbers->room) {
		size_t room = numbers->room * 2 ?: 16;
		struct numbers_range *ranges = reallocarray(numbers->ranges, room, sizeof(*ranges));

		if (!ranges)
			return -ENOMEM;
		numbers->ranges = ranges;
		numbers->room = room;
	}
	memmove(numbers->ranges + at + 1, numbers->ranges + at, (numbers->count - at) * sizeof(*numbers->ranges));
	numbers->ranges[at] = (struct numbers_range){ number, number };
	numbers->count++;
	return 1;
}

int numbers_add(struct numbers *numbers, uint64_t number)
{
	size_t at = find(numbers, number);
	struct numbers_range *next = at < numbers->count ? &numbers->ranges[at] : NULL;
	struct numbers_range *before = at ? &numbers->ranges[at - 1] : NULL;

	if (next && next->first <= number)
		return 0;
	if (before && before->last + 1 == number) {
		before->last = number;
		if (next && next->first == number + 1) {
			before->last = next->last;
			memmove(next, next + 1, (numbers->count - at - 1) * sizeof(*next));
			numbers->count--;
		}
		return 1;
	}
	if (next && next->first == number + 1) {
		next->first = number;
		return 1;
	}
	return insert(numbers, at, number);
}

uint64_t numbers_within(const struct numbers *numbers, uint64_t first, uint64_t last)
{
	uint64_t count = 0;

	for (size_t i = find(numbers, first); i < numbers->count && numbers->ranges[i].first <= last; i++) {
		uint64_t from = numbers->ranges[i].first > first ? numbers->ranges[i].first : first;
		uint64_t to = numbers->ranges[i].last < last ? numbers->ranges[i].last : last;

		count += to - from + 1;
	}
	return count;
}

uint64_t numbers_last(const struct numbers *numbers)
{
	return numbers->count ? numbers->ranges[numbers->count - 1].last : 0;
}

bool numbers_missing(const struct numbers *numbers, uint64_t from, uint64_t last, struct numbers_range *ret)
{
	size_t at = find(numbers, from);

	if (at < numbers->count && numbers->ranges[at].first <= from)
		from = numbers->ranges[at++].last + 1;
	if (from > last)
		return false;
	ret->first = from;
	ret->last = at < numbers->count && numbers->ranges[at].first <= last ? numbers->ranges[at].first - 1 : last;
	return true;
}
