/* SPDX-License-Identifier: MIT */
#include "daemon/sensor/replay.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "daemon/sensor/event.h"
#include "daemon/sensor/replay-ring.h"
#include "daemon/sensor/replay-select.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/macro.h"

enum {
	BATCH = 512,			/* records per turn of the loop */
	QUESTIONS_MAX = ES_HELD_MAX,	/* AUTH records without an answer, at a time */
	TIDS = 4096,			/* a power of two */
	GONE_MS = 1000,			/* after so long without a subscriber, the rest is skipped */
	ROOM_US = 500,			/* how often to check a full ring */
	GATE_NODE = 2,			/* as the FUSE connection's: lib/gate-fuse.c */
};

#define NEVER UINT64_MAX

/* An operation that is held for a client. */
struct place {
	uint64_t auth_id;		/* 0: free */
	uint32_t question;		/* its index */
};

struct slot {
	struct replay *replay;
	bool used;
	struct esd_replay_select select;
	struct esd_replay_ring ring;
	struct esd_sensor_slot given;
	struct loop_source gate_source;
	int gate;			/* our end; open until the slot is reused: the client must not see it close */
	uint64_t generation;
	uint64_t delivered;
	uint64_t lost;			/* by the recording: of the types subscribed to */
	bool takes_all;			/* it is subscribed to all recorded types */
	struct place places[ES_HELD_MAX];
};

/* An AUTH record that was delivered, and waits for the answers of `left`. */
struct question {
	bool open;
	uint64_t left;			/* slots */
	uint64_t asked_ns;
	struct es_record head;
	struct esd_replay_answer answer;
};

struct replay {
	struct esd_sensor base;
	struct esd_replay_config config;
	struct loop_source timer;
	int timer_fd;
	struct slot slots[ES_CLIENTS_MAX];
	struct es_sensor_client clients[ES_CLIENTS_MAX];
	uint64_t recorded[ES_TYPE_WORDS];	/* types that the capture was made for */
	uint64_t lost[ES_EVENT_TYPES];		/* by the recording, as far as it has been read */

	/* The next record; NULL: not read yet. */
	struct esc_item next;
	uint64_t left;			/* the slots that have yet to get it */
	bool chosen;			/* `left` is valid */
	bool at_end;
	int error;

	uint64_t changed_ns;		/* when a client last sent a request */
	uint64_t first_ns;		/* time of the first record */
	struct esd_replay_stats stats;
	unsigned int questions_open;
	struct question questions[QUESTIONS_MAX];
	uint16_t waiting[TIDS];		/* threads with an open question, by the low bits of their number */
};

static struct replay *replay_of(struct esd_sensor *sensor)
{
	return container_of(sensor, struct replay, base);
}

/* ---- when to go on ---- */

static void wake_at(struct replay *replay, uint64_t ns)
{
	struct itimerspec timer = {};

	if (ns != NEVER) {
		ns = ns ? ns : 1;
		timer.it_value = (struct timespec){ .tv_sec = (time_t)(ns / NS_PER_S), .tv_nsec = (long)(ns % NS_PER_S) };
	}
	if (timerfd_settime(replay->timer_fd, TFD_TIMER_ABSTIME, &timer, NULL) < 0)
		log_error("can't set the replay's timer: %s", strerror(errno));
}

static void wake_now(struct replay *replay)
{
	wake_at(replay, 1);
}

static bool anybody_listens(const struct replay *replay)
{
	for (unsigned int i = 0; i < ES_CLIENTS_MAX; i++) {
		const uint64_t *types = replay->slots[i].select.types;

		if (replay->slots[i].used && (types[0] | types[1] | types[2]))
			return true;
	}
	return false;
}

/* A client sent a request. Before the beginning, this postpones it. */
static void changed(struct replay *replay)
{
	replay->changed_ns = clock_ns();
	if (!replay->stats.ended_ns)
		wake_now(replay);
}

/* ---- questions ---- */

static struct es_held *entry_at(struct slot *slot, uint64_t auth_id)
{
	return &slot->given.held[auth_id % ES_HELD_MAX];
}

