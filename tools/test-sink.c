/* SPDX-License-Identifier: MIT */

/* tools/sink.c: lines come out whole, once, in order, soon; a slow reader is waited for, one that has gone ends it. */

#undef NDEBUG
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "tools/sink.h"
#include "util/macro.h"

struct reader {
	unsigned long next;		/* number that the next line must have */
	size_t largest;			/* piece that was written */
	atomic_ulong bytes;
	sem_t go;			/* waited for by write_slowly() */
	sem_t wrote;
};

static int write_checked(void *context, const char *lines, size_t length)
{
	struct reader *reader = context;
	const char *end = lines + length;

	assert(length && end[-1] == '\n');
	if (length > reader->largest)
		reader->largest = length;
	for (const char *at = lines; at < end;) {
		char *stop;

		assert(strtoul(at, &stop, 10) == reader->next);
		assert(*stop == '\n');
		at = stop + 1;
		reader->next++;
	}
	atomic_fetch_add(&reader->bytes, length);
	sem_post(&reader->wrote);
	return 0;
}

static int write_slowly(void *context, const char *lines, size_t length)
{
	struct reader *reader = context;

	sem_wait(&reader->go);
	return write_checked(context, lines, length);
}

static int write_fails(void *context, const char *lines, size_t length)
{
	(void)context;
	(void)lines;
	(void)length;
	return -EPIPE;
}

static bool put(struct sink *sink, unsigned long number)
{
	struct json *json = sink_begin(sink);

	if (!json)
		return false;
	json_unsigned(json, number);
	json_line(json);
	sink_end(sink);
	return true;
}

static void reader_init(struct reader *reader)
{
	*reader = (struct reader){};
	sem_init(&reader->go, 0, 0);
	sem_init(&reader->wrote, 0, 0);
}

static void test_order(int event_fd)
{
	struct reader reader;
	struct sink *sink;

	reader_init(&reader);
	assert(!sink_new(&sink, write_checked, &reader, event_fd));
	for (unsigned long i = 0; i < 300000; i++)
		assert(put(sink, i));
	assert(!sink_free(sink));
	assert(reader.next == 300000);
}

/* A single line is written without another one having to follow. */
static void test_soon(int event_fd)
{
	struct reader reader;
	struct sink *sink;

	reader_init(&reader);
	assert(!sink_new(&sink, write_checked, &reader, event_fd));
	for (unsigned long i = 0; i < 3; i++) {
		assert(put(sink, i));
		sem_wait(&reader.wrote);
		assert(reader.next == i + 1);
	}
	assert(!sink_free(sink));
}

struct maker {
	struct sink *sink;
	atomic_ulong made;
};

static void *make_lines(void *context)
{
	struct maker *maker = context;

	while (put(maker->sink, maker->made))
		maker->made++;
	return NULL;
}

/* Waits until the maker doesn't get on any more. */
static unsigned long wait_stuck(struct maker *maker)
{
	unsigned long made, before = 0;

	for (;;) {
		usleep(100 * 1000);
		made = maker->made;
		if (made && made == before)
			return made;
		before = made;
	}
}

/* Memory is bounded: the maker waits, goes on when the reader does, and sink_close() ends its waiting. */
static void test_slow_reader(int event_fd)
{
	struct reader reader;
	struct maker maker = {};
	unsigned long stuck;
	pthread_t thread;

	reader_init(&reader);
	assert(!sink_new(&maker.sink, write_slowly, &reader, event_fd));
	assert(!pthread_create(&thread, NULL, make_lines, &maker));

	stuck = wait_stuck(&maker);
	assert(!reader.next);
	sem_post(&reader.go);
	while (maker.made == stuck)
		usleep(1000);
	wait_stuck(&maker);

	sink_close(maker.sink);
	pthread_join(thread, NULL);
	for (int i = 0; i < 10; i++)
		sem_post(&reader.go);
	assert(!sink_free(maker.sink));
	assert(reader.next == maker.made);
	assert(reader.largest < 16 * 1024 * 1024);
}

static void test_gone_reader(int event_fd)
{
	struct sink *sink;
	eventfd_t value;

	assert(!sink_new(&sink, write_fails, NULL, event_fd));
	assert(put(sink, 0));
	assert(!eventfd_read(event_fd, &value) && value == 1);
	assert(!put(sink, 1));
	assert(sink_free(sink) == -EPIPE);
}

int main(void)
{
	int event_fd = eventfd(0, EFD_CLOEXEC);

	assert(event_fd >= 0);
	test_order(event_fd);
	test_soon(event_fd);
	test_slow_reader(event_fd);
	test_gone_reader(event_fd);
	close(event_fd);
	return 0;
}
