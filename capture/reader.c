/* SPDX-License-Identifier: MIT */
#include "capture/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zstd.h>

#include "capture/layout.h"
#include "util/macro.h"

/* Memory that grows to the largest chunk read so far; most chunks are small. */
struct room {
	char *bytes;
	size_t size;
};

struct esc_reader {
	int fd;
	uint64_t offset;		/* of the next chunk */
	uint64_t begin;			/* of the first chunk behind LAYOUT */
	ZSTD_DCtx *zstd;
	struct room stored;		/* a chunk as the file has it */
	struct room plain;		/* its content, with a NUL at the end */
	uint32_t at;			/* offset in `plain` */
	uint32_t used;
	uint64_t number;		/* of the next record */
	bool at_end;
	bool cut;
	struct esc_facts facts;
	struct esc_facts totals;
	struct esc_index *index;	/* NULL: none, or an invalid one */
	size_t index_count;
	char problem[ESC_PROBLEM_BYTES];
};

static const uint8_t is_auth[ES_EVENT_TYPES] = {
#define AUTH_NONE 0
#define AUTH_RESULT 1
#define AUTH_FLAGS 1
#define ES_EVENT(name, number, payload, answer, ...) [number] = AUTH_##answer,
#include "abi/events.def"
};

static int fail(struct esc_reader *reader, int error, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	vsnprintf(reader->problem, sizeof(reader->problem), format, list);
	va_end(list);
	return error;
}