static void entry_free(struct es_held *entry)
{
	__atomic_store_n(&entry->deadline_ns, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&entry->tid, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&entry->request, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&entry->verdict, ES_VERDICT_NONE, __ATOMIC_RELAXED);
	__atomic_store_n(&entry->auth_id, 0, __ATOMIC_SEQ_CST);
}

static void question_close(struct replay *replay, struct question *question)
{
	question->open = false;
	replay->questions_open--;
	replay->waiting[question->head.thread_id % TIDS]--;
	question->answer.record = &question->head;
	question->answer.took_ns = clock_ns() - question->asked_ns;
	replay->config.answered(replay->config.owner, &question->answer);
	wake_now(replay);
}

/* One denial denies. If nobody denied but a client left without an answer, the verdict is NONE. */
static void question_answer(struct replay *replay, struct question *question, unsigned int slot, uint32_t verdict)
{
	uint32_t *all = &question->answer.verdict;

	question->left &= ~(UINT64_C(1) << slot);
	if ((verdict & ES_VERDICT_MASK) == ES_VERDICT_DENY)
		*all = (*all & ES_VERDICT_MISSED) | ES_VERDICT_DENY;
	else if ((verdict & ES_VERDICT_MASK) == ES_VERDICT_NONE && (*all & ES_VERDICT_MASK) != ES_VERDICT_DENY)
		*all = ES_VERDICT_NONE;
	*all |= verdict & ES_VERDICT_MISSED;
	/* Don't close it while clients have yet to be asked. */
	if (!question->left && !(replay->chosen && replay->left && replay->next.number == question->answer.number))
		question_close(replay, question);
}

static struct question *question_find(struct replay *replay, uint64_t number)
{
	for (unsigned int i = 0; i < QUESTIONS_MAX; i++)
		if (replay->questions[i].open && replay->questions[i].answer.number == number)
			return &replay->questions[i];
	return NULL;
}

/* The path to show to people: as put_about() in bpf/record/ring.bpf.h. */
static void path_of(const struct es_record *record, char *path, size_t size)
{
	const struct es_file_part *file = esd_replay_file(record, record->file[0]);
	const struct es_process_part *other = esd_replay_process(record, record->other);
	const char *text = NULL;
	uint32_t length = 0;

	if ((!file || record->type == ESD_AUTH_EXEC) && other)
		file = &other->executable;
	if (file)
		text = esd_replay_text(record, file->path, &length);
	if (!text)
		length = 0;
	snprintf(path, size, "%.*s", (int)(length < size ? length : size), text ? text : "");
}

/* NULL: too many are open. */
static struct question *question_new(struct replay *replay, const struct esc_item *item)
{
	struct question *question = replay->questions;

	if (replay->questions_open == QUESTIONS_MAX)
		return NULL;
	while (question->open)
		question++;
	*question = (struct question){ .open = true, .asked_ns = clock_ns(), .head = *item->record };
	question->answer = (struct esd_replay_answer){ .number = item->number, .verdict = ES_VERDICT_ALLOW };
	path_of(item->record, question->answer.path, sizeof(question->answer.path));
	replay->questions_open++;
	replay->waiting[question->head.thread_id % TIDS]++;
	return question;
}

static bool thread_waits(const struct replay *replay, uint32_t tid)
{
	if (!replay->waiting[tid % TIDS])
		return false;
	for (unsigned int i = 0; i < QUESTIONS_MAX; i++)
		if (replay->questions[i].open && replay->questions[i].head.thread_id == tid)
			return true;
	return false;
}

/* ---- the gate ---- */

/* Sends the request of a waiting thread, as a FUSE connection would. False: the client must read others first. */
static bool gate_ask(struct slot *slot, uint64_t auth_id, uint32_t tid)
{
	static const char name[] = "user.es";
	struct {
		struct fuse_in_header header;
		struct fuse_getxattr_in in;
		char name[sizeof(name)];
	} request = {
		.header = { .len = sizeof(request), .opcode = FUSE_GETXATTR, .unique = auth_id, .nodeid = GATE_NODE, .pid = tid },
		.in = { .size = 64 },
	};

	memcpy(request.name, name, sizeof(name));
	return send(slot->gate, &request, sizeof(request), MSG_DONTWAIT | MSG_NOSIGNAL) == sizeof(request);
}

