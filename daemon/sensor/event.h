/* SPDX-License-Identifier: MIT */
#pragma once

/* What abi/events.def says, as tables, and sets of event types as the control protocol carries them. */

#include <stdbool.h>
#include <stdint.h>

#include "abi/sensor.h"

enum esd_event_number {
#define ES_EVENT(name, number, ...) ESD_##name = number,
#include "abi/events.def"
};

enum esd_answer {
	ESD_ANSWER_NONE,
	ESD_ANSWER_RESULT,
	ESD_ANSWER_FLAGS,
};

enum esd_wait {
	ESD_WAIT_HELD,
	ESD_WAIT_NOTIFY,
	ESD_WAIT_TOLD,
	ESD_WAIT_ABSENT,
};

struct esd_event {
	const char *name;		/* without ES_EVENT_TYPE_ */
	enum esd_answer answer;
	enum esd_wait wait;
	const char *hook;
	const char *tracepoint;
	uint64_t calls;			/* the kinds of system calls that can cause it, a bit each */
};

extern const struct esd_event esd_events[ES_EVENT_TYPES];

static inline bool esd_types_has(const uint64_t types[ES_TYPE_WORDS], unsigned int type)
{
	return types[type / 64] >> type % 64 & 1;
}

static inline void esd_types_add(uint64_t types[ES_TYPE_WORDS], unsigned int type)
{
	types[type / 64] |= UINT64_C(1) << type % 64;
}

/* The first type of the set from `type` on. ES_EVENT_TYPES or more: none, or an unknown one. */
unsigned int esd_types_next(const uint64_t types[ES_TYPE_WORDS], unsigned int type);

/* Does it hold an AUTH type? */
bool esd_types_auth(const uint64_t types[ES_TYPE_WORDS]);
