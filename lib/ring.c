/* SPDX-License-Identifier: MIT */

/* (N4) Takes the next record out of the ring that the kernel writes, and gives its room back. */

#include "ring.h"

#include <errno.h>
#include <linux/bpf.h>
#include <sys/mman.h>
#include <unistd.h>

#include "util/macro.h"

void esl_ring_init(struct esl_ring *ring, void *consumer_page, const void *producer_page, const void *data,
		   size_t bytes)
{
	*ring = (struct esl_ring){
		.consumer = consumer_page,
		.producer = producer_page,
		.data = data,
		.mask = bytes - 1,
		.position = __atomic_load_n((unsigned long *)consumer_page, __ATOMIC_ACQUIRE),
	};
}

int esl_ring_map(struct esl_ring *ring, int fd, size_t bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t length = page + 2 * bytes;
	void *consumer, *producer;

	if (bytes < page || (bytes & (bytes - 1)))
		return -EINVAL;

	consumer = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (consumer == MAP_FAILED)
		return -errno;
	producer = mmap(NULL, length, PROT_READ, MAP_SHARED, fd, (off_t)page);
	if (producer == MAP_FAILED) {
		int error = -errno;

		munmap(consumer, page);
		return error;
	}
	madvise(consumer, page, MADV_DONTFORK);
	madvise(producer, length, MADV_DONTFORK);

	esl_ring_init(ring, consumer, producer, (uint8_t *)producer + page, bytes);
	ring->mapped_bytes = length;
	return 0;
}

void esl_ring_unmap(struct esl_ring *ring)
{
	if (ring->mapped_bytes) {
		munmap(ring->consumer, (size_t)sysconf(_SC_PAGESIZE));
		munmap((void *)ring->producer, ring->mapped_bytes);
	}
	*ring = (struct esl_ring){};
}

/*
 * The new position must be visible before the reader looks for the next record: hence a full barrier. The kernel
 * wakes the reader only for a record at the consumer's position. Without the barrier both could miss the other's
 * store, and the reader would sleep although a record is there.
 */
static void set_position(struct esl_ring *ring, unsigned long position)
{
	ring->position = position;
	__atomic_store_n(ring->consumer, position, __ATOMIC_SEQ_CST);
}

int esl_ring_peek(struct esl_ring *ring, const void **ret_bytes, uint32_t *ret_length)
{
	for (;;) {
		unsigned long available = __atomic_load_n(ring->producer, __ATOMIC_SEQ_CST) - ring->position;
		const uint8_t *header = ring->data + (ring->position & ring->mask);
		unsigned long whole;
		uint32_t word, length;

		if (!available)
			return 0;
		word = __atomic_load_n((const uint32_t *)header, __ATOMIC_SEQ_CST);
		if (word & BPF_RINGBUF_BUSY_BIT)
			return 0;

		length = word & ~BPF_RINGBUF_DISCARD_BIT;
		whole = (length + BPF_RINGBUF_HDR_SZ + 7UL) & ~7UL;
		if (whole > available || available > ring->mask + 1)
			return -EBADMSG;

		if (word & BPF_RINGBUF_DISCARD_BIT) {
			set_position(ring, ring->position + whole);
			continue;
		}
		ring->next = ring->position + whole;
		*ret_bytes = header + BPF_RINGBUF_HDR_SZ;
		*ret_length = length;
		return 1;
	}
}

void esl_ring_release(struct esl_ring *ring)
{
	set_position(ring, ring->next);
}

unsigned long esl_ring_producer(const struct esl_ring *ring)
{
	return __atomic_load_n(ring->producer, __ATOMIC_ACQUIRE);
}