static void gate_answered(struct slot *slot, uint64_t auth_id)
{
	struct place *place = &slot->places[auth_id % ES_HELD_MAX];
	struct es_held *entry = entry_at(slot, auth_id);
	uint32_t word = __atomic_load_n(&entry->verdict, __ATOMIC_ACQUIRE);
	struct replay *replay = slot->replay;

	if (!auth_id || place->auth_id != auth_id)
		return;
	if (!(word & ES_VERDICT_MASK)) {	/* woken without an answer: wait again */
		(void)gate_ask(slot, auth_id, entry->tid);
		return;
	}
	place->auth_id = 0;
	entry_free(entry);
	question_answer(replay, &replay->questions[place->question], (unsigned int)(slot - replay->slots), word);
}

static int gate_ready(struct loop_source *source, uint32_t events)
{
	struct slot *slot = container_of(source, struct slot, gate_source);
	struct {
		struct fuse_out_header header;
		char data[64];
	} reply;

	(void)events;
	for (int i = 0; i < BATCH && slot->used; i++) {
		ssize_t n = recv(slot->gate, &reply, sizeof(reply), MSG_DONTWAIT);

		if (n < (ssize_t)sizeof(reply.header)) {
			if (n == 0)
				loop_remove(slot->replay->config.loop, source);
			return 0;
		}
		gate_answered(slot, reply.header.unique);
	}
	return 0;
}

/* ---- delivering ---- */

static void put_lost(const struct replay *replay, const struct slot *slot, struct es_record *record)
{
	if (!slot->takes_all)		/* else the record's own count is right: it is for all recorded types */
		record->lost_all = slot->lost;
	record->lost_type = replay->lost[record->type];
}

/* False: there is no room now. */
static bool put_notify(struct replay *replay, struct slot *slot, const struct es_record *record)
{
	struct es_record *to = esd_replay_ring_reserve(&slot->ring, record->size);

	if (!to)
		return false;
	memcpy(to, record, record->size);
	put_lost(replay, slot, to);
	esd_replay_ring_commit(&slot->ring, record->size);
	slot->delivered++;
	return true;
}

/* 0: no entry is free. */
static uint64_t entry_claim(struct slot *slot, uint32_t tid)
{
	for (uint32_t step = 0; step < ES_HELD_MAX; step++) {
		uint32_t index = (tid + step) % ES_HELD_MAX;

		if (!slot->places[index].auth_id)
			return ++slot->generation * ES_HELD_MAX + index;
	}
	return 0;
}

static void entry_fill(struct es_held *entry, uint64_t generation, const struct es_record *record,
		       const struct question *question, uint64_t deadline_ns)
{
	const struct es_process_part *process = esd_replay_process(record, record->process);

	__atomic_store_n(&entry->verdict, ES_VERDICT_MARK(generation), __ATOMIC_RELAXED);
	__atomic_store_n(&entry->request, 0, __ATOMIC_RELAXED);
	entry->type = record->type;
	entry->flags = 0;
	entry->tgid = process ? process->token.pid : 0;
	memcpy(entry->path, question->answer.path, sizeof(entry->path));
	__atomic_store_n(&entry->tid, record->thread_id, __ATOMIC_RELAXED);
	__atomic_store_n(&entry->deadline_ns, deadline_ns, __ATOMIC_RELEASE);
}

/* Makes the entry, then the request at the gate, then the record: in the same order as the kernel programs. */
static bool put_auth(struct replay *replay, struct slot *slot, const struct es_record *record, struct question *question)
{
	unsigned int number = (unsigned int)(slot - replay->slots);
	uint64_t deadline_ns = clock_ns() + replay->clients[number].deadline_ms[record->type] * NS_PER_MS;
	struct es_record *to = esd_replay_ring_reserve(&slot->ring, record->size);
	uint64_t id = to ? entry_claim(slot, record->thread_id) : 0;
	struct es_held *entry;

	if (!id)
		return false;
	entry = entry_at(slot, id);
	entry_fill(entry, slot->generation, record, question, deadline_ns);
	__atomic_store_n(&entry->auth_id, id, __ATOMIC_SEQ_CST);
	if (!gate_ask(slot, id, record->thread_id)) {
		entry_free(entry);
		return false;
	}
	slot->places[id % ES_HELD_MAX] = (struct place){ .auth_id = id,
							 .question = (uint32_t)(question - replay->questions) };
	memcpy(to, record, record->size);
	put_lost(replay, slot, to);
	to->auth_id = id;
	to->deadline_ns = deadline_ns;
	__atomic_fetch_add(&replay->clients[number].asked, 1, __ATOMIC_RELAXED);
	question->left |= UINT64_C(1) << number;
	question->answer.clients++;
	esd_replay_ring_commit(&slot->ring, record->size);
	slot->delivered++;
	return true;
}

