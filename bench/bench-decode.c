/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/message.h"
#include "lib/ring.h"
#include "lib/test-record.h"
#include "lib/test.h"

/*
 * Decoding on one core: records are in a ring as the kernel leaves them. For each it does what the handler's thread does,
 * except the call of the handler: peek, copy, release, decode. "Bare" only copies the same bytes.
 *
 *	bench-decode [SECONDS]		a line for each kind of record
 */

enum { RING_BYTES = 1 << 22 };

static struct test_record record;
static uint8_t *ring_bytes;
static unsigned long positions[2];		/* the consumer's and the producer's */

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/* Arguments and environment as an ordinary shell command has them. */
static void make_exec(void)
{
	static char args[] = "/usr/bin/gcc\0-O2\0-Wall\0-Iinclude\0-c\0src/module.c\0-o\0build/module.o";
	static char env[2000];

	for (size_t i = 0; i < sizeof(env); i++)
		env[i] = i % 50 == 49 ? '\0' : 'e';
	test_record_full(&record, ES_EVENT_TYPE_NOTIFY_EXEC);
	record.head.args = test_record_bytes(&record, args, sizeof(args));
	record.head.env = test_record_bytes(&record, env, sizeof(env));
}

static void make_open(void)
{
	test_record_begin(&record, ES_EVENT_TYPE_NOTIFY_OPEN);
	record.head.num[0] = FREAD;
	record.head.file[0] = test_record_file(&record, "/usr/lib/x86_64-linux-gnu/libc.so.6", 1);
}

static unsigned long fill_ring(void)
{
	uint32_t size = record.head.size, whole = (size + 15) & ~7u;
	unsigned long position = 0, count = 0;

	for (; position + whole <= RING_BYTES; position += whole, count++) {
		memcpy(ring_bytes + position, &size, sizeof(size));
		memcpy(ring_bytes + position + 8, record.bytes, size);
	}
	positions[1] = position;
	return count;
}

static void decode_ring(struct esl_message **message, struct esl_clock *clock, bool use_args)
{
	struct esl_ring ring;
	const void *bytes;
	uint32_t length;

	positions[0] = 0;
	esl_ring_init(&ring, &positions[0], &positions[1], ring_bytes, RING_BYTES);
	while (esl_ring_peek(&ring, &bytes, &length) > 0) {
		CHECK(esl_message_copy(message, bytes, length) == 0);
		esl_ring_release(&ring);
		CHECK(esl_message_decode(*message, clock) == 0);
		if (use_args)
			CHECK(es_exec_arg(&(*message)->message.event.exec, 0).length);
	}
}

static double copy_ring(unsigned long count, double seconds)
{
	static uint8_t target[sizeof(record.bytes)];
	uint32_t whole = (record.head.size + 15) & ~7u;
	double start = now(), spent;
	unsigned long done = 0;

	do {
		for (unsigned long i = 0; i < count; i++) {
			memcpy(target, ring_bytes + i * whole + 8, record.head.size);
			__asm__ volatile("" : : "r"(target) : "memory");
		}
		done += count;
	} while ((spent = now() - start) < seconds);
	return spent * 1e9 / (double)done;
}

static void measure(const char *name, double seconds, bool use_args)
{
	struct esl_message *message = NULL;
	struct esl_clock clock = {};
	unsigned long count = fill_ring(), done = 0;
	double bare = copy_ring(count, seconds / 4), start = now(), spent, ns;

	do {
		decode_ring(&message, &clock, use_args);
		done += count;
	} while ((spent = now() - start) < seconds);
	esl_message_put(message);

	ns = spent * 1e9 / (double)done;
	printf("%-24s %6u bytes  %8.1f ns/record  %12.0f records/s  (bare copy %.1f ns)\n", name, record.head.size, ns,
	       1e9 / ns, bare);
}

int main(int argc, char **argv)
{
	double seconds = argc > 1 ? atof(argv[1]) : 1;

	ring_bytes = calloc(2, RING_BYTES);
	CHECK(ring_bytes && seconds > 0);
	make_open();
	measure("decode open", seconds, false);
	make_exec();
	measure("decode exec", seconds, false);
	measure("decode exec, arguments", seconds, true);
	free(ring_bytes);
	return 0;
}
