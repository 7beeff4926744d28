/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The consumer's side of one BPF ring buffer. Page 0 of the map holds the consumer's position and is ours to write;
 * page 1 holds the producer's position, and the data follows it, mapped twice in a row so that a record never wraps for
 * the reader. A record is an 8-byte header (length and two flags) and its bytes, rounded up to 8.
 *
 * One thread reads: peek, then release, alternately. Any thread may ask for the producer's position.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct esl_ring {
	unsigned long *consumer;		/* position, bytes ever released */
	const unsigned long *producer;		/* position, bytes ever reserved */
	const uint8_t *data;
	unsigned long mask;			/* size of the data area less one */
	unsigned long position;			/* own copy of *consumer */
	unsigned long next;			/* position after the record that was peeked */
	size_t mapped_bytes;			/* of producer page and data; 0: memory is the caller's */
};

/* Over the caller's memory. `bytes` is a power of two; the data is there twice in a row. */
void esl_ring_init(struct esl_ring *ring, void *consumer_page, const void *producer_page, const void *data,
		   size_t bytes);

/* Over a BPF map; the descriptor stays the caller's. Not inherited by fork(). */
int esl_ring_map(struct esl_ring *ring, int fd, size_t bytes);
void esl_ring_unmap(struct esl_ring *ring);

/*
 * The next record: 1 and its bytes, which stay until esl_ring_release(); or 0 if there is none yet. -EBADMSG: the
 * ring is damaged, and can't be read any further.
 */
int esl_ring_peek(struct esl_ring *ring, const void **ret_bytes, uint32_t *ret_length);
void esl_ring_release(struct esl_ring *ring);

/* All that was put into the ring before this call lies before the position returned. */
unsigned long esl_ring_producer(const struct esl_ring *ring);