static uint64_t slots_for(const struct replay *replay, const struct es_record *record)
{
	uint64_t slots = 0;

	for (unsigned int i = 0; i < ES_CLIENTS_MAX; i++) {
		const struct slot *slot = &replay->slots[i];

		if (slot->used && esd_replay_selects(&slot->select, record) &&
		    esd_replay_ring_fits(&slot->ring, record->size))
			slots |= UINT64_C(1) << i;
	}
	return slots;
}

/* Delivers to all that are left. False: a client must make room first. */
static bool deliver_to_left(struct replay *replay)
{
	const struct es_record *record = replay->next.record;
	bool auth = record->flags & ES_RECORD_AUTH;
	struct question *question = NULL;

	if (auth)
		question = question_find(replay, replay->next.number);
	if (auth && !question && replay->left) {
		question = question_new(replay, &replay->next);
		if (!question)
			return false;
	}
	while (replay->left) {
		struct slot *slot = &replay->slots[__builtin_ctzll(replay->left)];

		if (auth ? !put_auth(replay, slot, record, question) : !put_notify(replay, slot, record))
			return false;
		replay->stats.delivered++;
		replay->left &= replay->left - 1;
	}
	if (question && !question->left)	/* all answered or left before the last one was asked */
		question_close(replay, question);
	return true;
}

/* ---- reading ---- */

/* The next record of a type shows how many of that type the recording has lost. */
static void count_lost(struct replay *replay, const struct es_record *record)
{
	uint64_t *lost = &replay->lost[record->type], more;

	if (record->lost_type <= *lost)
		return;
	more = record->lost_type - *lost;
	*lost = record->lost_type;
	for (unsigned int i = 0; i < ES_CLIENTS_MAX; i++)
		if (replay->slots[i].used && esd_types_has(replay->slots[i].select.types, record->type))
			replay->slots[i].lost += more;
}

/* False: the end of the file. */
static bool read_next(struct replay *replay)
{
	int r;

	while ((r = esc_reader_next(replay->config.reader, &replay->next)) > 0) {
		if (replay->next.answer) {
			replay->config.recorded(replay->config.owner, replay->next.answer);
			continue;
		}
		if (!replay->stats.records++)
			replay->first_ns = replay->next.record->time_ns;
		count_lost(replay, replay->next.record);
		replay->chosen = false;
		return true;
	}
	replay->next.record = NULL;
	replay->at_end = true;
	replay->error = r;
	return false;
}

static uint64_t due_ns(const struct replay *replay)
{
	uint64_t time = replay->next.record->time_ns;

	if (replay->config.speed <= 0 || time <= replay->first_ns)
		return 0;
	return replay->stats.began_ns + (uint64_t)((double)(time - replay->first_ns) / replay->config.speed);
}

/* True: the record is done, take the next one. False: the timer or an answer will continue the replay. */
static bool step(struct replay *replay)
{
	uint64_t due;

	if (!replay->next.record && !read_next(replay))
		return true;
	due = due_ns(replay);
	if (due > clock_ns()) {
		wake_at(replay, due);
		return false;
	}
	if (!replay->chosen) {
		if (thread_waits(replay, replay->next.record->thread_id)) {
			wake_at(replay, NEVER);
			return false;
		}
		replay->left = slots_for(replay, replay->next.record);
		replay->stats.unheard += !replay->left;
		replay->chosen = true;
	}
	if (!deliver_to_left(replay)) {
		wake_at(replay, clock_ns() + ROOM_US * 1000);
		return false;
	}
	replay->next.record = NULL;
	return true;
}

