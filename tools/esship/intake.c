/* SPDX-License-Identifier: MIT */
#include "tools/esship/intake.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tools/event-put.h"
#include "tools/esship/control.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/macro.h"

enum {
	BLOCK_FULL = 256 * 1024,	/* enough for a write */
	BLOCK_MOST = 1024 * 1024,	/* limit of waiting lines, */
	BLOCK_MOST_DECISIONS = 8 * 1024 * 1024,	/* and of further decisions */
	RESERVE_OF_SIZE = 8,		/* this part of the spool is reserved for decisions, */
	CONTROL_OF_SIZE = 16,		/* and this part for lines that say what is missing */
	PATIENCE_MS = 2000,		/* how long a message waits for the writer before it and later ones are dropped */
	RETRY_MS = 1000,		/* after a failed write */
	REPORT_MS = 5000,		/* how often to report while all messages are dropped */
	END_TRIES = 3,
};

/* Lines to be written, and the ledger's block with their counts. */
struct block {
	struct json json;
	uint64_t first, last;
	uint32_t lines;
	struct ledger_block *ledger;
};

struct intake {
	struct intake_options options;
	struct spool *spool;
	struct ledger *ledger;
	struct event_host host;

	pthread_t thread;
	bool has_thread;
	pthread_mutex_t lock;
	pthread_cond_t filled;		/* for the writer */
	pthread_cond_t room;		/* for the maker */
	struct block front;		/* under the lock */
	struct block back;		/* the writer's; empty: it is writing nothing */
	bool back_busy;			/* under the lock */
	bool failing;			/* the last write failed */
	uint64_t lost;			/* by the kernel's ring, and not reported yet */
	bool late;			/* a message has waited in vain; no other waits until the writer takes a block */
	bool ending;
	bool ended;			/* the writer has ended */
	struct intake_counts counts;
	struct log_limit limit;
};

/* --- lines; under the lock --- */

static uint64_t next_number(struct intake *intake)
{
	return ++intake->host.number;
}

static void line_made(struct intake *intake, unsigned int name)
{
	struct block *block = &intake->front;
	uint64_t number = intake->host.number;

	if (!block->first)
		block->first = number;
	block->last = number;
	block->lines++;
	ledger_count(&block->ledger->lines, name, number);
}

static void make_control(struct intake *intake, const struct control *control)
{
	next_number(intake);
	control_line(&intake->front.json, intake->options.formatter->name, &intake->host, control);
	line_made(intake, LEDGER_OWN);
}

/* JSON has the stream's members at the end of the line; the other formats have them inside. */
static void put_stream_behind(struct json *json, const struct event_host *host)
{
	if (json->failed)
		return;
	json->length -= strlen("}\n");
	json_literal(json, ",");
	KEY_OPEN("esship"), event_put_stream(json, host), CLOSE();
	json_close(json, '}');
	json_line(json);
}

static void make_event(struct intake *intake, const es_message_t *message)
{
	struct json *json = &intake->front.json;
	size_t before = json->length;

	next_number(intake);
	if (message->event_type == ES_EVENT_TYPE_NOTIFY_EXEC)
		intake->host.cut = event_exec_cut(&message->event.exec);
	intake->options.formatter->put(json, message, &intake->host);
	if (json->length == before) {		/* this format lacks the type */
		ledger_count(&intake->front.ledger->dropped, (unsigned int)message->event_type, intake->host.number);
		return;
	}
	if (!strcmp(intake->options.formatter->name, "json"))
		put_stream_behind(json, &intake->host);
	intake->host.cut = 0;
	line_made(intake, (unsigned int)message->event_type);
}

/* --- room --- */

static bool is_decision(const es_message_t *message)
{
	return message->action_type == ES_ACTION_TYPE_AUTH || event_is_denied(message);
}

