/* SPDX-License-Identifier: MIT */
#include "events.h"

#include <EndpointSecurity/ESLinux.h>

#include "util/macro.h"

_Static_assert((int)ES_EVENT_TYPE_LAST == (int)ES_EVENT_TYPES, "the header and the records know the same events");

const struct esl_event esl_events[ES_EVENT_TYPES] = {
#define ES_EVENT(event, number, payload, kind, ...) \
	[number] = { .name = #event, .answer = ESL_ANSWER_##kind },
#include "abi/events.def"
};

const char *es_linux_event_name(es_event_type_t type)
{
	return (unsigned int)type < ARRAY_SIZE(esl_events) ? esl_events[type].name : NULL;
}
