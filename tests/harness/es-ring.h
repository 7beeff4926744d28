/* SPDX-License-Identifier: MIT */
#pragma once

/* io_uring without a library: one entry, one result. */

#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* 0 or errno */
static inline int result(long value)
{
	return value < 0 ? errno : 0;
}

struct ring {
	int fd;
	char *queue;
	struct io_uring_sqe *entries;
	struct io_uring_params parameters;
};

static inline int ring_open(struct ring *ring, unsigned int flags)
{
	size_t size;

	*ring = (struct ring){ .parameters.flags = flags, .parameters.sq_thread_idle = 1000 };
	ring->fd = (int)syscall(SYS_io_uring_setup, 4, &ring->parameters);
	if (ring->fd < 0)
		return errno;
	size = ring->parameters.cq_off.cqes + ring->parameters.cq_entries * sizeof(struct io_uring_cqe);
	ring->queue = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring->fd, IORING_OFF_SQ_RING);
	ring->entries = mmap(NULL, ring->parameters.sq_entries * sizeof(struct io_uring_sqe), PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_POPULATE, ring->fd, IORING_OFF_SQES);
	return ring->queue == MAP_FAILED || ring->entries == MAP_FAILED ? errno : 0;
}

static inline int ring_submit(struct ring *ring, unsigned int setup, struct io_uring_sqe entry)
{
	unsigned int *tail, *head, *cq_tail, flags = IORING_ENTER_GETEVENTS;
	int r;

	if (setup & IORING_SETUP_SQPOLL)
		flags |= IORING_ENTER_SQ_WAKEUP;
	ring->entries[0] = entry;
	((unsigned int *)(ring->queue + ring->parameters.sq_off.array))[0] = 0;
	tail = (unsigned int *)(ring->queue + ring->parameters.sq_off.tail);
	__atomic_store_n(tail, 1, __ATOMIC_RELEASE);
	head = (unsigned int *)(ring->queue + ring->parameters.cq_off.head);
	cq_tail = (unsigned int *)(ring->queue + ring->parameters.cq_off.tail);
	while (__atomic_load_n(cq_tail, __ATOMIC_ACQUIRE) == *head) {
		if (syscall(SYS_io_uring_enter, ring->fd, 1, 1, flags, NULL, 0) < 0 && errno != EINTR)
			return errno;
	}
	r = ((struct io_uring_cqe *)(ring->queue + ring->parameters.cq_off.cqes))[0].res;
	return r < 0 ? -r : 0;
}

static inline int ring_do(unsigned int setup, struct io_uring_sqe entry)
{
	struct ring ring;
	int r = ring_open(&ring, setup);

	return r ? r : ring_submit(&ring, setup, entry);
}

static inline struct io_uring_sqe ring_entry(int opcode, const char *path)
{
	return (struct io_uring_sqe){ .opcode = (uint8_t)opcode, .fd = AT_FDCWD, .addr = (uint64_t)path };
}
