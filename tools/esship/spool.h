/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The spool: a folder of segments (segment.h), which one process at a time writes, and from which each sink reads at its own
 * pace. A segment that all sinks have acknowledged is removed.
 *
 *	NNNNNNNNNNNNNNNN.seg	segments, numbered in order
 *	NAME.ack		how far the sink of that name is
 *	lock			held by the process that uses the spool
 *	ledger			what isn't in a segment yet (ledger.h)
 *
 * Each start of the program begins a segment, so what a death has left is never written to again. spool_append() is for one
 * thread, a reader is for one, and all may run at once.
 */

#include <stdbool.h>
#include <stdint.h>

#include "tools/esship/segment.h"

enum { SPOOL_READERS_MAX = 16, SPOOL_PROBLEM_BYTES = 512 };

struct spool_options {
	const char *folder;
	uint64_t size;			/* bytes, at most */
	bool sync;			/* wait until the disk has it */
};

struct spool;
struct spool_reader;

/* -EBUSY: another process uses it. What is wrong is in `problem`. */
int spool_open(struct spool **ret, const struct spool_options *options, const uint8_t client[SEGMENT_CLIENT_BYTES],
	       char problem[SPOOL_PROBLEM_BYTES]);
void spool_close(struct spool *spool);

/* The highest number of that client's in a segment; 0: there is none. */
uint64_t spool_last_of(struct spool *spool, const uint8_t client[SEGMENT_CLIENT_BYTES]);

/* A descriptor of the folder, borrowed. */
int spool_folder(const struct spool *spool);

/* Whole lines, numbered first to last. -ENOSPC and others: nothing of it is in the spool, and it may be tried again. */
int spool_append(struct spool *spool, const char *lines, size_t length, uint32_t count, uint64_t first, uint64_t last);

uint64_t spool_bytes(const struct spool *spool);
uint64_t spool_damaged(const struct spool *spool);	/* frames that readers had to leave out */

/* Belongs to the spool. All have to be there before the first is read from. */
int spool_reader_new(struct spool_reader **ret, struct spool *spool, const char *name);

/* What comes next; valid until the next call. 1; 0: nothing yet; a negative errno. */
int spool_reader_next(struct spool_reader *reader, struct segment_frame *ret, const struct segment_lines **ret_lines);

/* What spool_reader_next() gave last is taken care of. */
int spool_reader_ack(struct spool_reader *reader);

/* Bytes that it hasn't acknowledged. */
uint64_t spool_reader_behind(struct spool_reader *reader);

/* Waits until there is more than when spool_wakes() gave `since`, or spool_wake(), at most so long. */
uint64_t spool_wakes(struct spool *spool);
void spool_wait(struct spool *spool, uint64_t since, unsigned int ms);
void spool_wake(struct spool *spool);
