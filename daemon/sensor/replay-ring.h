/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The producer's side of a ring for lib/ring.c, in memory that both map: page 0 is the consumer's position, page 1 the
 * producer's, the data follow. A BPF ring buffer shows the data twice in a row; here that second half is memory of its own,
 * which holds what goes beyond the end of the first: a record is read where it was written.
 */

#include <stdbool.h>
#include <stdint.h>

struct esd_replay_ring {
	int fd;				/* the memory */
	int event_fd;			/* an eventfd, see ES_CLIENT_FD_ASK */
	uint32_t bytes;			/* a power of two */
	uint8_t *pages;
};

#define ESD_REPLAY_RING_NONE (struct esd_replay_ring){ .fd = -1, .event_fd = -1 }

/* 0 or a negative errno, and then there is nothing to deinit. */
int esd_replay_ring_init(struct esd_replay_ring *ring, uint32_t bytes);
void esd_replay_ring_deinit(struct esd_replay_ring *ring);

/* Bytes that the reader has yet to take; what he says is taken for what it is worth. */
uint64_t esd_replay_ring_used(const struct esd_replay_ring *ring);

/* A record that can never be in it. */
bool esd_replay_ring_fits(const struct esd_replay_ring *ring, uint32_t length);

/* Room for a record, as long as nobody else writes; NULL: not now. What is there is in the ring after _commit(). */
void *esd_replay_ring_reserve(struct esd_replay_ring *ring, uint32_t length);
void esd_replay_ring_commit(struct esd_replay_ring *ring, uint32_t length);
