/* SPDX-License-Identifier: MIT */
/*
 * dispatch_time_t: nanoseconds of CLOCK_MONOTONIC, or, as a negative number, those of CLOCK_REALTIME. 0 is now and -1
 * never, so times of the one begin at 1 and of the other at 2.
 */
#include "compat/queues/queues.h"

static int64_t time_of_day(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * (int64_t)NSEC_PER_SEC + now.tv_nsec;
}

static int64_t add(int64_t base, int64_t delta, int64_t least, bool *ret_overflow)
{
	int64_t sum;

	*ret_overflow = __builtin_add_overflow(base, delta, &sum);
	return sum < least ? least : sum;
}

static dispatch_time_t of_day(int64_t base, int64_t delta)
{
	bool overflow;
	int64_t sum = add(base, delta, 2, &overflow);

	return overflow && delta > 0 ? DISPATCH_TIME_FOREVER : (dispatch_time_t)-sum;
}

EXPORT dispatch_time_t dispatch_time(dispatch_time_t when, int64_t delta)
{
	bool overflow;
	int64_t sum;

	if (when == DISPATCH_TIME_FOREVER)
		return when;
	if ((int64_t)when < 0)
		return of_day(-(int64_t)when, delta);
	sum = add((int64_t)(when ? when : esc_now()), delta, 1, &overflow);
	return overflow && delta > 0 ? DISPATCH_TIME_FOREVER : (dispatch_time_t)sum;
}

EXPORT dispatch_time_t dispatch_walltime(const struct timespec *when, int64_t delta)
{
	return of_day(when ? (int64_t)when->tv_sec * (int64_t)NSEC_PER_SEC + when->tv_nsec : time_of_day(), delta);
}

uint64_t esc_deadline(dispatch_time_t when)
{
	uint64_t now;
	int64_t left;

	if (when == DISPATCH_TIME_FOREVER)
		return 0;
	if ((int64_t)when > 0)
		return when;
	now = esc_now();
	if (when == DISPATCH_TIME_NOW)
		return now;
	left = -(int64_t)when - time_of_day();
	return left > -(int64_t)now ? now + (uint64_t)left : 1;
}
