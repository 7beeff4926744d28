/* SPDX-License-Identifier: MIT */

#include "tools/sink.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>

#include "util/macro.h"

enum {
	SINK_FULL = 8 * 1024 * 1024,	/* if so much is unwritten, the maker waits */
	SINK_PIECE = 64 * 1024,		/* enough for a write */
	SINK_GATHER_NS = 5 * 1000 * 1000,	/* how long to wait for more if there is less than that */
};

struct sink {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t filled;		/* for the writer: the first line, or a whole piece, or the end */
	pthread_cond_t room;		/* for the maker */
	struct json front;		/* being filled; under the lock */
	size_t pending;			/* length of the front when the last line ended */
	struct json back;		/* being written; the writer's own */
	bool closed;			/* no more lines are taken */
	bool ending;			/* the writer ends when the front is empty */
	int error;			/* why writing failed */
	sink_write_t write;
	void *context;
	int event_fd;
};

static void sink_failed(struct sink *sink, int error)
{
	pthread_mutex_lock(&sink->lock);
	sink->error = error;
	sink->closed = true;
	pthread_cond_broadcast(&sink->room);
	pthread_mutex_unlock(&sink->lock);
	eventfd_write(sink->event_fd, 1);
}

/* Under the lock. Waits for a line, and then a moment for a whole piece. */
static void wait_filled(struct sink *sink)
{
	struct timespec until;

	while (!sink->front.length && !sink->front.failed && !sink->ending)
		pthread_cond_wait(&sink->filled, &sink->lock);

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += SINK_GATHER_NS;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	while (sink->front.length < SINK_PIECE && !sink->ending)
		if (pthread_cond_timedwait(&sink->filled, &sink->lock, &until) == ETIMEDOUT)
			break;
}

/* Moves the front buffer's content to the back buffer; false: there is none, and none will come. */
static bool sink_take(struct sink *sink)
{
	struct json taken;
	bool some;

	pthread_mutex_lock(&sink->lock);
	wait_filled(sink);
	taken = sink->front;
	sink->front = sink->back;
	sink->front.length = 0;
	sink->pending = 0;
	sink->back = taken;
	some = taken.length || taken.failed;
	pthread_cond_signal(&sink->room);
	pthread_mutex_unlock(&sink->lock);
	return some;
}

static void *sink_run(void *context)
{
	struct sink *sink = context;

	while (sink_take(sink)) {
		int r = sink->back.failed ? -ENOMEM : sink->write(sink->context, sink->back.data, sink->back.length);

		if (r < 0) {
			sink_failed(sink, r);
			break;
		}
	}
	return NULL;
}

int sink_new(struct sink **ret_sink, sink_write_t write, void *context, int event_fd)
{
	_cleanup_free_ struct sink *sink = calloc(1, sizeof(*sink));
	pthread_condattr_t monotonic;
	int r;

	if (!sink)
		return -ENOMEM;
	sink->write = write;
	sink->context = context;
	sink->event_fd = event_fd;
	pthread_mutex_init(&sink->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&sink->filled, &monotonic);
	pthread_cond_init(&sink->room, NULL);

	r = pthread_create(&sink->thread, NULL, sink_run, sink);
	if (r)
		return -r;
	*ret_sink = TAKE_POINTER(sink);
	return 0;
}

int sink_free(struct sink *sink)
{
	int r;

	pthread_mutex_lock(&sink->lock);
	sink->closed = true;
	sink->ending = true;
	pthread_cond_broadcast(&sink->filled);
	pthread_cond_broadcast(&sink->room);
	pthread_mutex_unlock(&sink->lock);
	pthread_join(sink->thread, NULL);

	r = sink->error;
	json_deinit(&sink->front);
	json_deinit(&sink->back);
	pthread_cond_destroy(&sink->filled);
	pthread_cond_destroy(&sink->room);
	pthread_mutex_destroy(&sink->lock);
	free(sink);
	return r;
}

struct json *sink_begin(struct sink *sink)
{
	pthread_mutex_lock(&sink->lock);
	while (sink->front.length >= SINK_FULL && !sink->closed)
		pthread_cond_wait(&sink->room, &sink->lock);
	if (!sink->closed)
		return &sink->front;
	pthread_mutex_unlock(&sink->lock);
	return NULL;
}

/* Wakes the writer only for the first line and for a whole piece: otherwise it is writing or waiting for more. */
void sink_end(struct sink *sink)
{
	if (!sink->pending || sink->front.failed || (sink->pending < SINK_PIECE && sink->front.length >= SINK_PIECE))
		pthread_cond_signal(&sink->filled);
	sink->pending = sink->front.length;
	pthread_mutex_unlock(&sink->lock);
}

void sink_close(struct sink *sink)
{
	pthread_mutex_lock(&sink->lock);
	sink->closed = true;
	pthread_cond_broadcast(&sink->room);
	pthread_mutex_unlock(&sink->lock);
}
