/* SPDX-License-Identifier: MIT */
#pragma once

/* What the library knows about each event type, made from abi/events.def. */

#include <stdbool.h>
#include <stdint.h>

#include "abi/record.h"

enum esl_answer {
	ESL_ANSWER_NONE,		/* NOTIFY */
	ESL_ANSWER_RESULT,		/* es_respond_auth_result() */
	ESL_ANSWER_FLAGS,		/* es_respond_flags_result() */
};

struct esl_event {
	const char *name;		/* without ES_EVENT_TYPE_ */
	enum esl_answer answer;
};

extern const struct esl_event esl_events[ES_EVENT_TYPES];

/* A set of event types, one bit each, as in abi/control.h. */
static inline void esl_types_add(uint64_t *types, uint32_t type)
{
	types[type / 64] |= UINT64_C(1) << type % 64;
}

static inline bool esl_types_has(const uint64_t *types, uint32_t type)
{
	return types[type / 64] >> type % 64 & 1;
}
