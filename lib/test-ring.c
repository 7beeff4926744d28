/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <linux/bpf.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ring.h"
#include "test.h"

/* The reader against a ring in a memfd, laid out as the kernel does, and a writer that does what the kernel does. */

enum { DATA = 1 << 14, RECORDS = 200000 };

struct writer {
	uint8_t *base;
	size_t page;
	unsigned long *consumer, *producer;
	uint8_t *data;
};

static void open_writer(struct writer *writer)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	int fd = memfd_create("ring", MFD_CLOEXEC);
	uint8_t *base;

	CHECK(fd >= 0 && ftruncate(fd, (off_t)(2 * page + DATA)) == 0);
	base = mmap(NULL, 2 * page + 2 * DATA, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(base != MAP_FAILED);
	CHECK(mmap(base, 2 * page + DATA, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) == base);
	CHECK(mmap(base + 2 * page + DATA, DATA, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
		   (off_t)(2 * page)) != MAP_FAILED);
	close(fd);
	*writer = (struct writer){
		.base = base,
		.page = page,
		.consumer = (unsigned long *)base,
		.producer = (unsigned long *)(base + page),
		.data = base + 2 * page,
	};
}

static void close_writer(struct writer *writer)
{
	munmap(writer->base, 2 * writer->page + 2 * DATA);
}

static void init_ring(struct esl_ring *ring, const struct writer *writer)
{
	esl_ring_init(ring, writer->consumer, writer->producer, writer->data, DATA);
}

/* NULL: full. */
static uint32_t *reserve(struct writer *writer, uint32_t length)
{
	unsigned long producer = *writer->producer, whole = (length + BPF_RINGBUF_HDR_SZ + 7UL) & ~7UL;
	uint32_t *header = (uint32_t *)(writer->data + (producer & (DATA - 1)));

	if (producer + whole - __atomic_load_n(writer->consumer, __ATOMIC_ACQUIRE) > DATA)
		return NULL;
	__atomic_store_n(header, length | BPF_RINGBUF_BUSY_BIT, __ATOMIC_RELAXED);
	__atomic_store_n(writer->producer, producer + whole, __ATOMIC_RELEASE);
	return header;
}

static void commit(uint32_t *header, bool discard)
{
	uint32_t length = __atomic_load_n(header, __ATOMIC_RELAXED) & ~BPF_RINGBUF_BUSY_BIT;

	__atomic_store_n(header, length | (discard ? BPF_RINGBUF_DISCARD_BIT : 0), __ATOMIC_SEQ_CST);
}

static void *bytes_of(uint32_t *header)
{
	return (uint8_t *)header + BPF_RINGBUF_HDR_SZ;
}

static void test_order(void)
{
	struct writer writer;
	struct esl_ring ring;
	const void *bytes;
	uint32_t *first, *second, length;

	open_writer(&writer);
	init_ring(&ring, &writer);
	CHECK(esl_ring_peek(&ring, &bytes, &length) == 0);

	first = reserve(&writer, 5);
	second = reserve(&writer, 100);
	memcpy(bytes_of(first), "first", 5);
	commit(second, false);
	/* The second is there, but the first comes first. */
	CHECK(esl_ring_peek(&ring, &bytes, &length) == 0);
	commit(first, false);
	CHECK(esl_ring_peek(&ring, &bytes, &length) == 1 && length == 5 && !memcmp(bytes, "first", 5));
	/* Until it is released it stays the next one, and its room isn't given back. */
	CHECK(esl_ring_peek(&ring, &bytes, &length) == 1 && length == 5);
	CHECK(*writer.consumer == 0);
	esl_ring_release(&ring);
	CHECK(*writer.consumer == 16);
	CHECK(esl_ring_peek(&ring, &bytes, &length) == 1 && length == 100);
	esl_ring_release(&ring);
	CHECK(esl_ring_peek(&ring, &bytes, &length) == 0);
	CHECK(esl_ring_producer(&ring) == ring.position);
	close_writer(&writer);
}

static void test_discarded(void)
{
	struct writer writer;
	struct esl_ring ring;
	const void *bytes;
	uint32_t *kept, length;

	open_writer(&writer);
	init_ring(&ring, &writer);
	commit(reserve(&writer, 24), true);
	CHECK(esl_ring_peek(&ring, &bytes, &length) == 0);
	CHECK(*writer.consumer == 32);
	commit(reserve(&writer, 24), true);
	kept = reserve(&writer, 7);
	commit(kept, false);
	CHECK(esl_ring_peek(&ring, &bytes, &length) == 1 && bytes == bytes_of(kept) && length == 7);
	close_writer(&writer);
}

static void test_damaged(void)
{
	struct writer writer;
	struct esl_ring ring;
	const void *bytes;
	uint32_t *header, length;

	open_writer(&writer);
	init_ring(&ring, &writer);
	header = reserve(&writer, 24);
	*header = 4000;				/* more than was reserved */
	CHECK(esl_ring_peek(&ring, &bytes, &length) == -EBADMSG);
	close_writer(&writer);
}

static void fill(uint8_t *bytes, uint32_t length, uint32_t number)
{
	for (uint32_t i = 0; i < length; i++)
		bytes[i] = (uint8_t)(number + i);
}

/* Lengths go through all that fit, so records end everywhere, also behind the end of the data area. */
static uint32_t length_of(uint32_t number)
{
	return 1 + number * 37 % 3000;
}

static void *write_records(void *argument)
{
	struct writer *writer = argument;

	for (uint32_t number = 0; number < RECORDS;) {
		uint32_t length = length_of(number);
		uint32_t *header = reserve(writer, length);

		if (!header) {
			sched_yield();
			continue;
		}
		fill(bytes_of(header), length, number);
		commit(header, number % 7 == 3);
		number++;
	}
	return NULL;
}

static void test_against_writer(void)
{
	static uint8_t expected[4096];
	struct writer writer;
	struct esl_ring ring;
	pthread_t thread;
	const void *bytes;
	uint32_t length;

	open_writer(&writer);
	init_ring(&ring, &writer);
	CHECK(pthread_create(&thread, NULL, write_records, &writer) == 0);
	for (uint32_t number = 0; number < RECORDS; number++) {
		if (number % 7 == 3)
			continue;
		while (esl_ring_peek(&ring, &bytes, &length) == 0)
			sched_yield();
		CHECK(length == length_of(number));
		fill(expected, length, number);
		CHECK(!memcmp(bytes, expected, length));
		esl_ring_release(&ring);
	}
	pthread_join(thread, NULL);
	close_writer(&writer);
}

static void test_map_refuses(void)
{
	struct esl_ring ring = {};

	CHECK(esl_ring_map(&ring, -1, 4096) == -EBADF);
	CHECK(esl_ring_map(&ring, -1, 0) == -EINVAL);
	CHECK(esl_ring_map(&ring, -1, 3 * 4096) == -EINVAL);
}

int main(void)
{
	test_order();
	test_discarded();
	test_damaged();
	test_against_writer();
	test_map_refuses();
	return 0;
}
