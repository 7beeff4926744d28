/* SPDX-License-Identifier: MIT */

/* Facts about a file that es_file_t has no room for: how it was found, and its other names. */

#include <EndpointSecurity/ESLinux.h>

#include "file.h"
#include "message.h"
#include "util/macro.h"

static const void *at_offset(const struct es_record *record, uint32_t offset)
{
	return offset ? (const char *)record + offset : NULL;
}

static const struct es_file_part *part_of_process(const struct es_record *record, uint32_t offset, bool tty)
{
	const struct es_process_part *process = at_offset(record, offset);

	if (!process)
		return NULL;
	return tty ? at_offset(record, process->tty) : &process->executable;
}

const struct es_file_part *esl_file_part(const struct esl_message *message, const es_file_t *file)
{
	const struct es_record *record = esl_message_record(message);
	const uint32_t processes[] = { record->process, record->other };

	for (unsigned int i = 0; i < ES_RECORD_FILES; i++)
		if (file == &message->file[i])
			return at_offset(record, record->file[i]);
	for (unsigned int i = 0; i < ARRAY_SIZE(processes); i++) {
		if (file == &message->executable[i])
			return part_of_process(record, processes[i], false);
		if (file == &message->tty[i])
			return part_of_process(record, processes[i], true);
	}
	return NULL;
}

const struct es_process_part *esl_process_part(const struct esl_message *message, const es_process_t *process)
{
	const struct es_record *record = esl_message_record(message);
	const uint32_t processes[] = { record->process, record->other };

	for (unsigned int i = 0; i < ARRAY_SIZE(processes); i++)
		if (process == &message->process[i])
			return at_offset(record, processes[i]);
	return NULL;
}

static es_string_token_t text_of(const struct es_record *record, struct es_span span)
{
	static const es_string_token_t empty = { .length = 0, .data = "" };

	return span.off ? (es_string_token_t){ .length = span.len, .data = at_offset(record, span.off) } : empty;
}

bool es_linux_file(const es_message_t *message, const es_file_t *file, es_linux_file_t *info)
{
	const struct esl_message *owner;
	const struct es_file_part *part;

	if (!message || !file || !info)
		return false;
	owner = container_of(message, struct esl_message, message);
	part = esl_file_part(owner, file);
	if (!part)
		return false;
	*info = (es_linux_file_t){
		.unreachable = part->flags & ES_FILE_UNREACHABLE,
		.unresolved = part->flags & ES_FILE_LEXICAL,
		.layered = part->flags & ES_FILE_REAL,
		.mount_namespace = part->mnt_ns,
		.actors_path = text_of(esl_message_record(owner), part->own),
		.real_path = text_of(esl_message_record(owner), part->real),
	};
	return true;
}