static bool all_read(const struct replay *replay)
{
	if (replay->questions_open)
		return false;
	for (unsigned int i = 0; i < ES_CLIENTS_MAX; i++)
		if (replay->slots[i].used && esd_replay_ring_used(&replay->slots[i].ring))
			return false;
	return true;
}

static void finish(struct replay *replay)
{
	if (!all_read(replay)) {
		wake_at(replay, clock_ns() + ROOM_US * 1000);
		return;
	}
	replay->stats.ended_ns = clock_ns();
	wake_at(replay, NEVER);
	replay->config.ended(replay->config.owner, replay->error);
}

/* Without a subscriber, wait for a while: a client that has unsubscribed or left may come back. */
static bool may_go_on(struct replay *replay)
{
	uint64_t gone_ns = replay->changed_ns + GONE_MS * NS_PER_MS;

	if (anybody_listens(replay) || clock_ns() >= gone_ns)
		return true;
	wake_at(replay, gone_ns);
	return false;
}

/* Has no client sent a request for long enough? */
static bool may_begin(struct replay *replay)
{
	uint64_t quiet_ns = replay->changed_ns + replay->config.settle_ms * NS_PER_MS;

	if (replay->stats.began_ns)
		return may_go_on(replay);
	if (!anybody_listens(replay)) {
		wake_at(replay, NEVER);
		return false;
	}
	if (clock_ns() < quiet_ns) {
		wake_at(replay, quiet_ns);
		return false;
	}
	replay->stats.began_ns = clock_ns();
	return true;
}

static int timer_ready(struct loop_source *source, uint32_t events)
{
	struct replay *replay = container_of(source, struct replay, timer);
	uint64_t ticks;

	(void)events;
	(void)!read(source->fd, &ticks, sizeof(ticks));
	if (replay->stats.ended_ns)
		return 0;
	if (!replay->at_end && !may_begin(replay))
		return 0;
	for (int i = 0; i < BATCH && !replay->at_end; i++)
		if (!step(replay))
			return 0;
	if (replay->at_end)
		finish(replay);
	else
		wake_now(replay);
	return 0;
}

/* ---- clients ---- */

static void slot_close(struct replay *replay, unsigned int number)
{
	struct slot *slot = &replay->slots[number];

	if (slot->gate_source.fd >= 0)
		loop_remove(replay->config.loop, &slot->gate_source);
	closep(&slot->gate);
	slot->gate = -1;
}

static void sensor_client_remove(struct esd_sensor *sensor, unsigned int number)
{
	struct replay *replay = replay_of(sensor);
	struct slot *slot = &replay->slots[number];

	if (!slot->used)
		return;
	slot->used = false;
	replay->left &= ~(UINT64_C(1) << number);
	for (unsigned int i = 0; i < QUESTIONS_MAX; i++)
		if (replay->questions[i].open && replay->questions[i].left >> number & 1)
			question_answer(replay, &replay->questions[i], number, ES_VERDICT_NONE);
	if (slot->gate_source.fd >= 0)
		loop_remove(replay->config.loop, &slot->gate_source);
	esd_replay_select_deinit(&slot->select);
	esd_replay_ring_deinit(&slot->ring);
	if (slot->given.held)
		munmap(slot->given.held, ES_HELD_MAX * sizeof(struct es_held));
	closep(&slot->given.fds[ES_CLIENT_FD_GATE]);
	closep(&slot->given.fds[ES_CLIENT_FD_HELD]);
	memset(&replay->clients[number], 0, sizeof(replay->clients[number]));
	changed(replay);
}

