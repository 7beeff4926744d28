/* SPDX-License-Identifier: MIT */
#include "capture/writer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zstd.h>

#include "capture/layout.h"
#include "util/macro.h"

enum {
	LEVEL = 3,
	PLAIN_BYTES = ESC_CHUNK_FULL + ESC_RECORD_MAX + 64,
};

struct esc_writer {
	int fd;
	uint64_t offset;		/* in the file */
	uint64_t records;
	uint64_t answers;
	ZSTD_CCtx *zstd;
	char *stored;			/* ZSTD_compressBound(PLAIN_BYTES) */
	size_t stored_bytes;
	struct esc_index chunk;		/* of the content of `plain` */
	uint32_t used;
	struct esc_index *index;
	size_t index_count;
	size_t index_room;
	char plain[PLAIN_BYTES] __attribute__((aligned(8)));
};

static int write_all(struct esc_writer *writer, const void *bytes, size_t length)
{
	const char *at = bytes;

	while (length) {
		ssize_t n = write(writer->fd, at, length);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			at += n;
			length -= (size_t)n;
			writer->offset += (uint64_t)n;
		}
	}
	return 0;
}

/* The caller sets the kind in `chunk`, and for ENTRIES its numbers; this function sets the rest. */
static int write_chunk(struct esc_writer *writer, struct esc_chunk *chunk, const void *plain, size_t bytes)
{
	size_t bound = ZSTD_compressBound(bytes), stored;
	char *room = writer->stored;
	int r;

	if (bytes > ESC_PLAIN_MAX)
		return -EFBIG;
	if (bound > writer->stored_bytes) {
		room = realloc(writer->stored, bound);
		if (!room)
			return -ENOMEM;
		writer->stored = room;
		writer->stored_bytes = bound;
	}
	stored = ZSTD_compress2(writer->zstd, room, writer->stored_bytes, plain, bytes);
	if (ZSTD_isError(stored))
		return -ENOMEM;
	chunk->magic = ESC_CHUNK_MAGIC;
	chunk->stored = (uint32_t)stored;
	chunk->plain = (uint32_t)bytes;
	chunk->check = esc_chunk_check(chunk);
	r = write_all(writer, chunk, sizeof(*chunk));
	return r < 0 ? r : write_all(writer, room, stored);
}

static int write_text(struct esc_writer *writer, enum esc_chunk_kind kind, const char *text, size_t length)
{
	struct esc_chunk chunk = { .kind = kind };

	return write_chunk(writer, &chunk, text, length);
}

/* ---- entries ---- */

static int index_add(struct esc_writer *writer)
{
	if (writer->index_count == writer->index_room) {
		size_t room = writer->index_room ? 2 * writer->index_room : 64;
		struct esc_index *index = reallocarray(writer->index, room, sizeof(*index));

		if (!index)
			return -ENOMEM;
		writer->index = index;
		writer->index_room = room;
	}
	writer->chunk.offset = writer->offset;
	writer->index[writer->index_count++] = writer->chunk;
	return 0;
}

static void chunk_begin(struct esc_writer *writer)
{
	writer->chunk = (struct esc_index){ .first = writer->records, .from_ns = UINT64_MAX };
	writer->used = 0;
}

int esc_writer_flush(struct esc_writer *writer)
{
	struct esc_chunk chunk = {
		.kind = ESC_CHUNK_ENTRIES,
		.records = (uint32_t)writer->chunk.records,
		.first = writer->chunk.first,
		.from_ns = writer->chunk.from_ns,
		.to_ns = writer->chunk.to_ns,
	};
	int r;

	if (!writer->used)
		return 0;
	r = index_add(writer);
	if (r == 0)
		r = write_chunk(writer, &chunk, writer->plain, writer->used);
	chunk_begin(writer);
	return r;
}

static void put(struct esc_writer *writer, enum esc_entry_kind kind, const void *bytes, uint32_t length)
{
	const struct esc_entry entry = { .bytes = length, .kind = kind };
	uint32_t whole = (length + 7) & ~7u;

	memcpy(writer->plain + writer->used, &entry, sizeof(entry));
	memcpy(writer->plain + writer->used + sizeof(entry), bytes, length);
	memset(writer->plain + writer->used + sizeof(entry) + length, 0, whole - length);
	writer->used += (uint32_t)sizeof(entry) + whole;
}

