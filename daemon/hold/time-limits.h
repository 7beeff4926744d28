/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * How long a client has for an answer: what the administrator gives, per type, and what the client made of it.
 *
 * A client may shorten what the system gives (the maximum), and one that watches only its own descendants may lengthen
 * it (the minimum). The two never cross: whichever is set last takes the other along.
 */

#include <stdbool.h>
#include <stdint.h>

#include "abi/record.h"

struct esd_limits {
	uint32_t deadline_ms;		/* of types that have none of their own */
	uint32_t longest_ms;		/* that a minimum may be */
	uint32_t type_ms[ES_EVENT_TYPES];	/* 0: deadline_ms */
};

/* What a client has set; 0: nothing. */
struct esd_deadlines {
	uint32_t max_ms[ES_EVENT_TYPES];
	uint32_t min_ms[ES_EVENT_TYPES];
};

/* Nothing longer than this is given from now on. */
void esd_limits_clamp(struct esd_limits *limits, uint32_t ms);

/* 0 for what isn't an AUTH type. */
uint32_t esd_limits_system_ms(const struct esd_limits *limits, unsigned int type);

/* What holds for the client: its maximum. */
uint32_t esd_limits_ms(const struct esd_limits *limits, const struct esd_deadlines *deadlines, unsigned int type);

/* All types or none. EINVAL: not an AUTH type among them, or 0, or longer than may be. */
int esd_limits_set_max(const struct esd_limits *limits, struct esd_deadlines *deadlines,
		       const uint64_t types[ES_TYPE_WORDS], uint32_t ms);
int esd_limits_set_min(const struct esd_limits *limits, struct esd_deadlines *deadlines,
		       const uint64_t types[ES_TYPE_WORDS], uint32_t ms);
