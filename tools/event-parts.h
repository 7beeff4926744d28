/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A message's payload by roles: the file acted upon, the resulting file, the process acted upon, and scalars by their
 * names. It is for formats with their own order, such as ECS and OCSF; they print members that they have no place for
 * as `rest`. A visitor collects the parts, so a new event type in abi/events.def works at once.
 *
 * All pointers are borrowed from the message.
 */

#include <EndpointSecurity/EndpointSecurity.h>

#include "tools/event.h"
#include "tools/json.h"

enum { EVENT_PARTS_SCALARS = 48 };	/* more than any payload has */

/* A file, or a name in a folder for a file that doesn't exist yet; or neither. */
struct event_named {
	const es_file_t *file;
	const es_file_t *dir;
	es_string_token_t name;
	const mode_t *mode;		/* of a file to be made; or NULL */
};

struct event_scalar {
	struct event_key key;
	bool is_string;
	es_string_token_t string;
	int64_t number;			/* booleans too */
};

struct event_parts {
	const es_message_t *message;
	struct event_named about;	/* the first file of the payload */
	struct event_named result;	/* the second: the destination */
	const es_process_t *target;	/* the process acted upon: started, signalled or inspected */
	const es_process_t *instigator;	/* on whose behalf a program reports; or NULL */
	struct event_scalar scalars[EVENT_PARTS_SCALARS];
	size_t count;
};

void event_parts_gather(struct event_parts *ret, const es_message_t *message);

/* The first scalar with that member name; if there is none, `otherwise` or an empty string. */
int64_t event_part_number(const struct event_parts *parts, const char *key, int64_t otherwise);
bool event_part_has(const struct event_parts *parts, const char *key);
es_string_token_t event_part_string(const struct event_parts *parts, const char *key);

static inline bool event_named_is(const struct event_named *named)
{
	return named->file || named->dir;
}

/* Appends the path as a JSON string. */
void event_named_path(struct json *json, const struct event_named *named);

/* Appends an exec's arguments as one JSON string, with spaces between. */
void event_exec_command(struct json *json, const es_event_exec_t *exec);

/* The last component of a path; all of "/". */
es_string_token_t event_base_name(es_string_token_t path);
es_string_token_t event_folder_name(es_string_token_t path);

/* Appends "name":{...}: the payload without files, processes, the arguments of an exec, and what is absent. */
void event_rest(struct json *json, const es_message_t *message);
