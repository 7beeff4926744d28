/* SPDX-License-Identifier: MIT */
#include "exec.h"

#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "util/macro.h"

_Static_assert(sizeof(es_fd_t) == sizeof(struct es_fd_part) &&
	       offsetof(es_fd_t, fd) == offsetof(struct es_fd_part, fd) &&
	       offsetof(es_fd_t, fdtype) == offsetof(struct es_fd_part, type) &&
	       offsetof(es_fd_t, pipe.pipe_id) == offsetof(struct es_fd_part, pipe_id),
	       "descriptors are handed out as they stand in the record");

static struct esl_message *enclosing(const es_event_exec_t *event)
{
	return container_of(event, struct esl_message, message.event.exec);
}

/* The decoder has made sure that the span lies in the record and ends with a NUL. */
static uint32_t count_strings(const struct es_record *record, struct es_span span)
{
	const char *at = (const char *)record + span.off, *end = at + span.len;
	uint32_t count = 0;

	for (; at < end; at += strlen(at) + 1)
		count++;
	return count;
}

static uint32_t *note_starts(const struct es_record *record, struct es_span span, uint32_t *starts)
{
	const char *at = (const char *)record + span.off, *end = at + span.len;

	for (; at < end; at += strlen(at) + 1)
		*starts++ = (uint32_t)(at - (const char *)record);
	*starts++ = (uint32_t)(end - (const char *)record);
	return starts;
}

static struct esl_exec_index *make_index(const struct es_record *record)
{
	uint32_t args = count_strings(record, record->args);
	uint32_t env = count_strings(record, record->env);
	struct esl_exec_index *index;

	index = malloc(sizeof(*index) + ((size_t)args + env + 2) * sizeof(index->starts[0]));
	if (!index)
		return NULL;
	index->args = args;
	index->env = env;
	note_starts(record, record->env, note_starts(record, record->args, index->starts));
	return index;
}

/* NULL: no memory. Two threads may make it at once; the first one's stays. */
static const struct esl_exec_index *get_index(struct esl_message *message)
{
	struct esl_exec_index *index = atomic_load_explicit(&message->index, memory_order_acquire);
	struct esl_exec_index *made;

	if (index)
		return index;
	made = make_index(esl_message_record(message));
	if (!made)
		return NULL;
	if (atomic_compare_exchange_strong_explicit(&message->index, &index, made, memory_order_acq_rel,
						    memory_order_acquire))
		return made;
	free(made);
	return index;
}

static es_string_token_t string_between(const struct esl_message *message, const uint32_t *start)
{
	const char *record = (const char *)esl_message_record(message);

	return (es_string_token_t){ .length = start[1] - start[0] - 1, .data = record + start[0] };
}

uint32_t es_exec_arg_count(const es_event_exec_t *event)
{
	const struct esl_exec_index *index = event ? get_index(enclosing(event)) : NULL;

	return index ? index->args : 0;
}

uint32_t es_exec_env_count(const es_event_exec_t *event)
{
	const struct esl_exec_index *index = event ? get_index(enclosing(event)) : NULL;

	return index ? index->env : 0;
}

es_string_token_t es_exec_arg(const es_event_exec_t *event, uint32_t number)
{
	const struct esl_exec_index *index = event ? get_index(enclosing(event)) : NULL;

	if (!index || number >= index->args)
		return (es_string_token_t){ .length = 0, .data = "" };
	return string_between(enclosing(event), &index->starts[number]);
}

es_string_token_t es_exec_env(const es_event_exec_t *event, uint32_t number)
{
	const struct esl_exec_index *index = event ? get_index(enclosing(event)) : NULL;

	if (!index || number >= index->env)
		return (es_string_token_t){ .length = 0, .data = "" };
	return string_between(enclosing(event), &index->starts[index->args + 1 + number]);
}

uint32_t es_exec_fd_count(const es_event_exec_t *event)
{
	return event ? esl_message_record(enclosing(event))->fd_count : 0;
}

const es_fd_t *es_exec_fd(const es_event_exec_t *event, uint32_t number)
{
	static const es_fd_t none = { .fd = -1 };
	const struct es_record *record;

	if (number >= es_exec_fd_count(event))
		return &none;
	record = esl_message_record(enclosing(event));
	return (const es_fd_t *)((const char *)record + record->fds.off) + number;
}

/* Linux executables have no entitlements. */
xpc_object_t es_exec_entitlements(const es_event_exec_t *event)
{
	(void)event;
	return NULL;
}
