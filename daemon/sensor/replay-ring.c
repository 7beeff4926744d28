/* SPDX-License-Identifier: MIT */
#include "daemon/sensor/replay-ring.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "util/macro.h"

static size_t page(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

static size_t memory_bytes(uint32_t bytes)
{
	return 2 * page() + 2 * (size_t)bytes;
}

static unsigned long *consumer(const struct esd_replay_ring *ring)
{
	return (unsigned long *)ring->pages;
}

static unsigned long *producer(const struct esd_replay_ring *ring)
{
	return (unsigned long *)(ring->pages + page());
}

static uint8_t *at(const struct esd_replay_ring *ring, unsigned long position)
{
	return ring->pages + 2 * page() + (position & (ring->bytes - 1));
}

static uint64_t whole(uint32_t length)
{
	return ((uint64_t)length + BPF_RINGBUF_HDR_SZ + 7) & ~UINT64_C(7);
}

/* Sealed, so that no reader can truncate the memory that we write to. */
int esd_replay_ring_init(struct esd_replay_ring *ring, uint32_t bytes)
{
	_cleanup_close_ int fd = memfd_create("es-replay-ring", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	_cleanup_close_ int event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	void *pages;

	if (fd < 0 || event_fd < 0 || ftruncate(fd, (off_t)memory_bytes(bytes)) < 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		return -errno;
	pages = mmap(NULL, memory_bytes(bytes), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (pages == MAP_FAILED)
		return -errno;
	*ring = (struct esd_replay_ring){ .fd = TAKE_FD(fd), .event_fd = TAKE_FD(event_fd), .bytes = bytes,
					  .pages = pages };
	return 0;
}

void esd_replay_ring_deinit(struct esd_replay_ring *ring)
{
	if (ring->pages)
		munmap(ring->pages, memory_bytes(ring->bytes));
	closep(&ring->fd);
	closep(&ring->event_fd);
	*ring = ESD_REPLAY_RING_NONE;
}

uint64_t esd_replay_ring_used(const struct esd_replay_ring *ring)
{
	unsigned long used = *producer(ring) - __atomic_load_n(consumer(ring), __ATOMIC_SEQ_CST);

	return used < ring->bytes ? used : ring->bytes;
}

bool esd_replay_ring_fits(const struct esd_replay_ring *ring, uint32_t length)
{
	return whole(length) <= ring->bytes;
}

void *esd_replay_ring_reserve(struct esd_replay_ring *ring, uint32_t length)
{
	if (ring->bytes - esd_replay_ring_used(ring) < whole(length))
		return NULL;
	return at(ring, *producer(ring)) + BPF_RINGBUF_HDR_SZ;
}

/*
 * As the kernel does, wake the reader if this record is at its position. Write our position before reading the
 * reader's. The reader does the reverse, so one of the two sees the other's.
 */
void esd_replay_ring_commit(struct esd_replay_ring *ring, uint32_t length)
{
	unsigned long position = *producer(ring);

	*(uint32_t *)at(ring, position) = length;
	__atomic_store_n(producer(ring), position + whole(length), __ATOMIC_SEQ_CST);
	if (__atomic_load_n(consumer(ring), __ATOMIC_SEQ_CST) == position)
		(void)eventfd_write(ring->event_fd, 1);
}
