/* SPDX-License-Identifier: MIT */
#include "daemon/hold/time-limits.h"

#include <errno.h>

#include "daemon/sensor/event.h"

static void clamp(uint32_t *value, uint32_t ms)
{
	if (*value > ms)
		*value = ms;
}

void esd_limits_clamp(struct esd_limits *limits, uint32_t ms)
{
	clamp(&limits->deadline_ms, ms);
	clamp(&limits->longest_ms, ms);
	for (unsigned int type = 0; type < ES_EVENT_TYPES; type++)
		clamp(&limits->type_ms[type], ms);
}

uint32_t esd_limits_system_ms(const struct esd_limits *limits, unsigned int type)
{
	if (type >= ES_EVENT_TYPES || esd_events[type].answer == ESD_ANSWER_NONE)
		return 0;
	return limits->type_ms[type] ? limits->type_ms[type] : limits->deadline_ms;
}

uint32_t esd_limits_ms(const struct esd_limits *limits, const struct esd_deadlines *deadlines, unsigned int type)
{
	uint32_t system = esd_limits_system_ms(limits, type);

	return system && deadlines->max_ms[type] ? deadlines->max_ms[type] : system;
}

int esd_limits_set_max(const struct esd_limits *limits, struct esd_deadlines *deadlines,
		       const uint64_t types[ES_TYPE_WORDS], uint32_t ms)
{
	unsigned int type;

	for (type = esd_types_next(types, 0); type < ES_TYPE_WORDS * 64; type = esd_types_next(types, type + 1))
		if (!ms || ms > esd_limits_system_ms(limits, type))
			return EINVAL;
	for (type = esd_types_next(types, 0); type < ES_EVENT_TYPES; type = esd_types_next(types, type + 1)) {
		deadlines->max_ms[type] = ms;
		if (deadlines->min_ms[type] > ms)
			deadlines->min_ms[type] = ms;
	}
	return 0;
}

/* The two bootstrap events have no minimum: only the system sets their deadline. */
static bool has_min(const struct esd_limits *limits, unsigned int type)
{
	return esd_limits_system_ms(limits, type) && type != ESD_AUTH_BOOTSTRAP_CHECK_IN &&
	       type != ESD_AUTH_BOOTSTRAP_LOOK_UP;
}

int esd_limits_set_min(const struct esd_limits *limits, struct esd_deadlines *deadlines,
		       const uint64_t types[ES_TYPE_WORDS], uint32_t ms)
{
	unsigned int type;

	for (type = esd_types_next(types, 0); type < ES_TYPE_WORDS * 64; type = esd_types_next(types, type + 1))
		if (ms > limits->longest_ms || !has_min(limits, type))
			return EINVAL;
	for (type = esd_types_next(types, 0); type < ES_EVENT_TYPES; type = esd_types_next(types, type + 1)) {
		deadlines->min_ms[type] = ms;
		if (esd_limits_ms(limits, deadlines, type) < ms)
			deadlines->max_ms[type] = ms;
	}
	return 0;
}
