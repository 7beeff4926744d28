/* SPDX-License-Identifier: MIT */
#include "tools/esship/sink.h"

#include <string.h>

#include "util/macro.h"

const char sink_names[] = "file, http, nats and syslog";

const struct sink_kind *sink_find(const char *type)
{
	static const struct sink_kind *const kinds[] = { &sink_file, &sink_http, &sink_nats, &sink_syslog };

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!strcmp(kinds[i]->name, type))
			return kinds[i];
	return NULL;
}