static int slot_held(struct slot *slot)
{
	size_t bytes = ES_HELD_MAX * sizeof(struct es_held);
	int fd = memfd_create("es-replay-held", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	void *held;

	if (fd < 0)
		return -errno;
	slot->given.fds[ES_CLIENT_FD_HELD] = fd;
	if (ftruncate(fd, (off_t)bytes) < 0 || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		return -errno;
	held = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (held == MAP_FAILED)
		return -errno;
	slot->given.held = held;
	return 0;
}

static int slot_gate(struct slot *slot)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
		return -errno;
	slot->gate = pair[0];
	slot->given.fds[ES_CLIENT_FD_GATE] = pair[1];
	return loop_add(slot->replay->config.loop, &slot->gate_source, slot->gate, EPOLLIN, gate_ready);
}

static int sensor_client_add(struct esd_sensor *sensor, unsigned int number, pid_t pid, struct esd_sensor_slot *ret)
{
	struct replay *replay = replay_of(sensor);
	struct slot *slot = &replay->slots[number];
	int r;

	slot_close(replay, number);
	*slot = (struct slot){ .replay = replay, .used = true, .gate = -1, .gate_source = LOOP_SOURCE_NONE,
			       .ring = ESD_REPLAY_RING_NONE,
			       .given = { .fds = { -1, -1, -1, -1, -1 }, .abort_fd = -1 } };
	replay->clients[number].tgid = (uint32_t)pid;
	r = esd_replay_ring_init(&slot->ring, replay->config.ring_bytes);
	if (r == 0)
		r = slot_held(slot);
	if (r == 0)
		r = slot_gate(slot);
	if (r < 0) {
		sensor_client_remove(sensor, number);
		return r;
	}
	slot->given.fds[ES_CLIENT_FD_RING] = slot->ring.fd;
	slot->given.fds[ES_CLIENT_FD_ASK] = slot->ring.event_fd;
	slot->given.fds[ES_CLIENT_FD_END] = replay->base.end_fd;
	*ret = slot->given;
	changed(replay);
	return 0;
}

static int sensor_load(struct esd_sensor *sensor, const uint64_t types[ES_TYPE_WORDS])
{
	(void)sensor;
	(void)types;
	return 0;
}

static int sensor_subscribe(struct esd_sensor *sensor, unsigned int number, const uint64_t types[ES_TYPE_WORDS])
{
	struct replay *replay = replay_of(sensor);
	struct slot *slot = &replay->slots[number];

	memcpy(slot->select.types, types, sizeof(slot->select.types));
	slot->takes_all = true;
	for (unsigned int i = 0; i < ES_TYPE_WORDS; i++)
		slot->takes_all &= !(replay->recorded[i] & ~types[i]);
	slot->lost = 0;
	for (unsigned int type = 0; type < ES_EVENT_TYPES; type++)
		if (esd_types_has(types, type))
			slot->lost += replay->lost[type];
	changed(replay);
	return 0;
}

/* The client's own process isn't in the recording. */
static uint32_t sensor_pidversion(struct esd_sensor *sensor, int pidfd)
{
	(void)sensor;
	(void)pidfd;
	return 0;
}

/* A capture doesn't say which processes init started, so default mutes match by path alone. */
static int sensor_mute(struct esd_sensor *sensor, unsigned int slot, const struct esd_mute *mute,
		       const uint64_t types[ES_TYPE_WORDS], const uint64_t defaults[ES_TYPE_WORDS])
{
	(void)defaults;
	return esd_replay_select_mute(&replay_of(sensor)->slots[slot].select, mute, types);
}

static void sensor_mute_summary(struct esd_sensor *sensor, unsigned int slot, const struct esd_mute_summary *summary)
{
	replay_of(sensor)->slots[slot].select.summary = *summary;
	changed(replay_of(sensor));
}

/* Every recorded execution ran at some time. */
static bool sensor_process_runs(struct esd_sensor *sensor, pid_t pid, uint32_t pidversion)
{
	(void)sensor;
	(void)pid;
	(void)pidversion;
	return true;
}

static void sensor_counters(struct esd_sensor *sensor, unsigned int number, struct esd_sensor_counters *ret)
{
	const struct slot *slot = &replay_of(sensor)->slots[number];

	*ret = (struct esd_sensor_counters){ .delivered = slot->delivered, .lost = slot->lost };
	if (slot->used)
		ret->ring_used = esd_replay_ring_used(&slot->ring);
}

static void sensor_stats(struct esd_sensor *sensor, struct esd_sensor_stats *ret)
{
	(void)sensor;
	*ret = (struct esd_sensor_stats){};
}

static void sensor_cache_clear(struct esd_sensor *sensor)
{
	(void)sensor;
}

static void sensor_cache_info(struct esd_sensor *sensor, struct es_cache_info *ret)
{
	(void)sensor;
	snprintf(ret->how, sizeof(ret->how), "none: a replay asks whatever was asked in the recording");
}

static void sensor_free(struct esd_sensor *sensor)
{
	struct replay *replay = replay_of(sensor);

	for (unsigned int number = 0; number < ES_CLIENTS_MAX; number++) {
		sensor_client_remove(sensor, number);
		slot_close(replay, number);
	}
	loop_remove(replay->config.loop, &replay->timer);
	closep(&replay->timer_fd);
	closep(&replay->base.end_fd);
	free(replay);
}

static const struct esd_sensor_ops sensor_ops = {
	.free = sensor_free,
	.client_add = sensor_client_add,
	.client_remove = sensor_client_remove,
	.load = sensor_load,
	.subscribe = sensor_subscribe,
	.pidversion = sensor_pidversion,
	.mute = sensor_mute,
	.mute_summary = sensor_mute_summary,
	.process_runs = sensor_process_runs,
	.counters = sensor_counters,
	.stats = sensor_stats,
	.cache_clear = sensor_cache_clear,
	.cache_info = sensor_cache_info,
};

/* ---- making it ---- */

/* "NOTIFY_EXEC,AUTH_OPEN": ignores unknown names, since this program's layout has no such records. */
static void recorded_read(struct replay *replay)
{
	char names[ES_EVENT_TYPES * 32] = "", *at = names, *name;

	(void)esc_facts_get(esc_reader_facts(replay->config.reader), "types", names, sizeof(names));
	while ((name = strsep(&at, ",")))
		for (unsigned int type = 0; type < ES_EVENT_TYPES; type++)
			if (!strcmp(name, esd_events[type].name))
				esd_types_add(replay->recorded, type);
}

/* As with a kernel, an AUTH type that Linux lacks can't be subscribed to. A type that wasn't recorded never happens. */
static void capabilities_find(struct replay *replay)
{
	for (unsigned int type = 0; type < ES_EVENT_TYPES; type++) {
		struct es_capability_info *info = &replay->base.capabilities[type];
		bool auth = esd_events[type].answer != ESD_ANSWER_NONE;

		if (esd_types_has(replay->recorded, type)) {
			info->capability = auth ? ES_CAN_HOLD : ES_CAN_DELIVER;
			snprintf(info->how, sizeof(info->how), "the capture has it");
		} else if (auth && esd_events[type].wait == ESD_WAIT_ABSENT) {
			info->capability = ES_CAN_NOT;
			snprintf(info->how, sizeof(info->how), "Linux has no such operation");
		} else {
			info->capability = ES_CAN_NEVER_HAPPEN;
			snprintf(info->how, sizeof(info->how), "the capture was made without it");
		}
	}
}

int esd_replay_new(struct esd_sensor **ret, const struct esd_replay_config *config)
{
	const struct esc_facts *facts = esc_reader_facts(config->reader);
	struct replay *replay = calloc(1, sizeof(*replay));
	int r = 0;

	if (!replay)
		return -ENOMEM;
	replay->config = *config;
	replay->timer = (struct loop_source)LOOP_SOURCE_NONE;
	for (unsigned int i = 0; i < ES_CLIENTS_MAX; i++) {
		replay->slots[i].gate = -1;
		replay->slots[i].gate_source = (struct loop_source)LOOP_SOURCE_NONE;
	}
	replay->base = (struct esd_sensor){
		.ops = &sensor_ops,
		.number = ES_SENSOR_REPLAY,
		.clients = replay->clients,
		.clients_fd = -1,
		.end_fd = eventfd(0, EFD_CLOEXEC),
		.from_monotonic = esc_facts_number(facts, "from_monotonic_ns", 0),
		.from_boot = esc_facts_number(facts, "from_boot_ns", 0),
		.reason = "replay: a capture is played back",
	};
	recorded_read(replay);
	capabilities_find(replay);
	replay->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (replay->base.end_fd < 0 || replay->timer_fd < 0)
		r = -errno;
	if (r == 0)
		r = loop_add(config->loop, &replay->timer, replay->timer_fd, EPOLLIN, timer_ready);
	if (r < 0) {
		sensor_free(&replay->base);
		return r;
	}
	*ret = &replay->base;
	return 0;
}

void esd_replay_stats(struct esd_sensor *sensor, struct esd_replay_stats *ret)
{
	*ret = replay_of(sensor)->stats;
}