/* Returns the number of bytes read: fewer at the end of the file. */
static ssize_t read_at(struct esc_reader *reader, void *to, size_t bytes, uint64_t offset)
{
	size_t done = 0;

	if (offset > INT64_MAX - bytes)
		return 0;
	while (done < bytes) {
		ssize_t n = pread(reader->fd, (char *)to + done, bytes - done, (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail(reader, -errno, "it can't be read: %s", strerror(errno));
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

/* ---- chunks ---- */

/* 1; 0: the file ends before or in the head. */
static int chunk_head(struct esc_reader *reader, uint64_t offset, struct esc_chunk *ret)
{
	ssize_t n = read_at(reader, ret, sizeof(*ret), offset);

	if (n < 0)
		return (int)n;
	if (n < (ssize_t)sizeof(*ret))
		return 0;
	if (ret->magic != ESC_CHUNK_MAGIC || ret->check != esc_chunk_check(ret))
		return fail(reader, -EBADMSG, "it is damaged at byte %" PRIu64 ": no chunk begins there", offset);
	if (ret->plain > ESC_PLAIN_MAX || ret->stored > ZSTD_compressBound(ESC_PLAIN_MAX))
		return fail(reader, -EBADMSG, "the chunk at byte %" PRIu64 " is larger than any may be", offset);
	return 1;
}

static bool room_grow(struct room *room, size_t size)
{
	char *bytes = size > room->size ? realloc(room->bytes, size) : room->bytes;

	if (!bytes)
		return false;
	room->bytes = bytes;
	room->size = size > room->size ? size : room->size;
	return true;
}

/* Decompresses the chunk's content into `plain`. 1, 0 as before. */
static int chunk_body(struct esc_reader *reader, uint64_t offset, const struct esc_chunk *chunk)
{
	size_t plain;
	ssize_t n;

	if (!room_grow(&reader->stored, chunk->stored + 1) || !room_grow(&reader->plain, chunk->plain + 2))
		return fail(reader, -ENOMEM, "not enough memory");
	n = read_at(reader, reader->stored.bytes, chunk->stored, offset + sizeof(*chunk));
	if (n < 0)
		return (int)n;
	if (n < (ssize_t)chunk->stored)
		return 0;
	plain = ZSTD_decompressDCtx(reader->zstd, reader->plain.bytes, chunk->plain + 1, reader->stored.bytes, chunk->stored);
	if (ZSTD_isError(plain) || plain != chunk->plain)
		return fail(reader, -EBADMSG, "the chunk at byte %" PRIu64 " is damaged: %s", offset,
			    ZSTD_isError(plain) ? ZSTD_getErrorName(plain) : "it isn't as long as it says");
	reader->plain.bytes[plain] = 0;
	return 1;
}

static int facts_take(struct esc_reader *reader, struct esc_facts *facts, const char *text, size_t length)
{
	char *copy = malloc(length + 1);

	if (!copy)
		return fail(reader, -ENOMEM, "not enough memory");
	memcpy(copy, text, length);
	copy[length] = 0;
	esc_facts_deinit(facts);
	*facts = (struct esc_facts){ .text = copy, .length = strlen(copy) };
	return 0;
}

static void end(struct esc_reader *reader, bool cut)
{
	reader->at_end = true;
	reader->cut = cut;
	reader->used = reader->at = 0;
}

/* The next chunk of entries into `plain`. 1; 0: there is none. */
static int chunk_next(struct esc_reader *reader)
{
	struct esc_chunk chunk;
	uint64_t offset;
	int r;

	while (!reader->at_end) {
		offset = reader->offset;
		r = chunk_head(reader, offset, &chunk);
		if (r > 0 && (chunk.kind == ESC_CHUNK_ENTRIES || chunk.kind == ESC_CHUNK_TOTALS))
			r = chunk_body(reader, offset, &chunk);
		if (r < 0)
			return r;
		if (r == 0) {
			end(reader, true);
			break;
		}
		reader->offset += sizeof(chunk) + chunk.stored;
		if (chunk.kind == ESC_CHUNK_TOTALS) {
			end(reader, false);
			return facts_take(reader, &reader->totals, reader->plain.bytes, chunk.plain);
		}
		if (chunk.kind != ESC_CHUNK_ENTRIES)
			continue;
		reader->used = chunk.plain;
		reader->at = 0;
		reader->number = chunk.first;
		return 1;
	}
	return 0;
}

/* ---- entries ---- */

static bool record_ok(const void *bytes, uint32_t length)
{
	const struct es_record *record = bytes;
	bool auth;

	if (length < sizeof(*record) || length > ESC_RECORD_MAX || record->size != length ||
	    record->type >= ES_EVENT_TYPES)
		return false;
	auth = record->flags & ES_RECORD_AUTH;
	return auth == is_auth[record->type] && auth == (record->auth_id != 0);
}

/* 1: *ret is set; 0: an unknown kind. */
static int entry_take(struct esc_reader *reader, const struct esc_entry *entry, const void *bytes, struct esc_item *ret)
{
	switch (entry->kind) {
	case ESC_ENTRY_RECORD:
		if (!record_ok(bytes, entry->bytes))
			return fail(reader, -EBADMSG, "record %" PRIu64 " makes no sense", reader->number);
		*ret = (struct esc_item){ .record = bytes, .number = reader->number++ };
		return 1;
	case ESC_ENTRY_ANSWER:
		if (entry->bytes < sizeof(struct esc_answer))
			return fail(reader, -EBADMSG, "an answer before record %" PRIu64 " makes no sense", reader->number);
		*ret = (struct esc_item){ .answer = bytes };
		return 1;
	}
	return 0;
}

int esc_reader_next(struct esc_reader *reader, struct esc_item *ret)
{
	const struct esc_entry *entry;
	uint64_t whole;
	int r;

	for (;;) {
		while (reader->at == reader->used) {
			r = chunk_next(reader);
			if (r <= 0)
				return r;
		}
		entry = (const struct esc_entry *)(reader->plain.bytes + reader->at);
		if (reader->used - reader->at < sizeof(*entry))
			break;
		whole = sizeof(*entry) + ((uint64_t)entry->bytes + 7) / 8 * 8;
		if (whole > reader->used - reader->at)
			break;
		reader->at += (uint32_t)whole;
		r = entry_take(reader, entry, entry + 1, ret);
		if (r)
			return r;
	}
	return fail(reader, -EBADMSG, "a chunk ends within an entry, before record %" PRIu64, reader->number);
}

void esc_reader_rewind(struct esc_reader *reader)
{
	reader->offset = reader->begin;
	reader->used = reader->at = 0;
	reader->at_end = reader->cut = false;
}

/* Records of several CPUs may be out of order, so finds the first chunk that has any record so late. */
void esc_reader_seek(struct esc_reader *reader, uint64_t time_ns)
{
	esc_reader_rewind(reader);
	for (size_t i = 0; i < reader->index_count; i++) {
		if (reader->index[i].to_ns < time_ns)
			continue;
		reader->offset = reader->index[i].offset;
		return;
	}
}

/* ---- beginning ---- */

static int head_read(struct esc_reader *reader)
{
	struct esc_head head;
	ssize_t n = read_at(reader, &head, sizeof(head), 0);

	if (n < 0)
		return (int)n;
	if (n < (ssize_t)sizeof(head) || memcmp(head.magic, ESC_MAGIC, sizeof(head.magic)))
		return fail(reader, -EINVAL, "it is no capture");
	if (head.order == __builtin_bswap32(ESC_ORDER))
		return fail(reader, -EPROTO, "it was made on a machine with the other byte order");
	if (head.order != ESC_ORDER)
		return fail(reader, -EBADMSG, "it is damaged: no such byte order");
	if (head.version != ESC_VERSION)
		return fail(reader, -EPROTO, "it is of version %u, and this program reads version %u", head.version,
			    (unsigned int)ESC_VERSION);
	reader->offset = sizeof(head);
	return 0;
}

/* One of the two texts at the beginning. */
static int text_read(struct esc_reader *reader, enum esc_chunk_kind kind, size_t *ret_length)
{
	struct esc_chunk chunk;
	int r;

	r = chunk_head(reader, reader->offset, &chunk);
	if (r > 0 && chunk.kind != kind)
		return fail(reader, -EBADMSG, "it is damaged: its chunks are out of order");
	if (r > 0)
		r = chunk_body(reader, reader->offset, &chunk);
	if (r == 0)
		return fail(reader, -EBADMSG, "it was cut off before its first record");
	if (r < 0)
		return r;
	reader->offset += sizeof(chunk) + chunk.stored;
	*ret_length = chunk.plain;
	return 0;
}

static int texts_read(struct esc_reader *reader)
{
	char difference[200];
	size_t length;
	int r;

	r = text_read(reader, ESC_CHUNK_FACTS, &length);
	if (r == 0)
		r = facts_take(reader, &reader->facts, reader->plain.bytes, length);
	if (r == 0)
		r = text_read(reader, ESC_CHUNK_LAYOUT, &length);
	if (r < 0)
		return r;
	if (esc_layout_differs(reader->plain.bytes, length, difference, sizeof(difference)))
		return fail(reader, -EPROTO, "its records have another layout than this program's: %s", difference);
	reader->begin = reader->offset;
	return 0;
}

/* Checks only that the offsets grow, from the first chunk on. Reading a chunk checks the rest. */
static bool index_ok(const struct esc_reader *reader, const struct esc_index *index, size_t count)
{
	uint64_t before = reader->begin;

	for (size_t i = 0; i < count; i++) {
		if (index[i].offset < before || (i && index[i].offset == before))
			return false;
		before = index[i].offset;
	}
	return true;
}

/* Reads the index. Fails without an error: seeking is only slower without an index. */
static void index_read(struct esc_reader *reader, uint64_t size)
{
	struct esc_chunk chunk;
	struct esc_index *index;
	struct esc_tail tail;

	if (size < reader->begin + sizeof(tail) ||
	    read_at(reader, &tail, sizeof(tail), size - sizeof(tail)) != sizeof(tail) ||
	    memcmp(tail.magic, ESC_TAIL_MAGIC, sizeof(tail.magic)) || tail.index < reader->begin ||
	    chunk_head(reader, tail.index, &chunk) <= 0 || chunk.kind != ESC_CHUNK_INDEX ||
	    chunk.plain % sizeof(*index) || chunk_body(reader, tail.index, &chunk) <= 0)
		return;
	if (!index_ok(reader, (struct esc_index *)reader->plain.bytes, chunk.plain / sizeof(*index)))
		return;
	index = malloc(chunk.plain + 1);
	if (!index)
		return;
	memcpy(index, reader->plain.bytes, chunk.plain);
	reader->index = index;
	reader->index_count = chunk.plain / sizeof(*index);
}

static int open_all(struct esc_reader *reader, int fd)
{
	struct stat st;
	int r;

	reader->fd = fd;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return fail(reader, -EINVAL, "it is no file");
	reader->zstd = ZSTD_createDCtx();
	if (!reader->zstd)
		return fail(reader, -ENOMEM, "not enough memory");
	r = head_read(reader);
	if (r == 0)
		r = texts_read(reader);
	if (r == 0)
		index_read(reader, (uint64_t)st.st_size);
	return r;
}

int esc_reader_new(struct esc_reader **ret, int fd, char problem[ESC_PROBLEM_BYTES])
{
	_cleanup_(esc_reader_freep) struct esc_reader *reader = calloc(1, sizeof(*reader));
	int r;

	snprintf(problem, ESC_PROBLEM_BYTES, "not enough memory");
	if (!reader)
		return -ENOMEM;
	r = open_all(reader, fd);
	if (r < 0) {
		memcpy(problem, reader->problem, ESC_PROBLEM_BYTES);
		reader->fd = -1;
		return r;
	}
	*ret = TAKE_POINTER(reader);
	return 0;
}

int esc_reader_open(struct esc_reader **ret, const char *path, char problem[ESC_PROBLEM_BYTES])
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int r;

	if (fd < 0) {
		r = -errno;
		snprintf(problem, ESC_PROBLEM_BYTES, "it can't be opened: %s", strerror(errno));
		return r;
	}
	r = esc_reader_new(ret, fd, problem);
	if (r == 0)
		(void)TAKE_FD(fd);
	return r;
}

void esc_reader_free(struct esc_reader *reader)
{
	if (!reader)
		return;
	closep(&reader->fd);
	ZSTD_freeDCtx(reader->zstd);
	free(reader->stored.bytes);
	free(reader->plain.bytes);
	free(reader->index);
	esc_facts_deinit(&reader->facts);
	esc_facts_deinit(&reader->totals);
	free(reader);
}

const struct esc_facts *esc_reader_facts(const struct esc_reader *reader)
{
	return &reader->facts;
}

const struct esc_facts *esc_reader_totals(const struct esc_reader *reader)
{
	return &reader->totals;
}

bool esc_reader_is_cut(const struct esc_reader *reader)
{
	return reader->cut;
}

bool esc_reader_is_indexed(const struct esc_reader *reader)
{
	return reader->index;
}

const char *esc_reader_problem(const struct esc_reader *reader)
{
	return reader->problem;
}
