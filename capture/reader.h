/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Reads a capture from any source. It reads one chunk at a time, so that memory is bounded by ESC_PLAIN_MAX, and checks
 * all that the file says before using it. The head of a returned record is valid (size, type, AUTH or not). The caller
 * must check the record's offsets, as lib/decode.c does.
 *
 * A file that ends too early isn't an error: reading ends there, and esc_reader_is_cut() says so.
 */

#include <stdbool.h>
#include <stdint.h>

#include "abi/record.h"
#include "capture/facts.h"
#include "capture/format.h"

struct esc_reader;

/* The next item: `record` or `answer`, the other is NULL. Valid until the next call. */
struct esc_item {
	const struct es_record *record;
	const struct esc_answer *answer;
	uint64_t number;		/* of the record, in the file */
};

enum { ESC_PROBLEM_BYTES = 320 };

/* Takes fd, of a file, if it succeeds. Else a negative errno, and why in `problem`: no capture, or an unknown kind. */
int esc_reader_new(struct esc_reader **ret, int fd, char problem[ESC_PROBLEM_BYTES]);

/* The same by name. */
int esc_reader_open(struct esc_reader **ret, const char *path, char problem[ESC_PROBLEM_BYTES]);
void esc_reader_free(struct esc_reader *reader);

static inline void esc_reader_freep(struct esc_reader **reader)
{
	esc_reader_free(*reader);
}

/* 1, or 0 at the end. -EBADMSG: the file is damaged here; stop reading. */
int esc_reader_next(struct esc_reader *reader, struct esc_item *ret);

/* Goes back to the beginning; or to the first place that has records of this time or later. */
void esc_reader_rewind(struct esc_reader *reader);
void esc_reader_seek(struct esc_reader *reader, uint64_t time_ns);

const struct esc_facts *esc_reader_facts(const struct esc_reader *reader);

/* TOTALS, after the end was reached. Empty: the file was cut off. */
const struct esc_facts *esc_reader_totals(const struct esc_reader *reader);
bool esc_reader_is_cut(const struct esc_reader *reader);
bool esc_reader_is_indexed(const struct esc_reader *reader);

/* Why the last call failed. */
const char *esc_reader_problem(const struct esc_reader *reader);
