/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The names of events and the members of messages, according to abi/events.def. A format is a visitor, which is called
 * for each member in that order: see tools/event-json.c and tools/event-text.c.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <EndpointSecurity/EndpointSecurity.h>

/* eslogger's name of an event: that of its member in es_events_t. NULL for numbers that are no event. */
const char *event_name(es_event_type_t type);

/* The NOTIFY event of that name; false if there is none. */
bool event_find(const char *name, es_event_type_t *ret_type);

bool event_is_notify(es_event_type_t type);

/* Did a client deny the operation, or a part of it? */
bool event_is_denied(const es_message_t *message);

/*
 * Goes through an exec's arguments, or its environment, string by string. A program can limit the bytes of each list:
 * the string that crosses the limit is cut, and the rest is left out. So all formats must use this.
 */
struct event_exec_list {
	const es_event_exec_t *exec;
	es_string_token_t (*get)(const es_event_exec_t *, uint32_t);
	uint32_t next, count;
	uint64_t left;			/* bytes, with one for the end of each string */
};

struct event_exec_list event_exec_arguments(const es_event_exec_t *exec);
struct event_exec_list event_exec_environment(const es_event_exec_t *exec);
bool event_exec_next(struct event_exec_list *list, es_string_token_t *ret);

/* Call it before there are other threads. */
void event_exec_set_limit(uint64_t bytes);

/* Bytes that the limit leaves out of both lists. */
uint64_t event_exec_cut(const es_event_exec_t *exec);

/* A member's name: a literal. Elements of arrays have none. */
struct event_key {
	const char *name;
	size_t length;
};

#define EVENT_KEY(text) ((struct event_key){ (text), sizeof(text) - 1 })

/* The meaning of a number, for formats that print more than the number. */
enum event_unit {
	EVENT_PLAIN,
	EVENT_STATUS,			/* as wait(2) gives it */
	EVENT_SIGNAL,
	EVENT_OPEN_FLAGS,		/* FREAD, FWRITE */
	EVENT_ACCESS,			/* R_OK, W_OK, X_OK */
	EVENT_PROTECTION,		/* PROT_* */
	EVENT_MODE,
	EVENT_USER,
	EVENT_GROUP,
	EVENT_DEVICE,
};

/*
 * The functions of the first block are required. In the second, NULL means "open it, and visit its members". For a
 * member that is absent from the message, absent() is called.
 */
struct event_visitor {
	void (*open)(void *to, struct event_key key, char bracket);	/* an object, or an array */
	void (*close)(void *to, char bracket);
	void (*absent)(void *to, struct event_key key);
	void (*boolean)(void *to, struct event_key key, bool value);
	void (*natural)(void *to, struct event_key key, uint64_t value, enum event_unit unit);
	void (*integer)(void *to, struct event_key key, int64_t value, enum event_unit unit);
	void (*string)(void *to, struct event_key key, es_string_token_t value);
	void (*bytes)(void *to, struct event_key key, const uint8_t *data, size_t length);
	void (*time)(void *to, struct event_key key, int64_t seconds, int64_t fraction, unsigned int digits);

	void (*file)(void *to, struct event_key key, const es_file_t *file);
	void (*process)(void *to, struct event_key key, const es_process_t *process);
	void (*token)(void *to, struct event_key key, const audit_token_t *token);
	void (*statfs)(void *to, struct event_key key, const struct es_statfs *statfs);
	/* mode NULL: not part of it */
	void (*new_path)(void *to, const es_file_t *dir, es_string_token_t filename, const mode_t *mode);

	bool brief;			/* leave out an exec's environment and descriptors */
};

void event_visit_process(const struct event_visitor *visitor, void *to, struct event_key key,
			 const es_message_t *message);

/* The members of the message's payload. */
void event_visit_payload(const struct event_visitor *visitor, void *to, const es_message_t *message);