/* The size to which the spool may be filled. */
static uint64_t room_for(const struct intake *intake, bool decision)
{
	uint64_t size = intake->options.spool_size;

	return size - size / (decision ? CONTROL_OF_SIZE : RESERVE_OF_SIZE);
}

/* Would the message fit? Unwritten lines count as a quarter of their size, since most compress better than that. */
static bool has_room(struct intake *intake, bool decision)
{
	uint64_t pending = intake->front.json.length + intake->back.json.length;
	uint64_t used = spool_bytes(intake->spool) + (intake->failing ? 0 : pending / 4);

	if (intake->front.json.length >= (size_t)BLOCK_MOST + (decision ? BLOCK_MOST_DECISIONS : 0))
		return false;
	return used < room_for(intake, decision);
}

/* May the writer make room by catching up? For a decision, also if only unwritten lines take the room. */
static bool may_get_room(struct intake *intake, bool decision)
{
	if (intake->failing || intake->late || intake->ending)
		return false;
	return intake->front.json.length >= BLOCK_MOST ||
	       (decision && spool_bytes(intake->spool) < room_for(intake, decision));
}

static void until(struct timespec *ret, unsigned int ms)
{
	clock_gettime(CLOCK_MONOTONIC, ret);
	ret->tv_sec += ms / 1000;
	ret->tv_nsec += (long)(ms % 1000) * 1000000;
	if (ret->tv_nsec >= 1000000000) {
		ret->tv_nsec -= 1000000000;
		ret->tv_sec++;
	}
}

/* Waits a little for a slow writer. Meanwhile, new events wait in the kernel's ring. */
static bool wait_for_room(struct intake *intake, bool decision)
{
	struct timespec end;

	if (has_room(intake, decision))
		return true;
	until(&end, PATIENCE_MS);
	while (may_get_room(intake, decision) && !has_room(intake, decision))
		if (pthread_cond_timedwait(&intake->room, &intake->lock, &end) == ETIMEDOUT)
			intake->late = true;
	return has_room(intake, decision);
}

static void drop(struct intake *intake, const es_message_t *message, bool decision)
{
	next_number(intake);
	ledger_count(&intake->front.ledger->dropped, (unsigned int)message->event_type, intake->host.number);
	intake->counts.dropped++;
	intake->counts.dropped_decisions += decision;
	log_limited(&intake->limit, LOG_LEVEL_WARNING, "no room: events are dropped, and counted");
}

void intake_message(struct intake *intake, const es_message_t *message)
{
	bool decision = is_decision(message);

	pthread_mutex_lock(&intake->lock);
	if (wait_for_room(intake, decision))
		make_event(intake, message);
	else
		drop(intake, message, decision);
	intake->counts.received++;
	if (intake->front.lines <= 1 || intake->front.json.length >= BLOCK_FULL)
		pthread_cond_signal(&intake->filled);
	pthread_mutex_unlock(&intake->lock);
}

/* Without room, several losses become one line at the end of the block. */
static void say_lost(struct intake *intake)
{
	if (intake->lost)
		make_control(intake, &(struct control){ .kind = CONTROL_LOST, .count = intake->lost });
	intake->lost = 0;
}

void intake_lost(struct intake *intake, uint64_t count)
{
	pthread_mutex_lock(&intake->lock);
	intake->counts.lost += count;
	intake->lost += count;
	if (has_room(intake, true))
		say_lost(intake);
	pthread_mutex_unlock(&intake->lock);
}

/* --- writing --- */

/* Under the lock. The block's last line says what was dropped while it was filled. */
static void seal(struct intake *intake)
{
	struct ledger_block *ledger = intake->front.ledger;
	struct control control = { .kind = CONTROL_DROPPED, .why = "full", .client = intake->host.client,
				   .counts = &ledger->dropped };

	say_lost(intake);
	if (!ledger_total(&ledger->dropped))
		return;
	make_control(intake, &control);
	ledger->reported_by = intake->host.number;
}

