/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What formats that others defined (ECS, OCSF) have in common: the row of tools/formats.def that a message belongs to, how
 * it ended, and where it happened, which no message says.
 */

#include <stdint.h>

#include <EndpointSecurity/EndpointSecurity.h>

#include "tools/event-parts.h"

enum ocsf_class {
#define OCSF_CLASS(name, uid, text) OCSF_##name = uid,
#define FORMAT(...)
#include "tools/formats.def"
};

struct event_format {
	const char *category, *type, *action;	/* ECS */
	enum ocsf_class class;			/* OCSF */
	unsigned int activity;
	const char *name;
};

enum event_outcome {
	EVENT_DONE,
	EVENT_FAILED,			/* tried, as the program says that reports it */
	EVENT_DENIED,			/* by a client */
	EVENT_ASKED,			/* an AUTH message: a client is asked, and nothing has been done yet */
};

/* False: the number is no event. */
bool event_format_of(struct event_format *ret, const struct event_parts *parts);
enum event_outcome event_outcome(const struct event_parts *parts);

/* "AUTH_EXEC" */
const char *event_constant(es_event_type_t type);

/* The machine that messages are of. Empty strings: not known. */
struct event_host {
	char name[65];
	char id[40];			/* /etc/machine-id */
	char boot_id[40];
	char kernel[65];		/* its release */
	char machine[65];		/* its processor */
	/* Who sends the lines on, and the number of this one; a reader proves by them that none is missing. Empty: nobody. */
	char client[40];
	uint64_t number;
};

/* Appends the members of "esship": client, host and boot, number. */
void event_put_stream(struct json *json, const struct event_host *host);

/* This one. */
void event_host_here(struct event_host *ret);

/* What stays the same for a process from one exec to the next, on all machines. */
enum { EVENT_PROCESS_ID_BYTES = 80 };
size_t event_process_id(char ret[EVENT_PROCESS_ID_BYTES], const struct event_host *host, const audit_token_t *token);
