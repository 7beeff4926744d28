/* SPDX-License-Identifier: MIT */
#include "daemon/sensor/event.h"

const struct esd_event esd_events[ES_EVENT_TYPES] = {
#define ES_EVENT(name, number, payload, answer, hook, wait, tracepoint, ...) \
	[number] = { #name, ESD_ANSWER_##answer, ESD_WAIT_##wait, hook, tracepoint, 0 __VA_ARGS__ },
#define CALLS(kind) | UINT64_C(1) << ES_KIND_##kind
#include "abi/events.def"
};

_Static_assert(ES_KIND_COUNT <= 64, "a kind of system call is a bit of esd_event.calls");

unsigned int esd_types_next(const uint64_t types[ES_TYPE_WORDS], unsigned int type)
{
	while (type < ES_TYPE_WORDS * 64 && !esd_types_has(types, type))
		type++;
	return type;
}

bool esd_types_auth(const uint64_t types[ES_TYPE_WORDS])
{
	unsigned int type;

	for (type = esd_types_next(types, 0); type < ES_EVENT_TYPES; type = esd_types_next(types, type + 1))
		if (esd_events[type].answer != ESD_ANSWER_NONE)
			return true;
	return false;
}