/* Under the lock. Waits for a block; false: there is none, and none will come. */
static bool take_block(struct intake *intake)
{
	struct timespec end;
	struct block taken;

	while (!intake->front.lines && !ledger_total(&intake->front.ledger->dropped) && !intake->ending)
		pthread_cond_wait(&intake->filled, &intake->lock);
	until(&end, REPORT_MS);
	while (!intake->front.lines && !intake->ending && !has_room(intake, false))
		if (pthread_cond_timedwait(&intake->filled, &intake->lock, &end) == ETIMEDOUT)
			break;
	until(&end, intake->options.flush_ms);
	while (intake->front.json.length < BLOCK_FULL && !intake->ending)
		if (pthread_cond_timedwait(&intake->filled, &intake->lock, &end) == ETIMEDOUT)
			break;
	seal(intake);
	if (!intake->front.lines)
		return false;
	taken = intake->front;
	intake->front = intake->back;
	intake->back = taken;
	intake->back_busy = true;
	intake->late = false;
	pthread_cond_broadcast(&intake->room);
	return true;
}

/* Under the lock. The block is in the spool, or was given up. */
static void block_done(struct intake *intake)
{
	struct block *block = &intake->back;

	ledger_clear(block->ledger);
	block->json.length = 0;
	block->first = block->last = block->lines = 0;
	intake->back_busy = false;
	pthread_cond_broadcast(&intake->room);
}

/* Under the lock. Drops a block that will never fit, so that later ones can go on. The next one reports that. */
static void give_up(struct intake *intake)
{
	struct block *block = &intake->back;
	uint64_t count = ledger_total(&block->ledger->lines);

	log_error("%" PRIu64 " lines are larger than the spool, or no memory is left for them: they are dropped, and counted", count);
	ledger_add(&intake->front.ledger->dropped, &block->ledger->lines);
	ledger_add(&intake->front.ledger->dropped, &block->ledger->dropped);
	intake->counts.dropped += count;
	if (block->json.failed) {
		json_deinit(&block->json);
		block->json = (struct json){};
	}
	block_done(intake);
}

/* Under the lock, which it releases while writing. */
static int write_block(struct intake *intake)
{
	struct block *block = &intake->back;
	int r;

	pthread_mutex_unlock(&intake->lock);
	r = block->json.failed ? -ENOMEM : spool_append(intake->spool, block->json.data, block->json.length, block->lines,
							block->first, block->last);
	pthread_mutex_lock(&intake->lock);
	if (r == -EFBIG || block->json.failed) {
		give_up(intake);
		return 0;
	}
	if (r < 0) {
		if (!intake->failing)
			log_error("the spool can't be written: %s; it is tried again", strerror(-r));
		intake->failing = true;
		intake->counts.failures++;
		pthread_cond_broadcast(&intake->room);
		return r;
	}
	if (intake->failing)
		log_notice("the spool can be written again");
	intake->failing = false;
	intake->counts.written += block->lines;
	intake->counts.blocks++;
	block_done(intake);
	return 0;
}

static void wait_retry(struct intake *intake)
{
	struct timespec end;

	until(&end, intake->ending ? RETRY_MS / 10 : RETRY_MS);
	while (pthread_cond_timedwait(&intake->filled, &intake->lock, &end) != ETIMEDOUT)
		;
}

static void *run(void *context)
{
	struct intake *intake = context;
	int tries = 0;

	pthread_mutex_lock(&intake->lock);
	while (take_block(intake)) {
		while (write_block(intake) < 0 && !(intake->ending && ++tries >= END_TRIES))
			wait_retry(intake);
		if (intake->back_busy)
			break;
	}
	intake->ended = true;
	pthread_mutex_unlock(&intake->lock);
	return NULL;
}

