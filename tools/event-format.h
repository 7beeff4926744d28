/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The common part of the formats that others defined (ECS, OCSF): the message's row of tools/formats.def, its outcome,
 * and its host, which is in no message.
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
	EVENT_FAILED,			/* tried and failed, according to the program that reports it */
	EVENT_DENIED,			/* by a client */
	EVENT_ASKED,			/* an AUTH message: nothing has been done yet */
};

/* False: the number is no event. */
bool event_format_of(struct event_format *ret, const struct event_parts *parts);
enum event_outcome event_outcome(const struct event_parts *parts);

/* "AUTH_EXEC" */
const char *event_constant(es_event_type_t type);

/* The machine where the messages come from. Empty strings: not known. */
struct event_host {
	char name[65];
	char id[40];			/* /etc/machine-id */
	char boot_id[40];
	char kernel[65];		/* its release */
	char machine[65];		/* its processor */
	/* esship's client that sends the lines, and this line's number: they prove that none is missing. Empty: none. */
	char client[40];
	uint64_t number;
	uint64_t cut;			/* bytes left out of an exec's arguments and environment */
};

/* Appends the members of "esship": client, host and boot, number, what was cut. */
void event_put_stream(struct json *json, const struct event_host *host);

/* Describes this machine. */
void event_host_here(struct event_host *ret);

/* An id of one execution of a process, unique among all machines: each exec begins a new one. */
enum { EVENT_PROCESS_ID_BYTES = 80 };
size_t event_process_id(char ret[EVENT_PROCESS_ID_BYTES], const struct event_host *host, const audit_token_t *token);
