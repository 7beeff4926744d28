/* SPDX-License-Identifier: MIT */
/* Time is in nanoseconds of the clocks that the header names; task_info() knows one task and one flavor. */
#include <string.h>
#include <time.h>

#include <mach/mach.h>
#include <mach/mach_time.h>

#include "lib/test.h"

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	CHECK(clock_gettime(clock, &now) == 0);
	return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

static void test_time(void)
{
	const struct timespec pause = { .tv_nsec = 20000000 };
	mach_timebase_info_data_t base = { 0 };
	uint64_t before, ticks, after;

	CHECK(mach_timebase_info(&base) == KERN_SUCCESS && base.numer == 1 && base.denom == 1);
	CHECK(mach_timebase_info(NULL) == KERN_INVALID_ARGUMENT);

	before = clock_ns(CLOCK_MONOTONIC);
	ticks = mach_absolute_time();
	after = clock_ns(CLOCK_MONOTONIC);
	CHECK(before <= ticks && ticks <= after);
	before = clock_ns(CLOCK_BOOTTIME);
	ticks = mach_continuous_time();
	after = clock_ns(CLOCK_BOOTTIME);
	CHECK(before <= ticks && ticks <= after);

	ticks = mach_absolute_time();
	nanosleep(&pause, NULL);
	CHECK((mach_absolute_time() - ticks) * base.numer / base.denom >= 20000000);
}

/* What it says of the task itself: tests/kernel/own-token.c. */
static void test_task_info(void)
{
	mach_msg_type_number_t count = TASK_AUDIT_TOKEN_COUNT - 1, enough = TASK_AUDIT_TOKEN_COUNT;
	audit_token_t token;

	CHECK(TASK_AUDIT_TOKEN_COUNT == 8);
	CHECK(mach_task_self() != MACH_PORT_NULL && mach_task_self() == mach_task_self());
	CHECK(task_info(mach_task_self(), TASK_AUDIT_TOKEN, (task_info_t)&token, &count) == KERN_INVALID_ARGUMENT);
	CHECK(task_info(MACH_PORT_NULL, TASK_AUDIT_TOKEN, (task_info_t)&token, &enough) == KERN_INVALID_ARGUMENT);
	CHECK(task_info(mach_task_self(), TASK_AUDIT_TOKEN + 1, (task_info_t)&token, &enough) == KERN_INVALID_ARGUMENT);
	CHECK(task_info(mach_task_self(), TASK_AUDIT_TOKEN, NULL, &enough) == KERN_INVALID_ARGUMENT);
	CHECK(task_info(mach_task_self(), TASK_AUDIT_TOKEN, (task_info_t)&token, NULL) == KERN_INVALID_ARGUMENT);
}

static void test_strings(void)
{
	CHECK(strstr(mach_error_string(KERN_SUCCESS), "success"));
	CHECK(strstr(mach_error_string(KERN_INVALID_ARGUMENT), "invalid argument"));
	CHECK(mach_error_string(-1) && mach_error_string(25) && mach_error_string(100000));
}

int main(void)
{
	test_time();
	test_task_info();
	test_strings();
	return 0;
}
