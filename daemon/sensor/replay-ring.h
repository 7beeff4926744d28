/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The producer's side of a ring for lib/ring.c, in memory that both map: page 0 is the consumer's position, page 1 the
 * producer's, the data follow. A BPF ring buffer maps the data twice in a row. Here the second half is separate memory,
 * for the records that cross the end of the first: the reader reads each record where it was written.
 */

#include <stdbool.h>
#include <stdint.h>

struct esd_replay_ring {
	int fd;				/* the memory */
	int event_fd;			/* wakes the reader, see ES_CLIENT_FD_ASK */
	uint32_t bytes;			/* a power of two */
	uint8_t *pages;
};

#define ESD_REPLAY_RING_NONE (struct esd_replay_ring){ .fd = -1, .event_fd = -1 }

/* 0 or a negative errno, and then there is nothing to deinit. */
int esd_replay_ring_init(struct esd_replay_ring *ring, uint32_t bytes);
void esd_replay_ring_deinit(struct esd_replay_ring *ring);

/* Bytes that the reader has yet to take. At most the ring's size, even if the reader's position is wrong. */
uint64_t esd_replay_ring_used(const struct esd_replay_ring *ring);

/* False: a record of this length never fits into the ring. */
bool esd_replay_ring_fits(const struct esd_replay_ring *ring, uint32_t length);

/* Returns room for a record; NULL: none now. _commit() puts it into the ring. There must be only one writer. */
void *esd_replay_ring_reserve(struct esd_replay_ring *ring, uint32_t length);
void esd_replay_ring_commit(struct esd_replay_ring *ring, uint32_t length);