int esc_write_record(struct esc_writer *writer, const struct es_record *record)
{
	struct esc_index *chunk = &writer->chunk;

	if (record->size < sizeof(*record) || record->size > ESC_RECORD_MAX || record->type >= ES_EVENT_TYPES)
		return -EINVAL;
	put(writer, ESC_ENTRY_RECORD, record, record->size);
	if (record->time_ns < chunk->from_ns)
		chunk->from_ns = record->time_ns;
	if (record->time_ns > chunk->to_ns)
		chunk->to_ns = record->time_ns;
	chunk->types[record->type / 64] |= UINT64_C(1) << record->type % 64;
	chunk->records++;
	writer->records++;
	return writer->used >= ESC_CHUNK_FULL ? esc_writer_flush(writer) : 0;
}

int esc_write_answer(struct esc_writer *writer, const struct esc_answer *answer)
{
	put(writer, ESC_ENTRY_ANSWER, answer, sizeof(*answer));
	writer->answers++;
	return writer->used >= ESC_CHUNK_FULL ? esc_writer_flush(writer) : 0;
}

/* ---- beginning and end ---- */

int esc_writer_finish(struct esc_writer *writer, const struct esc_facts *totals)
{
	_cleanup_(esc_facts_deinit) struct esc_facts all = {};
	struct esc_tail tail = { .magic = ESC_TAIL_MAGIC };
	struct esc_chunk chunk = { .kind = ESC_CHUNK_INDEX };
	int r;

	r = esc_writer_flush(writer);
	if (r == 0)
		r = esc_facts_set_number(&all, "records", (int64_t)writer->records);
	if (r == 0)
		r = esc_facts_set_number(&all, "answers", (int64_t)writer->answers);
	if (r == 0 && totals && totals->text) {
		char *text = realloc(all.text, all.length + totals->length + 1);

		if (!text)
			return -ENOMEM;
		memcpy(text + all.length, totals->text, totals->length + 1);
		all.text = text;
		all.length += totals->length;
	}
	if (r == 0)
		r = write_text(writer, ESC_CHUNK_TOTALS, all.text, all.length);
	tail.index = writer->offset;
	/* Omits an index that is larger than a reader takes: the reader then works without. */
	if (r < 0 || writer->index_count > ESC_PLAIN_MAX / sizeof(*writer->index))
		return r;
	r = write_chunk(writer, &chunk, writer->index, writer->index_count * sizeof(*writer->index));
	return r < 0 ? r : write_all(writer, &tail, sizeof(tail));
}

static int begin(struct esc_writer *writer, const struct esc_facts *facts)
{
	const struct esc_head head = { .magic = ESC_MAGIC, .order = ESC_ORDER, .version = ESC_VERSION };
	int r;

	r = write_all(writer, &head, sizeof(head));
	if (r == 0)
		r = write_text(writer, ESC_CHUNK_FACTS, facts->text, facts->length);
	if (r == 0)
		r = write_text(writer, ESC_CHUNK_LAYOUT, esc_layout(), strlen(esc_layout()));
	return r;
}

int esc_writer_new(struct esc_writer **ret, int fd, const struct esc_facts *facts)
{
	_cleanup_(esc_writer_freep) struct esc_writer *writer = calloc(1, sizeof(*writer));
	int r;

	if (!writer)
		return -ENOMEM;
	writer->fd = fd;
	writer->zstd = ZSTD_createCCtx();
	if (!writer->zstd)
		return -ENOMEM;
	ZSTD_CCtx_setParameter(writer->zstd, ZSTD_c_compressionLevel, LEVEL);
	ZSTD_CCtx_setParameter(writer->zstd, ZSTD_c_checksumFlag, 1);
	chunk_begin(writer);
	r = begin(writer, facts);
	if (r < 0)
		return r;
	*ret = TAKE_POINTER(writer);
	return 0;
}

void esc_writer_free(struct esc_writer *writer)
{
	if (!writer)
		return;
	ZSTD_freeCCtx(writer->zstd);
	free(writer->stored);
	free(writer->index);
	free(writer);
}

uint64_t esc_writer_records(const struct esc_writer *writer)
{
	return writer->records;
}

uint64_t esc_writer_bytes(const struct esc_writer *writer)
{
	return writer->offset;
}
