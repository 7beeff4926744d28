/* SPDX-License-Identifier: MIT */
#pragma once

/* Writes a capture, front to back: into a file or a pipe. One thread. */

#include <stdint.h>

#include "abi/record.h"
#include "capture/facts.h"
#include "capture/format.h"

struct esc_writer;

/* Borrows fd. All functions: 0, or a negative errno; after one, no other call but free makes sense. */
int esc_writer_new(struct esc_writer **ret, int fd, const struct esc_facts *facts);
void esc_writer_free(struct esc_writer *writer);

int esc_write_record(struct esc_writer *writer, const struct es_record *record);
int esc_write_answer(struct esc_writer *writer, const struct esc_answer *answer);

/* What was written so far is in the file. */
int esc_writer_flush(struct esc_writer *writer);

/* The end of a whole capture; `totals` may be NULL. "records" and "answers" are added. */
int esc_writer_finish(struct esc_writer *writer, const struct esc_facts *totals);

uint64_t esc_writer_records(const struct esc_writer *writer);
uint64_t esc_writer_bytes(const struct esc_writer *writer);

static inline void esc_writer_freep(struct esc_writer **writer)
{
	esc_writer_free(*writer);
}
