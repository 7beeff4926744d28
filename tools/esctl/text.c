/* SPDX-License-Identifier: MIT */

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "tools/esctl/esctl.h"
#include "util/macro.h"

const struct event_name events[ES_EVENT_TYPES] = {
#define ES_EVENT(constant, number, payload, ...) [number] = { #constant, #payload },
#include "abi/events.def"
};

bool type_in(const uint64_t *types, unsigned int type)
{
	return types[type / 64] >> type % 64 & 1;
}

void json_text(struct json *json, const char *text)
{
	json_string(json, text, strlen(text));
}

int json_print(struct json *json)
{
	bool failed;

	json_line(json);
	failed = json->failed || fwrite(json->data, 1, json->length, stdout) != json->length || fflush(stdout);
	json_deinit(json);
	return failed ? EX_IOERR : EX_OK;
}

void print_types(const uint64_t *types)
{
	bool first = true;

	for (unsigned int type = 0; type < ES_EVENT_TYPES; type++) {
		if (!type_in(types, type))
			continue;
		printf("%s%s", first ? "" : ",", events[type].constant);
		first = false;
	}
	puts(first ? "-" : "");
}
