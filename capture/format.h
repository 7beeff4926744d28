/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A capture: a file of the records of a client's ring, and of the answers. docs/capture-format.md describes it for
 * other readers; reader.c and writer.c share this file.
 *
 *	struct esc_head
 *	chunks, each a struct esc_chunk and a zstd frame:
 *		FACTS	where and when it was made: lines "key=value"
 *		LAYOUT	the layout of a record (layout.h), lines of text
 *		ENTRIES	records and answers, in the order of delivery; any number of chunks
 *		TOTALS	lines "key=value"; present if the recorder finished
 *		INDEX	struct esc_index for each chunk of entries
 *	struct esc_tail
 *
 * A file that was cut off lacks TOTALS and the rest; everything before is valid. Numbers have the byte order of the
 * machine that wrote them, shown by head.order; the reader refuses another order. It trusts nothing in the file.
 */

#include <stdint.h>

#define ESC_MAGIC "ESCAP\r\n\032"
#define ESC_TAIL_MAGIC "ESCAPEND"
#define ESC_ORDER 0x01020304u
#define ESC_CHUNK_MAGIC 0x4b4e4843u	/* "CHNK" where the lowest byte comes first */

enum {
	ESC_VERSION = 1,		/* of this file's structs; the version of records is in LAYOUT */
	ESC_CHUNK_FULL = 256 * 1024,	/* a writer ends a chunk of entries at this size */
	ESC_PLAIN_MAX = 16 * 1024 * 1024,	/* the largest chunk, decompressed, that a reader takes */
	ESC_RECORD_MAX = 8 * 1024 * 1024,	/* an exec's record has up to 6 MiB of arguments and environment */
};

struct esc_head {
	char magic[8];
	uint32_t order;
	uint32_t version;
	uint64_t pad[2];
};

enum esc_chunk_kind {
	ESC_CHUNK_FACTS = 1,
	ESC_CHUNK_LAYOUT,
	ESC_CHUNK_ENTRIES,
	ESC_CHUNK_TOTALS,
	ESC_CHUNK_INDEX,
};

struct esc_chunk {
	uint32_t magic;
	uint32_t kind;			/* enum esc_chunk_kind; a reader skips those that it doesn't know */
	uint32_t stored;		/* bytes of the frame, which has a checksum of its own */
	uint32_t plain;			/* bytes in it */
	uint32_t records;		/* ENTRIES: of them */
	uint32_t check;			/* CRC-32C of this struct, with 0 here */
	uint64_t first;			/* ENTRIES: number of the first record, from 0 on */
	uint64_t from_ns;		/* ENTRIES: the lowest and the highest time_ns */
	uint64_t to_ns;
};

enum esc_entry_kind {
	ESC_ENTRY_RECORD = 1,		/* a struct es_record with its tail */
	ESC_ENTRY_ANSWER,		/* a struct esc_answer */
};

/* Entries begin at multiples of 8. */
struct esc_entry {
	uint32_t bytes;			/* that follow, without padding */
	uint32_t kind;			/* enum esc_entry_kind; a reader skips those that it doesn't know */
};

/* The answer to an earlier AUTH record. */
struct esc_answer {
	uint64_t auth_id;		/* the record's */
	uint64_t time_ns;		/* CLOCK_MONOTONIC, as the record's */
	uint32_t verdict;		/* ES_VERDICT_ALLOW or _DENY, and _MISSED, of abi/sensor.h */
	uint32_t pad;
};

struct esc_index {
	uint64_t offset;		/* of the struct esc_chunk in the file */
	uint64_t first;
	uint64_t from_ns;
	uint64_t to_ns;
	uint64_t types[3];		/* a set: event types in it */
	uint64_t records;
};

struct esc_tail {
	char magic[8];
	uint64_t index;			/* offset of the INDEX chunk */
};

_Static_assert(sizeof(struct esc_head) == 32 && sizeof(struct esc_chunk) == 48 && sizeof(struct esc_entry) == 8 &&
	       sizeof(struct esc_answer) == 24 && sizeof(struct esc_index) == 64 && sizeof(struct esc_tail) == 16,
	       "the same on every machine");

/* The right value of struct esc_chunk.check. */
uint32_t esc_chunk_check(const struct esc_chunk *chunk);
