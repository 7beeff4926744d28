/* SPDX-License-Identifier: MIT */
#pragma once

/* Writes a capture, front to back: into a file or a pipe. One thread. */

#include <stdint.h>

#include "abi/record.h"
#include "capture/facts.h"
#include "capture/format.h"

struct esc_writer;

/* Borrows fd. All functions return 0 or a negative errno; after an error, call only free. */
int esc_writer_new(struct esc_writer **ret, int fd, const struct esc_facts *facts);
void esc_writer_free(struct esc_writer *writer);

int esc_write_record(struct esc_writer *writer, const struct es_record *record);
int esc_write_answer(struct esc_writer *writer, const struct esc_answer *answer);

/* Writes all entries so far to the file. */
int esc_writer_flush(struct esc_writer *writer);

/* Ends a complete capture; `totals` may be NULL. Adds "records" and "answers". */
int esc_writer_finish(struct esc_writer *writer, const struct esc_facts *totals);

uint64_t esc_writer_records(const struct esc_writer *writer);
uint64_t esc_writer_bytes(const struct esc_writer *writer);

static inline void esc_writer_freep(struct esc_writer **writer)
{
	esc_writer_free(*writer);
}
