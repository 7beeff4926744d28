/* SPDX-License-Identifier: MIT */
#include "daemon/report/told.h"

#include <string.h>

/* ---- what the kernel programs have made ---- */

static const void *part(const struct es_record *record, uint32_t off, uint32_t bytes)
{
	if (off < sizeof(*record) || off % 8 || off > record->size || bytes > record->size - off)
		return NULL;
	return (const char *)record + off;
}

/* With the NUL that ends it. */
static const char *text_at(const struct es_record *record, struct es_span span)
{
	const char *text = (const char *)record + span.off;

	if (span.off < sizeof(*record) || span.off >= record->size || span.len >= record->size - span.off ||
	    text[span.len])
		return NULL;
	return text;
}

const struct es_reported *esd_told_reported(const struct es_record *seen)
{
	if (seen->fds.len != sizeof(struct es_reported))
		return NULL;
	return part(seen, seen->fds.off, seen->fds.len);
}

const char *esd_told_path(const struct es_record *seen, unsigned int file)
{
	const struct es_file_part *at = file < ES_RECORD_FILES ? part(seen, seen->file[file], sizeof(*at)) : NULL;

	if (!at || at->flags & (ES_FILE_DOUBTFUL | ES_FILE_TRUNCATED | ES_FILE_REAL))
		return NULL;
	return text_at(seen, at->path);
}

const char *esd_told_text(const struct es_record *seen, unsigned int number)
{
	return number < ES_RECORD_STRINGS ? text_at(seen, seen->str[number]) : NULL;
}

/* ---- what the daemon makes ---- */

/* 0: there is no room. */
static uint32_t append(struct es_record *to, const void *bytes, size_t count, size_t aligned)
{
	uint32_t off = (to->size + (uint32_t)aligned - 1) & ~((uint32_t)aligned - 1);

	if (count > ES_REPORT_BYTES - off)
		return 0;
	memcpy((char *)to + off, bytes, count);
	to->size = off + (uint32_t)count;
	return off;
}

static struct es_span append_text(struct es_record *to, const char *text)
{
	size_t length = text ? strlen(text) : 0;
	uint32_t off = text ? append(to, text, length + 1, 1) : 0;

	return off ? (struct es_span){ .off = off, .len = (uint32_t)length } : (struct es_span){};
}

/* The file at an offset of `to`, which was copied from `seen`. */
static void move_paths(struct es_record *to, uint32_t off, const struct es_record *seen)
{
	struct es_file_part *file = (void *)((char *)to + off);

	file->path = append_text(to, text_at(seen, file->path));
	file->own = append_text(to, text_at(seen, file->own));
	file->real = append_text(to, text_at(seen, file->real));
}

static bool move_process(struct es_record *to, const struct es_record *seen)
{
	const struct es_process_part *from = part(seen, seen->process, sizeof(*from));
	const struct es_file_part *tty = from && from->tty ? part(seen, from->tty, sizeof(*tty)) : NULL;
	struct es_process_part *process;

	if (!from)
		return false;
	to->process = append(to, from, sizeof(*from), 8);
	process = (void *)((char *)to + to->process);
	move_paths(to, to->process + (uint32_t)offsetof(struct es_process_part, executable), seen);
	process->tty = tty ? append(to, tty, sizeof(*tty), 8) : 0;
	if (process->tty)
		move_paths(to, process->tty, seen);
	return true;
}

bool esd_told_begin(struct es_record *to, uint32_t type, const struct es_record *seen)
{
	*to = (struct es_record){ .size = sizeof(*to), .type = (uint16_t)type };
	return move_process(to, seen);
}

void esd_told_string(struct es_record *to, unsigned int number, const char *text)
{
	to->str[number] = append_text(to, text);
}

void esd_told_values(struct es_record *to, const char *values, size_t bytes)
{
	uint32_t off = bytes ? append(to, values, bytes, 1) : 0;

	if (off)
		to->args = (struct es_span){ .off = off, .len = (uint32_t)bytes };
}