bool intake_end(struct intake *intake)
{
	bool all;

	pthread_mutex_lock(&intake->lock);
	say_lost(intake);
	make_control(intake, &(struct control){ .kind = CONTROL_ENDED });
	intake->ending = true;
	pthread_cond_broadcast(&intake->filled);
	pthread_cond_broadcast(&intake->room);
	pthread_mutex_unlock(&intake->lock);
	if (intake->has_thread)
		pthread_join(intake->thread, NULL);
	intake->has_thread = false;
	all = !intake->back_busy && !intake->front.lines;
	if (all)
		intake->ledger->page->ended = 1;
	return all;
}

/* --- the beginning --- */

void intake_client_text(char ret[40], const uint8_t client[SEGMENT_CLIENT_BYTES])
{
	char *at = ret;

	for (size_t i = 0; i < SEGMENT_CLIENT_BYTES; i++)
		at += sprintf(at, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", client[i]);
}

/* Writes a line of the beginning, which is in no block. */
static void begin_line(struct intake *intake, const struct control *control)
{
	next_number(intake);
	control_line(&intake->front.json, intake->options.formatter->name, &intake->host, control);
	intake->front.lines++;
}

/* Writes the first lines: the previous client, its last number in the spool, and what is missing of it. */
static int begin(struct intake *intake, const uint8_t client[SEGMENT_CLIENT_BYTES])
{
	const struct ledger_page *before = &intake->ledger->before;
	struct control started = { .kind = CONTROL_STARTED, .ended = before->ended };
	struct json *json = &intake->front.json;
	struct ledger_counts lines, dropped;
	char was[40] = "";
	int r;

	started.client = was;
	if (before->size) {
		intake_client_text(was, before->client);
		started.last = spool_last_of(intake->spool, before->client);
	}
	begin_line(intake, &started);
	ledger_lost(intake->ledger, started.last, &lines, &dropped);
	if (ledger_total(&dropped))
		begin_line(intake, &(struct control){ .kind = CONTROL_DROPPED, .why = "full", .client = was,
						      .counts = &dropped });
	if (ledger_total(&lines))
		begin_line(intake, &(struct control){ .kind = CONTROL_DROPPED, .why = "killed", .client = was,
						      .counts = &lines });
	r = json->failed ? -ENOMEM :
	    spool_append(intake->spool, json->data, json->length, intake->front.lines, 1, intake->host.number);
	if (r < 0)
		return r;
	ledger_begin(intake->ledger, client);
	intake->counts.written = intake->front.lines;
	intake->front.lines = 0;
	json->length = 0;
	return 0;
}

int intake_new(struct intake **ret, const struct intake_options *options, struct spool *spool, struct ledger *ledger,
	       const uint8_t client[SEGMENT_CLIENT_BYTES], const struct event_host *host)
{
	struct intake *intake = calloc(1, sizeof(*intake));
	pthread_condattr_t monotonic;
	int r;

	if (!intake)
		return -ENOMEM;
	intake->options = *options;
	intake->spool = spool;
	intake->ledger = ledger;
	intake->host = *host;
	intake->front.ledger = &ledger->page->block[0];
	intake->back.ledger = &ledger->page->block[1];
	pthread_mutex_init(&intake->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&intake->filled, &monotonic);
	pthread_cond_init(&intake->room, &monotonic);
	r = begin(intake, client);
	if (r == 0)
		r = -pthread_create(&intake->thread, NULL, run, intake);
	intake->has_thread = r == 0;
	if (r < 0)
		intake_free(intake);
	else
		*ret = intake;
	return r;
}

void intake_free(struct intake *intake)
{
	json_deinit(&intake->front.json);
	json_deinit(&intake->back.json);
	pthread_cond_destroy(&intake->filled);
	pthread_cond_destroy(&intake->room);
	pthread_mutex_destroy(&intake->lock);
	free(intake);
}

void intake_counts(struct intake *intake, struct intake_counts *ret)
{
	pthread_mutex_lock(&intake->lock);
	*ret = intake->counts;
	pthread_mutex_unlock(&intake->lock);
}
