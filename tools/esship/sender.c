/* SPDX-License-Identifier: MIT */
#include "tools/esship/sender.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/poll.h>
#include <sys/random.h>
#include <unistd.h>

#include "tools/esship/intake.h"
#include "util/log.h"

enum {
	IDLE_MS = 1000,
	RETRY_FIRST_MS = 100,
	RETRY_SPREAD = 4,		/* a wait is up to this part longer, so that many hosts don't retry at once */
};

struct sender {
	const struct sink_config *config;
	const struct sink_kind *kind;
	struct spool *spool;
	struct spool_reader *reader;
	void *sink;
	struct sink_stop stop;
	atomic_bool finishing;
	atomic_bool done;
	pthread_t thread;
	bool has_thread;
	pthread_mutex_t lock;
	struct sender_counts counts;
	struct log_limit limit;
};

int sender_new(struct sender **ret, const struct sink_config *config, struct spool *spool)
{
	struct sender *sender = calloc(1, sizeof(*sender));
	int r;

	if (!sender)
		return -ENOMEM;
	sender->config = config;
	sender->kind = sink_find(config->type);
	sender->spool = spool;
	pthread_mutex_init(&sender->lock, NULL);
	sender->stop.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = sender->stop.fd < 0 ? -errno : sender->kind->new(&sender->sink, config, &sender->stop);
	if (r == 0)
		r = spool_reader_new(&sender->reader, spool, config->name);
	if (r < 0)
		sender_free(sender);
	else
		*ret = sender;
	return r;
}

void sender_free(struct sender *sender)
{
	if (sender->has_thread)
		pthread_join(sender->thread, NULL);
	if (sender->sink)
		sender->kind->free(sender->sink);
	if (sender->stop.fd >= 0)
		close(sender->stop.fd);
	pthread_mutex_destroy(&sender->lock);
	free(sender);
}

/* --- the thread --- */

static void count_sent(struct sender *sender, const struct sink_batch *batch)
{
	pthread_mutex_lock(&sender->lock);
	if (sender->counts.failing)
		log_notice("%s: it goes on", sender->config->name);
	sender->counts.failing = false;
	sender->counts.lines += batch->count;
	sender->counts.bytes += batch->length;
	sender->counts.batches++;
	if (sender->kind->refused)
		sender->counts.refused = sender->kind->refused(sender->sink);
	pthread_mutex_unlock(&sender->lock);
}

static void count_failed(struct sender *sender, const char *problem)
{
	pthread_mutex_lock(&sender->lock);
	if (!sender->counts.failing && !atomic_load(&sender->stop.now))
		log_warning("%s: %s; it is tried again, and events wait in the spool", sender->config->name, problem);
	sender->counts.failing = true;
	sender->counts.failures++;
	pthread_mutex_unlock(&sender->lock);
}

/* Differs between hosts even if all start at once. */
static unsigned int spread(unsigned int most)
{
	unsigned int random = 0;

	(void)!getrandom(&random, sizeof(random), GRND_NONBLOCK);
	return most ? random % most : 0;
}

/* Sleeps, until the sender must end. */
static void rest(struct sender *sender, unsigned int ms)
{
	struct pollfd stop = { .fd = sender->stop.fd, .events = POLLIN };

	poll(&stop, 1, (int)(ms + spread(ms / RETRY_SPREAD)));
}

/* Sends the batch until it is acknowledged; false: the sender must end before that. */
static bool send_batch(struct sender *sender, const struct sink_batch *batch)
{
	unsigned int wait_ms = RETRY_FIRST_MS;

	while (!atomic_load(&sender->stop.now)) {
		char problem[SINK_PROBLEM_BYTES] = "";
		int r = sender->kind->send(sender->sink, batch, problem);

		if (r == 0) {
			count_sent(sender, batch);
			return true;
		}
		count_failed(sender, problem);
		rest(sender, r > 0 ? (unsigned int)r : wait_ms);
		wait_ms = wait_ms * 2 < sender->config->retry_ms ? wait_ms * 2 : sender->config->retry_ms;
	}
	return false;
}

/* 1: a batch was acknowledged; 0: there is none now. */
static int step(struct sender *sender)
{
	const struct segment_lines *lines;
	struct segment_frame frame;
	char client[40];
	int r = spool_reader_next(sender->reader, &frame, &lines);

	if (r <= 0)
		return r;
	intake_client_text(client, frame.client);
	if (!send_batch(sender, &(struct sink_batch){ .lines = lines->data, .length = lines->length, .count = frame.lines,
						      .first = frame.first, .last = frame.last, .client = client }))
		return 0;
	r = spool_reader_ack(sender->reader);
	if (r < 0)
		log_limited(&sender->limit, LOG_LEVEL_WARNING,
			    "%s: its acknowledgement can't be written: %s; after a restart lines come twice",
			    sender->config->name, strerror(-r));
	return 1;
}

static void *run(void *context)
{
	struct sender *sender = context;

	while (!atomic_load(&sender->stop.now)) {
		uint64_t since = spool_wakes(sender->spool);
		bool finishing = atomic_load(&sender->finishing);
		int r = step(sender);

		if (r > 0)
			continue;
		if (r < 0) {
			log_error("%s: the spool can't be read: %s", sender->config->name, strerror(-r));
			rest(sender, IDLE_MS);
		} else if (finishing) {
			break;
		} else {
			spool_wait(sender->spool, since, IDLE_MS);
		}
	}
	atomic_store(&sender->done, true);
	return NULL;
}

int sender_start(struct sender *sender)
{
	int r = pthread_create(&sender->thread, NULL, run, sender);

	sender->has_thread = r == 0;
	return -r;
}

void sender_finish(struct sender *sender)
{
	atomic_store(&sender->finishing, true);
	spool_wake(sender->spool);
}

void sender_stop(struct sender *sender)
{
	atomic_store(&sender->stop.now, true);
	eventfd_write(sender->stop.fd, 1);
	spool_wake(sender->spool);
}

bool sender_is_done(struct sender *sender)
{
	return !sender->has_thread || atomic_load(&sender->done);
}

const struct sink_config *sender_config(const struct sender *sender)
{
	return sender->config;
}

void sender_counts(struct sender *sender, struct sender_counts *ret)
{
	pthread_mutex_lock(&sender->lock);
	*ret = sender->counts;
	pthread_mutex_unlock(&sender->lock);
	ret->behind = spool_reader_behind(sender->reader);
}
