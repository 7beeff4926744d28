/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Deadlines per type: the administrator's limits, and each client's changes to them.
 *
 * A client may shorten the system's deadline (its maximum). A client that watches only its own descendants may lengthen
 * it (its minimum). The minimum never exceeds the maximum: setting one moves the other if needed.
 */

#include <stdbool.h>
#include <stdint.h>

#include "abi/record.h"

struct esd_limits {
	uint32_t deadline_ms;		/* of types with no entry in type_ms */
	uint32_t longest_ms;		/* upper bound of a minimum */
	uint32_t type_ms[ES_EVENT_TYPES];	/* 0: deadline_ms */
};

/* A client's own settings; 0: not set. */
struct esd_deadlines {
	uint32_t max_ms[ES_EVENT_TYPES];
	uint32_t min_ms[ES_EVENT_TYPES];
};

/* Cuts all limits to at most ms. */
void esd_limits_clamp(struct esd_limits *limits, uint32_t ms);

/* The system's deadline; 0: not an AUTH type. */
uint32_t esd_limits_system_ms(const struct esd_limits *limits, unsigned int type);

/* The deadline in force for the client: its maximum, or the system's. */
uint32_t esd_limits_ms(const struct esd_limits *limits, const struct esd_deadlines *deadlines, unsigned int type);

/* Sets all types or none. EINVAL: one isn't an AUTH type, or ms is too long, or a maximum is 0. */
int esd_limits_set_max(const struct esd_limits *limits, struct esd_deadlines *deadlines,
		       const uint64_t types[ES_TYPE_WORDS], uint32_t ms);
int esd_limits_set_min(const struct esd_limits *limits, struct esd_deadlines *deadlines,
		       const uint64_t types[ES_TYPE_WORDS], uint32_t ms);
