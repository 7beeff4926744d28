/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The spool: a folder of segments (segment.h). One process at a time writes them, and each sink reads them at its own
 * pace. A segment is removed when all sinks have acknowledged it.
 *
 *	NNNNNNNNNNNNNNNN.seg	segments, numbered in order
 *	NAME.ack		the position of the sink of that name
 *	lock			held by the process that uses the spool
 *	ledger			counts of messages that aren't in a segment yet (ledger.h)
 *
 * Each start of the program begins a new segment, so a segment that a death has left damaged gets no more frames. Use
 * spool_append() on one thread only, and each reader on one thread; all may run at the same time.
 */

#include <stdbool.h>
#include <stdint.h>

#include "tools/esship/segment.h"

enum { SPOOL_READERS_MAX = 16, SPOOL_PROBLEM_BYTES = 512 };

struct spool_options {
	const char *folder;
	uint64_t size;			/* bytes, at most */
	bool sync;			/* wait until the data is on the disk */
};

struct spool;
struct spool_reader;

/* -EBUSY: another process uses it. `problem` has the error. */
int spool_open(struct spool **ret, const struct spool_options *options, const uint8_t client[SEGMENT_CLIENT_BYTES],
	       char problem[SPOOL_PROBLEM_BYTES]);
void spool_close(struct spool *spool);

/* The client's highest number in a segment; 0: there is none. */
uint64_t spool_last_of(struct spool *spool, const uint8_t client[SEGMENT_CLIENT_BYTES]);

/* True: the folder was removed, so nothing written to it is kept. */
bool spool_has_gone(const struct spool *spool);

/* A descriptor of the folder, borrowed. */
int spool_folder(const struct spool *spool);

/*
 * Appends whole lines, numbered first to last. -EFBIG: too large for a spool of this size, or for a frame. -ENOSPC and
 * others: none of the lines are in the spool; try again.
 */
int spool_append(struct spool *spool, const char *lines, size_t length, uint32_t count, uint64_t first, uint64_t last);

uint64_t spool_bytes(const struct spool *spool);
uint64_t spool_damaged(const struct spool *spool);	/* frames that readers had to skip */

/* Belongs to the spool. Make all readers before reading from the first. */
int spool_reader_new(struct spool_reader **ret, struct spool *spool, const char *name);

/* The next frame, valid until the next call. 1; 0: none yet; a negative errno. */
int spool_reader_next(struct spool_reader *reader, struct segment_frame *ret, const struct segment_lines **ret_lines);

/* Acknowledges the last frame of spool_reader_next(). */
int spool_reader_ack(struct spool_reader *reader);

/* Bytes that it hasn't acknowledged. */
uint64_t spool_reader_behind(struct spool_reader *reader);

/* Waits for more than there was when spool_wakes() returned `since`, for spool_wake(), or for the time. */
uint64_t spool_wakes(struct spool *spool);
void spool_wait(struct spool *spool, uint64_t since, unsigned int ms);
void spool_wake(struct spool *spool);
