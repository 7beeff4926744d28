/* SPDX-License-Identifier: MIT */

/* The rules of maximum and minimum (facts 43, 44): they never cross, and a refused list changes nothing. */

#include <errno.h>

#include "daemon/sensor/event.h"
#include "daemon/hold/time-limits.h"
#include "daemon/test.h"

static struct esd_limits limits = { .deadline_ms = 15000, .longest_ms = 60000, .type_ms[ESD_AUTH_EXEC] = 5000 };
static struct esd_deadlines deadlines;

static int set(bool max, unsigned int a, unsigned int b, uint32_t ms)
{
	uint64_t types[ES_TYPE_WORDS] = {};

	esd_types_add(types, a);
	esd_types_add(types, b);
	return max ? esd_limits_set_max(&limits, &deadlines, types, ms) : esd_limits_set_min(&limits, &deadlines, types, ms);
}

static uint32_t get(unsigned int type)
{
	return esd_limits_ms(&limits, &deadlines, type);
}

int main(void)
{
	REQUIRE(get(ESD_AUTH_OPEN) == 15000 && get(ESD_AUTH_EXEC) == 5000);
	REQUIRE(get(ESD_NOTIFY_OPEN) == 0 && get(ES_EVENT_TYPES) == 0 && get(UINT32_MAX) == 0);

	/* A maximum only shortens, and each type has its own. */
	REQUIRE(set(true, ESD_AUTH_OPEN, ESD_AUTH_EXEC, 5001) == EINVAL && get(ESD_AUTH_OPEN) == 15000);
	REQUIRE(set(true, ESD_AUTH_OPEN, ESD_NOTIFY_OPEN, 100) == EINVAL && get(ESD_AUTH_OPEN) == 15000);
	REQUIRE(set(true, ESD_AUTH_OPEN, ESD_AUTH_OPEN, 0) == EINVAL && get(ESD_AUTH_OPEN) == 15000);
	REQUIRE(set(true, ESD_AUTH_OPEN, 170, 100) == EINVAL && get(ESD_AUTH_OPEN) == 15000);
	REQUIRE(set(true, ESD_AUTH_OPEN, ESD_AUTH_EXEC, 5000) == 0);
	REQUIRE(get(ESD_AUTH_OPEN) == 5000 && get(ESD_AUTH_EXEC) == 5000 && get(ESD_AUTH_UNLINK) == 15000);
	REQUIRE(set(true, ESD_AUTH_OPEN, ESD_AUTH_OPEN, 15000) == 0 && get(ESD_AUTH_OPEN) == 15000);

	/* A minimum lengthens, and takes the maximum along; a maximum below it takes it down. */
	REQUIRE(set(false, ESD_AUTH_OPEN, ESD_AUTH_OPEN, 60001) == EINVAL && get(ESD_AUTH_OPEN) == 15000);
	REQUIRE(set(false, ESD_AUTH_OPEN, ESD_NOTIFY_OPEN, 100) == EINVAL);
	REQUIRE(set(false, ESD_AUTH_OPEN, ESD_AUTH_BOOTSTRAP_CHECK_IN, 100) == EINVAL);
	REQUIRE(set(false, ESD_AUTH_OPEN, ESD_AUTH_BOOTSTRAP_LOOK_UP, 100) == EINVAL);
	REQUIRE(deadlines.min_ms[ESD_AUTH_OPEN] == 0);
	REQUIRE(set(false, ESD_AUTH_OPEN, ESD_AUTH_EXEC, 10000) == 0);
	REQUIRE(get(ESD_AUTH_OPEN) == 15000 && get(ESD_AUTH_EXEC) == 10000);
	REQUIRE(set(false, ESD_AUTH_OPEN, ESD_AUTH_OPEN, 60000) == 0 && get(ESD_AUTH_OPEN) == 60000);
	REQUIRE(set(true, ESD_AUTH_OPEN, ESD_AUTH_OPEN, 3000) == 0 && get(ESD_AUTH_OPEN) == 3000);
	REQUIRE(deadlines.min_ms[ESD_AUTH_OPEN] == 3000 && deadlines.min_ms[ESD_AUTH_EXEC] == 10000);
	REQUIRE(set(false, ESD_AUTH_OPEN, ESD_AUTH_OPEN, 0) == 0 && get(ESD_AUTH_OPEN) == 3000);

	/* What the kernel waits at most is the most that the system gives; less stays. */
	deadlines = (struct esd_deadlines){};
	esd_limits_clamp(&limits, 9500);
	REQUIRE(get(ESD_AUTH_OPEN) == 9500 && get(ESD_AUTH_EXEC) == 5000);
	REQUIRE(set(false, ESD_AUTH_OPEN, ESD_AUTH_OPEN, 9501) == EINVAL && set(false, ESD_AUTH_OPEN, ESD_AUTH_OPEN, 9500) == 0);
	return 0;
}
