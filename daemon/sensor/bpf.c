/* SPDX-License-Identifier: MIT */
#include "daemon/sensor/bpf.h"

#include <errno.h>
#include <linux/bpf.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "daemon/sensor/event.h"
#include "daemon/sensor/keep.h"
#include "daemon/sensor/life.h"
#include "daemon/sensor/mute.h"
#include "daemon/sensor/names.h"
#include "daemon/sensor/select.h"
#include "daemon/sensor/syscalls.h"
#include "util/log.h"
#include "util/macro.h"

enum {
	FILL_PASSES = 32,
	SCRATCH_PER_CPU = 4,		/* of tasks, also preempted ones, and of interrupts */
};

#define SLOT_NONE { .fds = { -1, -1, -1, -1, -1 }, .abort_fd = -1 }

static struct esd_bpf *bpf_of(struct esd_sensor *sensor)
{
	return container_of(sensor, struct esd_bpf, base);
}

/* ---- what is needed ---- */

static struct esd_want want_for(const struct esd_bpf *s, const uint64_t types[ES_TYPE_WORDS])
{
	struct esd_want want = { .clients = true, .restarts = s->hold->restarts && s->hold->restarts(s, types) };

	memcpy(want.types, types, sizeof(want.types));
	esd_objects_subtract(&s->objects, want.types);
	return want;
}

static struct esd_want want_now(const struct esd_bpf *s)
{
	uint64_t types[ES_TYPE_WORDS];
	struct esd_want want;

	esd_select_types(&s->skel->bss->control, types);
	want = want_for(s, types);
	want.clients = s->clients;
	return want;
}

static void detach_unneeded(struct esd_bpf *s)
{
	const struct esd_want want = want_now(s);

	esd_tracepoints_detach(&s->tracepoints, &want);
}

static int attach_needed(struct esd_bpf *s)
{
	const struct esd_want want = want_now(s);
	uint64_t types[ES_TYPE_WORDS];
	int r;

	esd_select_types(&s->skel->bss->control, types);
	r = esd_objects_attach(&s->objects, types);
	return r < 0 ? r : esd_tracepoints_attach(&s->tracepoints, &want);
}

/* Reading the iterator runs it over every task. */
static int fill_once(struct esd_bpf *s)
{
	const struct esd_program *program = esd_programs_find(&s->programs, "fill_tasks");
	_cleanup_close_ int link = -1, fd = -1;
	char buffer[4096];
	ssize_t n;

	link = bpf_link_create(program->fd, 0, BPF_TRACE_ITER, NULL);
	if (link < 0)
		return link;
	fd = bpf_iter_create(link);
	if (fd < 0)
		return fd;
	for (;;) {
		n = read(fd, buffer, sizeof(buffer));
		if (n == 0)
			return 0;
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
	}
}

/*
 * Records the processes that are older than the programs. Then marks those that init has started, from parent to child:
 * this takes more passes if a child has a lower number than its parent.
 */
static int fill_tasks(struct esd_bpf *s)
{
	int r;

	s->skel->bss->stats.processes = 0;
	for (s->skel->bss->fill_pass = 0; s->skel->bss->fill_pass < FILL_PASSES; s->skel->bss->fill_pass++) {
		s->skel->bss->filled = 0;
		r = fill_once(s);
		if (r < 0) {
			log_error("can't go through the processes there are (BPF task iterator): %s", strerror(-r));
			return r;
		}
		if (s->skel->bss->fill_pass && !s->skel->bss->filled)
			break;
	}
	return 0;
}

/* ---- clients ---- */

static size_t clients_bytes(void)
{
	return ES_CLIENTS_MAX * sizeof(struct es_sensor_client);
}

static int map_fd(const struct bpf_map *map)
{
	return bpf_map__fd(map);
}

/* How many clients a process has. */
static int process_count(struct esd_bpf *s, uint32_t pid, int change)
{
	int fd = map_fd(s->skel->maps.client_processes);
	uint32_t count = 0;

	(void)bpf_map_lookup_elem(fd, &pid, &count);
	count += change;
	return count ? bpf_map_update_elem(fd, &pid, &count, BPF_ANY) : bpf_map_delete_elem(fd, &pid);
}

static int slot_owner(struct esd_bpf *s, uint32_t number, pid_t pid)
{
	int r;

	s->base.clients[number] = (struct es_sensor_client){ .tgid = pid };
	r = process_count(s, pid, 1);
	if (r == 0)
		s->slots[number].pid = pid;
	return r;
}

static int ring_map(struct esd_bpf_slot *slot)
{
	long page = sysconf(_SC_PAGESIZE);
	char *pages = mmap(NULL, 2 * page, PROT_READ, MAP_SHARED, slot->given.fds[ES_CLIENT_FD_RING], 0);

	if (pages == MAP_FAILED)
		return -errno;
	slot->ring_consumer = (unsigned long *)pages;
	slot->ring_producer = (unsigned long *)(pages + page);
	return 0;
}

static int slot_ring(struct esd_bpf *s, uint32_t number, struct esd_bpf_slot *slot, uint32_t bytes)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "es_ring", 0, 0, bytes, NULL), r;

	if (fd < 0)
		return fd;
	slot->given.fds[ES_CLIENT_FD_RING] = fd;
	r = ring_map(slot);
	return r < 0 ? r : bpf_map_update_elem(map_fd(s->skel->maps.rings), &number, &fd, BPF_ANY);
}

static int held_map(struct esd_bpf_slot *slot)
{
	void *held = mmap(NULL, ES_HELD_MAX * sizeof(struct es_held), PROT_READ | PROT_WRITE, MAP_SHARED,
			  slot->given.fds[ES_CLIENT_FD_HELD], 0);

	if (held == MAP_FAILED)
		return -errno;
	slot->given.held = held;
	return 0;
}

int esd_bpf_slot_map(struct esd_bpf_slot *slot)
{
	int r = ring_map(slot);

	return r < 0 ? r : held_map(slot);
}

static int slot_held(struct esd_bpf *s, uint32_t number, struct esd_bpf_slot *slot)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
	int fd, r;

	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "es_held", sizeof(uint32_t), sizeof(struct es_held), ES_HELD_MAX,
			    &options);
	if (fd < 0)
		return fd;
	slot->given.fds[ES_CLIENT_FD_HELD] = fd;
	r = held_map(slot);
	return r < 0 ? r : bpf_map_update_elem(map_fd(s->skel->maps.held), &number, &fd, BPF_ANY);
}

/*
 * Also clears a slot that is only half made. In each deletion the kernel waits until no program uses what was deleted.
 * So do this last, after all that others may wait for: see sensor_client_remove().
 */
static void slot_clear(struct esd_bpf *s, uint32_t number)
{
	struct esd_bpf_slot *slot = &s->slots[number];

	s->hold->client_clear(s, number);
	(void)bpf_map_delete_elem(map_fd(s->skel->maps.rings), &number);
	(void)bpf_map_delete_elem(map_fd(s->skel->maps.held), &number);
	memset(&s->base.clients[number], 0, sizeof(s->base.clients[number]));
	if (slot->ring_consumer)
		munmap((void *)slot->ring_consumer, 2 * sysconf(_SC_PAGESIZE));
	if (slot->given.held)
		munmap(slot->given.held, ES_HELD_MAX * sizeof(struct es_held));
	closep(&slot->given.fds[ES_CLIENT_FD_RING]);
	closep(&slot->given.fds[ES_CLIENT_FD_HELD]);
	*slot = (struct esd_bpf_slot){};
}

static struct esd_reports *reports_unneeded(struct esd_bpf *s);
static void reports_stop(struct esd_bpf *s, struct esd_reports *reports);
static void reports_unwant(struct esd_bpf *s);

/* Clears one dead slot per turn, so that other clients' deaths and requests can come in between. */
static int reaper_ready(struct loop_source *source, uint32_t events)
{
	struct esd_bpf *s = container_of(source, struct esd_bpf, reaper);
	struct esd_reports *unneeded;
	uint64_t count;

	(void)events;
	s->base.changed = true;
	for (uint32_t number = 0; number < ES_CLIENTS_MAX; number++) {
		if (s->slots[number].dead) {
			slot_clear(s, number);
			return 0;
		}
	}
	unneeded = reports_unneeded(s);
	if (unneeded) {
		reports_stop(s, unneeded);
		return 0;
	}
	if (!s->clients && esd_objects_detach_one(&s->objects))
		return 0;
	(void)!read(s->reaper_fd, &count, sizeof(count));
	detach_unneeded(s);
	if (s->hold->trim)
		s->hold->trim(s);
	return 0;
}

static void reap_later(struct esd_bpf *s)
{
	(void)!write(s->reaper_fd, &(uint64_t){ 1 }, sizeof(uint64_t));
}

void esd_bpf_refresh(struct esd_bpf *s)
{
	s->base.changed = true;
	if (attach_needed(s) < 0)
		log_error("calls that start over may be asked about again and again");
	reap_later(s);
}

/* ---- what was missed ---- */

/* Counts the events as lost for all subscribers of the type, although not all of them may have been selected. */
static void count_missed(void *owner, unsigned int type, uint64_t count)
{
	struct esd_bpf *s = owner;
	uint64_t slots = s->skel->bss->control.subscribers[type];

	for (unsigned int slot = 0; slot < ES_CLIENTS_MAX; slot++) {
		if (!(slots >> slot & 1))
			continue;
		__atomic_fetch_add(&s->base.clients[slot].lost[type], count, __ATOMIC_RELAXED);
		__atomic_fetch_add(&s->base.clients[slot].lost_all, count, __ATOMIC_RELAXED);
	}
}

static int missed_ready(struct loop_source *source, uint32_t events)
{
	struct esd_bpf *s = container_of(source, struct esd_bpf, missed);
	uint64_t count;

	(void)events;
	(void)!read(s->missed_fd, &count, sizeof(count));
	esd_objects_missed_since(&s->objects, count_missed, s);
	esd_tracepoints_missed_since(&s->tracepoints, count_missed, s);
	return 0;
}

/* Starts or stops the check once a second. */
static void missed_watch(struct esd_bpf *s, bool watch)
{
	const struct itimerspec timer = { .it_interval = { watch, 0 }, .it_value = { watch, 0 } };

	(void)timerfd_settime(s->missed_fd, 0, &timer, NULL);
}

static void sensor_client_remove(struct esd_sensor *sensor, unsigned int number)
{
	static const uint64_t none[ES_TYPE_WORDS];
	struct esd_bpf *s = bpf_of(sensor);
	struct esd_bpf_slot *slot = &s->slots[number];

	if (!slot->used)
		return;
	esd_select_client(&s->skel->bss->control, number, none);
	s->hold->client_let_go(s, number);
	if (slot->pid)
		(void)process_count(s, slot->pid, -1);
	slot->used = false;
	slot->dead = true;
	s->clients--;
	reports_unwant(s);
	if (!s->clients)
		missed_watch(s, false);
	reap_later(s);
}

static int sensor_client_add(struct esd_sensor *sensor, unsigned int number, pid_t pid, struct esd_sensor_slot *ret)
{
	struct esd_bpf *s = bpf_of(sensor);
	struct esd_bpf_slot *slot = &s->slots[number];
	int r;

	if (slot->dead)
		slot_clear(s, number);
	*slot = (struct esd_bpf_slot){ .used = true, .given = SLOT_NONE };
	slot->given.fds[ES_CLIENT_FD_END] = s->base.end_fd;
	s->clients++;
	if (s->clients == 1)
		missed_watch(s, true);
	r = slot_owner(s, number, pid);
	if (r == 0)
		r = slot_ring(s, number, slot, s->ring_bytes);
	if (r == 0)
		r = slot_held(s, number, slot);
	if (r == 0)
		r = s->hold->client_add(s, number, pid);
	if (r == 0)
		r = attach_needed(s);
	if (r == 0 && s->clients == 1)
		r = fill_tasks(s);
	if (r < 0) {
		sensor_client_remove(sensor, number);
		return r;
	}
	*ret = slot->given;
	return 0;
}

/* Unneeded programs are detached later: neither the client that unsubscribes nor its waiting tasks wait for that. */
static int subscribe_to(struct esd_bpf *s, unsigned int number, const uint64_t types[ES_TYPE_WORDS])
{
	struct esd_bpf_slot *slot = &s->slots[number];
	int r;

	r = s->hold->narrow(s, number, types);
	if (r < 0)
		return r;
	esd_select_client(&s->skel->bss->control, number, types);
	memcpy(slot->types, types, sizeof(slot->types));
	reports_unwant(s);
	r = attach_needed(s);
	if (r < 0)
		return r;
	reap_later(s);
	return s->hold->widen(s, number, types);
}

static int sensor_subscribe(struct esd_sensor *sensor, unsigned int slot, const uint64_t types[ES_TYPE_WORDS])
{
	struct esd_bpf *s = bpf_of(sensor);
	uint64_t before[ES_TYPE_WORDS];
	int r;

	memcpy(before, s->slots[slot].types, sizeof(before));
	r = subscribe_to(s, slot, types);
	if (r < 0 && subscribe_to(s, slot, before) < 0)
		log_error("can't restore the subscriptions of the client in slot %u", slot);
	return r;
}

/* ---- events that the daemon makes ---- */

enum { REPORTS_RING_BYTES = 1024 * 1024 };

/* A client that was about to subscribe has, or it hasn't and is gone. */
static void reports_unwant(struct esd_bpf *s)
{
	for (unsigned int i = 0; i < ES_REPORTERS; i++)
		s->reports[i].wanted = false;
}

static bool reports_wanted(const struct esd_bpf *s, const struct esd_reports *reports)
{
	uint64_t types[ES_TYPE_WORDS];

	esd_select_types(&s->skel->bss->control, types);
	return reports->wanted || esd_reports_any(reports->subject, types);
}

/* One that runs for nobody; NULL: none. */
static struct esd_reports *reports_unneeded(struct esd_bpf *s)
{
	for (unsigned int i = 0; i < ES_REPORTERS; i++)
		if (s->reports[i].slot >= 0 && !reports_wanted(s, &s->reports[i]))
			return &s->reports[i];
	return NULL;
}

static int reports_slot_make(struct esd_bpf *s, struct esd_reports *reports, unsigned int number)
{
	struct esd_bpf_slot *slot = &s->slots[number];
	int r;

	*slot = (struct esd_bpf_slot){ .used = true, .given = SLOT_NONE };
	s->base.clients[number] = (struct es_sensor_client){ .tgid = getpid() };
	r = slot_ring(s, number, slot, REPORTS_RING_BYTES);
	if (r == 0)
		r = esd_reports_start(reports, &s->base, number, slot->given.fds[ES_CLIENT_FD_RING],
				      map_fd(s->skel->maps.reports));
	return r;
}

static void reports_select(struct esd_bpf *s, unsigned int number, const uint64_t types[ES_TYPE_WORDS])
{
	__atomic_store_n(&s->skel->bss->control.reporters, s->base.own_slots, __ATOMIC_RELEASE);
	esd_select_client(&s->skel->bss->control, number, types);
}

/* The last slot that is free: clients take the first ones. */
static int reports_slot_find(const struct esd_bpf *s)
{
	for (int number = ES_CLIENTS_MAX - 1; number >= 0; number--)
		if (!s->slots[number].used && !s->slots[number].dead)
			return number;
	return -EUSERS;
}

static void reports_slot_free(struct esd_bpf *s, unsigned int number)
{
	s->base.own_slots &= ~(UINT64_C(1) << number);
	__atomic_store_n(&s->skel->bss->control.reporters, s->base.own_slots, __ATOMIC_RELEASE);
	slot_clear(s, number);
}

static int reports_start(struct esd_bpf *s, struct esd_reports *reports)
{
	int number = reports_slot_find(s), r;
	uint64_t types[ES_TYPE_WORDS];

	if (number < 0)
		return number;
	s->base.own_slots |= UINT64_C(1) << number;
	reports->wanted = true;
	r = reports_slot_make(s, reports, number);
	if (r < 0) {
		reports_slot_free(s, number);
	} else {
		esd_reports_needed(reports->subject, types);
		reports_select(s, number, types);
		r = attach_needed(s);
	}
	if (r == 0)
		r = esd_reports_run(reports);
	if (r < 0) {
		log_error("can't look at %s: %s", reports->subject->name, strerror(-r));
		reports_stop(s, reports);
	}
	return r;
}

static void reports_stop(struct esd_bpf *s, struct esd_reports *reports)
{
	static const uint64_t none[ES_TYPE_WORDS];
	int number = reports->slot;

	reports->wanted = false;
	if (number < 0)
		return;
	esd_select_client(&s->skel->bss->control, (unsigned int)number, none);
	esd_reports_stop(reports);
	reports_slot_free(s, (unsigned int)number);
}

/* As sensor_load(). */
static int reports_load(struct esd_bpf *s, struct esd_reports *reports, const uint64_t types[ES_TYPE_WORDS])
{
	uint64_t needed[ES_TYPE_WORDS];
	struct esd_want want;
	int r;

	if (!esd_reports_any(reports->subject, types))
		return 0;
	esd_reports_needed(reports->subject, needed);
	r = esd_objects_load(&s->objects, needed);
	if (r)
		return r;
	want = want_for(s, needed);
	r = esd_tracepoints_load(&s->tracepoints, &want);
	if (r)
		return r;
	if (esd_program_untried(reports->program))
		return esd_program_load(reports->program) < 0 ? -ENOMEM : 1;
	return 0;
}

/* Reads the files after every change of them is seen, and before the subscription is in force. */
static int sensor_begin(struct esd_sensor *sensor, const uint64_t types[ES_TYPE_WORDS])
{
	struct esd_bpf *s = bpf_of(sensor);
	bool begun = true;

	for (unsigned int i = 0; i < ES_REPORTERS; i++) {
		struct esd_reports *reports = &s->reports[i];
		int r = 0;

		if (!esd_reports_any(reports->subject, types))
			continue;
		reports->wanted = true;
		if (reports->slot < 0)
			r = reports_start(s, reports);
		if (r < 0)
			return r;
		begun &= esd_reports_begun(reports);
	}
	return !begun;
}

/* ---- muting ---- */

static struct es_mute_hash path_hash(const struct esd_bpf *s, const char *path, size_t length)
{
	return es_mute_hash_path((const uint64_t *)s->skel->rodata->mute_keys, path, length);
}

static struct es_mute_key mute_key(const struct esd_bpf *s, unsigned int slot, const struct esd_mute *mute)
{
	struct es_mute_key key = { .slot = slot, .kind = mute->kind };

	if (mute->kind == ES_MUTE_PROCESS) {
		key.hash = (struct es_mute_hash){ { mute->token.pid, mute->token.pidversion } };
	} else {
		key.length = mute->length;
		key.hash = path_hash(s, mute->path, mute->length);
	}
	return key;
}

/* 0, or an errno: EDQUOT for the client, else negative. */
static int mute_write(struct esd_bpf *s, const struct es_mute_key *key, const struct es_mute_types *types)
{
	int r;

	if (!(types->word[0] | types->word[1] | types->word[2])) {
		r = bpf_map_delete_elem(map_fd(s->skel->maps.mutes), key);
		return r == -ENOENT ? 0 : r;
	}
	r = bpf_map_update_elem(map_fd(s->skel->maps.mutes), key, types, BPF_ANY);
	if (r < 0 && r != -E2BIG)
		log_error("can't write a mute: %s", strerror(-r));
	return r == -E2BIG ? EDQUOT : r;
}

/* A default mute has its own tuple in the map, since it applies to fewer processes. */
static int sensor_mute(struct esd_sensor *sensor, unsigned int slot, const struct esd_mute *mute,
		       const uint64_t types[ES_TYPE_WORDS], const uint64_t defaults[ES_TYPE_WORDS])
{
	struct esd_bpf *s = bpf_of(sensor);
	struct es_mute_key key = mute_key(s, slot, mute);
	struct es_mute_types own = {}, by_default = {};
	int r;

	for (unsigned int i = 0; i < ES_TYPE_WORDS; i++) {
		own.word[i] = types[i] & ~defaults[i];
		by_default.word[i] = defaults[i];
	}
	r = mute_write(s, &key, &own);
	if (r || mute->kind != ES_MUTE_EXE_LITERAL)
		return r;
	key.kind = ES_MUTE_EXE_DEFAULT;
	return mute_write(s, &key, &by_default);
}

/* Writes the default set's paths, by which kernel programs find what init has started: bpf/select/trust.bpf.h. */
static int defaults_write(struct esd_bpf *s)
{
	const struct es_mute_types some = { { 1 } };
	int r = 0;

	for (unsigned int i = 0; r == 0 && esd_mute_defaults[i]; i++) {
		const size_t length = strlen(esd_mute_defaults[i]);
		const struct es_mute_key key = { .hash = path_hash(s, esd_mute_defaults[i], length),
						 .length = length,
						 .slot = ES_MUTE_DEFAULT_SLOT,
						 .kind = ES_MUTE_EXE_DEFAULT };

		r = mute_write(s, &key, &some);
	}
	return r;
}

static void mute_select(uint64_t words[ES_EVENT_TYPES], unsigned int slot, const uint64_t types[ES_TYPE_WORDS])
{
	uint64_t bit = UINT64_C(1) << slot;

	for (unsigned int type = 0; type < ES_EVENT_TYPES; type++) {
		uint64_t word = esd_types_has(types, type) ? words[type] | bit : words[type] & ~bit;

		__atomic_store_n(&words[type], word, __ATOMIC_RELEASE);
	}
}

static void invert_select(uint64_t *word, unsigned int slot, bool inverted)
{
	uint64_t bit = UINT64_C(1) << slot;

	__atomic_store_n(word, inverted ? *word | bit : *word & ~bit, __ATOMIC_RELEASE);
}

/* Set the generation last: it invalidates what the programs have cached for older ones. */
static void sensor_mute_summary(struct esd_sensor *sensor, unsigned int slot, const struct esd_mute_summary *summary)
{
	struct esd_bpf *s = bpf_of(sensor);
	struct es_mute_client *client = &s->skel->bss->mute_clients[slot];

	memcpy(client->lengths, summary->client.lengths, sizeof(client->lengths));
	memcpy(client->longest, summary->client.longest, sizeof(client->longest));
	__atomic_store_n(&client->inverted, summary->client.inverted, __ATOMIC_RELEASE);
	mute_select(s->skel->bss->control.mute_actor, slot, summary->actor);
	mute_select(s->skel->bss->control.mute_target, slot, summary->target);
	invert_select(&s->skel->bss->control.inverted_targets, slot, summary->client.inverted >> ES_STAGE_TARGET & 1);
	__atomic_store_n(&client->generation, ++s->mute_generation, __ATOMIC_SEQ_CST);
}

static bool sensor_process_runs(struct esd_sensor *sensor, pid_t pid, uint32_t pidversion)
{
	struct esd_bpf *s = bpf_of(sensor);
	const struct bpf_map *processes = s->skel->maps.processes;
	_cleanup_free_ struct es_sensor_process *process = malloc(bpf_map__value_size(processes));
	_cleanup_close_ int pidfd = pid > 0 ? pidfd_open(pid, 0) : -1;

	if (!process || pidfd < 0 || bpf_map_lookup_elem(map_fd(processes), &pidfd, process) < 0)
		return false;
	return process->pidversion == pidversion && !process->exited;
}

/* ---- counters ---- */

static void sensor_counters(struct esd_sensor *sensor, unsigned int number, struct esd_sensor_counters *ret)
{
	struct esd_bpf *s = bpf_of(sensor);
	struct esd_bpf_slot *slot = &s->slots[number];
	const struct es_sensor_client *client = &sensor->clients[number];
	unsigned long consumer = __atomic_load_n(slot->ring_consumer, __ATOMIC_ACQUIRE);	/* the client's word for it */
	unsigned long used = __atomic_load_n(slot->ring_producer, __ATOMIC_ACQUIRE) - consumer;

	*ret = (struct esd_sensor_counters){
		.delivered = __atomic_load_n(&client->delivered, __ATOMIC_RELAXED),
		.lost = __atomic_load_n(&client->lost_all, __ATOMIC_RELAXED),
		.ring_used = used > s->ring_bytes ? s->ring_bytes : used,
	};
}

/* Stored with the process's first thread, and found by its pidfd. The first member, see bpf/base/maps.bpf.h. */
static uint32_t sensor_pidversion(struct esd_sensor *sensor, int pidfd)
{
	const struct bpf_map *processes = bpf_of(sensor)->skel->maps.processes;
	_cleanup_free_ uint32_t *process = calloc(1, bpf_map__value_size(processes));

	if (!process || bpf_map_lookup_elem(map_fd(processes), &pidfd, process) < 0)
		return 0;
	return process[0];
}

static void sensor_stats(struct esd_sensor *sensor, struct esd_sensor_stats *ret)
{
	struct esd_bpf *s = bpf_of(sensor);
	const struct es_sensor_stats *stats = &s->skel->bss->stats;

	*ret = (struct esd_sensor_stats){
		.processes = stats->processes,
		.unresolved = stats->unresolved,
		.not_held = stats->not_held,
		.missed_runs = esd_tracepoints_missed(&s->tracepoints) + esd_objects_missed(&s->objects),
	};
}

static void sensor_cache_clear(struct esd_sensor *sensor)
{
	struct esd_bpf *s = bpf_of(sensor);

	if (s->hold->cache_clear)
		s->hold->cache_clear(s);
}

static void sensor_cache_info(struct esd_sensor *sensor, struct es_cache_info *ret)
{
	struct esd_bpf *s = bpf_of(sensor);

	if (s->hold->cache_info)
		s->hold->cache_info(s, ret);
	else
		snprintf(ret->how, sizeof(ret->how), "none: without BPF LSM the kernel doesn't tell of every change of "
			 "a file");
}

/* ---- programs' messages about users ---- */

/* They send them to the kernel's auditing, by system calls of this kind. */
static bool any_about_users(const uint64_t types[ES_TYPE_WORDS])
{
	return esd_select_kinds(types, false) >> ES_KIND_SEND & 1;
}

/* A kernel that was started with audit=0 has no such sockets, and then programs send no messages. */
static bool can_be_told_of_users(void)
{
	_cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_AUDIT);

	return fd >= 0 || errno != EPROTONOSUPPORT;
}

/* ---- another daemon that goes on ---- */

static void slot_keep(struct esd_bpf_slot *slot, struct archive *archive)
{
	ARCHIVE(archive, slot->used);
	ARCHIVE(archive, slot->dead);
	if (!slot->used && !slot->dead)
		return;
	ARCHIVE(archive, slot->pid);
	ARCHIVE(archive, slot->types);
	archive_fd(archive, &slot->given.fds[ES_CLIENT_FD_RING]);
	archive_fd(archive, &slot->given.fds[ES_CLIENT_FD_HELD]);
}

/* The slot for what the daemon itself receives is cleared, and taken anew if it is needed. */
static void slot_read(struct esd_bpf *s, unsigned int number, bool own, struct archive *archive)
{
	struct esd_bpf_slot *slot = &s->slots[number];

	slot->given = (struct esd_sensor_slot)SLOT_NONE;
	slot_keep(slot, archive);
	if (slot->used && own) {
		slot->used = false;
		slot->dead = true;
	}
	if (slot->used && !archive->bad && esd_bpf_slot_map(slot) < 0)
		archive->bad = true;
}

static void sensor_rest_keep(struct esd_bpf *s, struct archive *archive)
{
	uint64_t own_slots = s->base.own_slots;

	esd_programs_keep(&s->programs, archive);
	esd_keep_links(archive, s->tracepoints.links, ARRAY_SIZE(s->tracepoints.links));
	ARCHIVE(archive, s->tracepoints.filled);
	ARCHIVE(archive, s->tracepoints.watch);
	esd_keep_links(archive, s->objects.links, ARRAY_SIZE(s->objects.links));
	ARCHIVE(archive, s->objects.refused);
	ARCHIVE(archive, s->objects.state);
	ARCHIVE(archive, s->objects.why);
	ARCHIVE(archive, s->mute_generation);
	ARCHIVE(archive, own_slots);
	for (unsigned int number = 0; number < ES_CLIENTS_MAX; number++) {
		if (archive->reading)
			slot_read(s, number, own_slots >> number & 1, archive);
		else
			slot_keep(&s->slots[number], archive);
	}
}

static void sensor_keep(struct esd_sensor *sensor, struct archive *archive)
{
	struct esd_bpf *s = bpf_of(sensor);

	s->hold->keep_first(s, archive);
	esd_keep_maps(s->skel->obj, archive);
	sensor_rest_keep(s, archive);
	s->hold->keep(s, archive);
}

static void sensor_slot(struct esd_sensor *sensor, unsigned int number, struct esd_sensor_slot *ret)
{
	*ret = bpf_of(sensor)->slots[number].given;
}

/* What a daemon that was killed had just begun in a slot counts for nothing: its client asks again. */
static void slot_half_made(struct esd_bpf *s, uint32_t number)
{
	uint32_t id;

	if (!s->base.clients[number].tgid && bpf_map_lookup_elem(map_fd(s->skel->maps.rings), &number, &id) < 0)
		return;
	s->skel->bss->control.gate_pid[number] = 0;
	s->slots[number] = (struct esd_bpf_slot){ .dead = true, .given = SLOT_NONE };
}

static void slot_go_on(struct esd_bpf *s, uint32_t number)
{
	static const uint64_t none[ES_TYPE_WORDS];
	struct esd_bpf_slot *slot = &s->slots[number];

	if (!slot->used && !slot->dead)
		slot_half_made(s, number);
	esd_select_client(&s->skel->bss->control, number, slot->used ? slot->types : none);
	s->clients += slot->used;
}

/* Where a hook's program or another isn't attached though it is needed, the daemon before died just when it did that. */
static int sensor_go_on(struct esd_bpf *s)
{
	uint64_t types[ES_TYPE_WORDS];
	int r;

	s->skel->bss->control.reporters = 0;
	for (uint32_t number = 0; number < ES_CLIENTS_MAX; number++)
		slot_go_on(s, number);
	esd_select_types(&s->skel->bss->control, types);
	missed_watch(s, s->clients);
	if (any_about_users(types))
		esd_accounts_start(&s->accounts, s->loop, map_fd(s->skel->maps.accounts),
				   map_fd(s->skel->maps.account_names));
	r = attach_needed(s);
	if (r == 0)
		r = s->hold->widen(s, 0, types);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(s->reports); i++)
		if (esd_reports_any(s->reports[i].subject, types))
			r = reports_start(s, &s->reports[i]);
	reap_later(s);
	return r;
}

/* ---- what this machine can do ---- */

static enum es_capability notify_capability(unsigned int type, char *how, size_t size)
{
	const struct esd_event *event = &esd_events[type];

	if (!strcmp(event->tracepoint, "-")) {
		snprintf(how, size, "no system call or tracepoint tells it");
		return ES_CAN_BE_SILENT;
	}
	snprintf(how, size, "%s", event->tracepoint);
	return ES_CAN_DELIVER;
}

static enum es_capability capability(struct esd_bpf *s, unsigned int type, char *how, size_t size);

/* The daemon can make these events only if it receives others: closes or renames, at the least. */
static enum es_capability reports_capability(struct esd_bpf *s, unsigned int type, char *how, size_t size)
{
	static const unsigned int least[] = { ESD_NOTIFY_CLOSE, ESD_NOTIFY_RENAME };

	for (size_t i = 0; i < ARRAY_SIZE(least); i++) {
		enum es_capability can = capability(s, least[i], how, size);

		if (can != ES_CAN_DELIVER)
			return can;
	}
	if (s->reports[0].program->error) {
		snprintf(how, size, "the kernel refuses the program report: %s", strerror(-s->reports[0].program->error));
		return ES_CAN_NOT;
	}
	snprintf(how, size, "%s", esd_events[type].tracepoint);
	return ES_CAN_DELIVER;
}

static enum es_capability capability(struct esd_bpf *s, unsigned int type, char *how, size_t size)
{
	const struct esd_event *event = &esd_events[type];
	bool auth = event->answer != ESD_ANSWER_NONE;
	uint64_t types[ES_TYPE_WORDS] = {};
	enum es_capability can;
	struct esd_want want;
	int r;

	if (!strncmp(event->name, "RESERVED_", strlen("RESERVED_"))) {
		snprintf(how, size, "a reserved number");
		return ES_CAN_NOT;
	}
	if (event->wait == ESD_WAIT_ABSENT) {
		snprintf(how, size, "Linux has no such operation");
		return ES_CAN_NEVER_HAPPEN;
	}
	if (event->wait == ESD_WAIT_TOLD)
		return reports_capability(s, type, how, size);
	if (event->wait == ESD_WAIT_REPORT) {
		snprintf(how, size, "told by programs, not by the kernel; not built yet");
		return ES_CAN_BE_SILENT;
	}
	if (!s->told_of_users && esd_events[type].calls >> ES_KIND_SEND & 1) {
		snprintf(how, size, "this kernel has no auditing, or was started with audit=0: programs say nothing");
		return ES_CAN_BE_SILENT;
	}
	can = auth ? s->hold->capability(s, type, how, size) : notify_capability(type, how, size);
	if (!auth && esd_objects_tell(&s->objects, type, how, size))
		return ES_CAN_DELIVER;
	esd_types_add(types, type);
	want = want_for(s, types);
	if (can != ES_CAN_DELIVER && can != ES_CAN_HOLD)
		return can;
	r = esd_tracepoints_refuse(&s->tracepoints, &want, how, size);
	if (r == -ENOENT && !auth)
		return ES_CAN_BE_SILENT;
	return r < 0 ? ES_CAN_NOT : can;
}

static void capabilities_find(struct esd_bpf *s, const uint64_t types[ES_TYPE_WORDS])
{
	unsigned int type;

	for (type = esd_types_next(types, 0); type < ES_EVENT_TYPES; type = esd_types_next(types, type + 1)) {
		struct es_capability_info *info = &s->base.capabilities[type];

		info->capability = capability(s, type, info->how, sizeof(info->how));
	}
}

static int sensor_load(struct esd_sensor *sensor, const uint64_t types[ES_TYPE_WORDS])
{
	struct esd_bpf *s = bpf_of(sensor);
	struct esd_want want;
	int r;

	r = s->hold->load ? s->hold->load(s, types) : 0;
	if (r == 0)
		r = esd_objects_load(&s->objects, types);
	if (r)
		return r;
	want = want_for(s, types);
	r = esd_tracepoints_load(&s->tracepoints, &want);
	for (unsigned int i = 0; r == 0 && i < ES_REPORTERS; i++)
		r = reports_load(s, &s->reports[i], types);
	if (r)
		return r;
	if (any_about_users(types))
		esd_accounts_start(&s->accounts, s->loop, map_fd(s->skel->maps.accounts),
				   map_fd(s->skel->maps.account_names));
	capabilities_find(s, types);
	reap_later(s);			/* detaches programs that were only tried, if there is no client */
	return 0;
}

/* ---- the sensor ---- */

static void sensor_free(struct esd_sensor *sensor)
{
	struct esd_bpf *s = bpf_of(sensor);

	if (s->tracepoints.skel) {
		for (unsigned int i = 0; i < ES_REPORTERS; i++)
			reports_stop(s, &s->reports[i]);
		for (unsigned int slot = 0; slot < ES_CLIENTS_MAX; slot++)
			sensor_client_remove(sensor, slot);
		for (unsigned int slot = 0; slot < ES_CLIENTS_MAX; slot++)
			if (s->slots[slot].dead)
				slot_clear(s, slot);
		detach_unneeded(s);
		esd_objects_deinit(&s->objects);
	}
	s->hold->stop(s);
	esd_accounts_deinit(&s->accounts);
	for (unsigned int i = 0; i < ES_REPORTERS; i++)
		esd_reports_deinit(&s->reports[i]);
	if (s->base.clients)
		munmap(s->base.clients, clients_bytes());
	sensor_bpf__destroy(s->skel);
	esd_programs_deinit(&s->programs);
	if (s->reaper_fd >= 0)
		loop_remove(s->loop, &s->reaper);
	closep(&s->reaper_fd);
	if (s->missed_fd >= 0)
		loop_remove(s->loop, &s->missed);
	closep(&s->missed_fd);
	closep(&s->base.end_fd);
	free(s);
}

static const struct esd_sensor_ops sensor_ops = {
	.free = sensor_free,
	.client_add = sensor_client_add,
	.client_remove = sensor_client_remove,
	.load = sensor_load,
	.begin = sensor_begin,
	.subscribe = sensor_subscribe,
	.pidversion = sensor_pidversion,
	.mute = sensor_mute,
	.mute_summary = sensor_mute_summary,
	.process_runs = sensor_process_runs,
	.counters = sensor_counters,
	.stats = sensor_stats,
	.cache_clear = sensor_cache_clear,
	.cache_info = sensor_cache_info,
	.keep = sensor_keep,
	.slot = sensor_slot,
};

/* ---- loading ---- */

static const char *load_advice(int error)
{
	if (error == -EPERM || error == -EACCES)
		return "needs root with CAP_BPF, CAP_PERFMON and CAP_SYS_ADMIN, and kernel lockdown not in "
		       "confidentiality mode; in a container, give it these";
	if (error == -ENOSYS || error == -EINVAL)
		return "needs a kernel with CONFIG_BPF_SYSCALL and CONFIG_BPF_EVENTS, 6.1 or later";
	if (error == -ENOMEM)
		return "needs more memory than this machine or its cgroup gives";
	return "with --verbose it says what was refused";
}

/*
 * On 7.x the older of two functions that schedule work still has a type, but another one than on 6.18, and no address.
 * libbpf refuses a function of another type, and the kernel one without an address, even if it is never called. So give
 * it a name that the kernel doesn't know.
 */
static void older_function_hide(struct bpf_object *object, const struct btf *kernel)
{
	const struct btf *own = bpf_object__btf(object);
	int id = btf__find_by_name_kind(own, "bpf_task_work_schedule_signal_impl", BTF_KIND_FUNC);

	if (id >= 0 && btf__find_by_name_kind(kernel, "bpf_task_work_schedule_signal", BTF_KIND_FUNC) >= 0)
		((char *)btf__name_by_offset(own, btf__type_by_id(own, id)->name_off))[0] = '_';
}

/* Since 7.x it is passed one argument less. */
static bool vfs_create_has_inode(const struct btf *btf)
{
	int id = btf__find_by_name_kind(btf, "vfs_create", BTF_KIND_FUNC);

	return id < 0 || btf_vlen(btf__type_by_id(btf, btf__type_by_id(btf, id)->type)) == 5;
}

/* Programs may be preempted, so several may be running for each CPU. */
static uint32_t pool_size(int cpus)
{
	uint32_t size = 32;

	while (size < SCRATCH_PER_CPU * (uint32_t)cpus && size < ES_SCRATCH_POOL)
		size *= 2;
	return size;
}

static int programs_open(struct esd_bpf *s, const struct btf *btf)
{
	int cpus = libbpf_num_possible_cpus(), r;

	if (cpus < 0)
		return cpus;
	r = esd_programs_catch(&s->programs);
	if (r < 0)
		return r;
	s->skel = sensor_bpf__open();
	if (!s->skel)
		return -errno;
	r = esd_programs_list(&s->programs, s->skel->obj, btf);
	if (r < 0)
		return r;
	esd_tracepoints_init(&s->tracepoints, s->skel, &s->programs);
	esd_objects_init(&s->objects, s->skel, &s->programs);
	for (unsigned int i = 0; i < ES_REPORTERS; i++)
		esd_reports_init(&s->reports[i], i, s->report_folders[i], esd_programs_find(&s->programs, "report"));
	s->skel->rodata->vfs_create_has_inode = vfs_create_has_inode(btf);
	older_function_hide(s->skel->obj, btf);
	s->hold->choose(s, btf);
	esd_syscalls_native(s->skel->rodata->syscalls);
	esd_syscalls_compat(s->skel->rodata->syscalls + ES_SYSCALLS);
	if (getrandom((void *)s->skel->rodata->mute_keys, sizeof(s->skel->rodata->mute_keys), 0) !=
	    sizeof(s->skel->rodata->mute_keys))
		return -EIO;
	s->skel->rodata->scratch_pool = pool_size(cpus);
	r = bpf_map__set_max_entries(s->skel->maps.scratch, s->skel->rodata->scratch_pool);
	return r < 0 || !s->kept ? r : esd_keep_maps(s->skel->obj, s->kept);
}

/* Loads the programs that every daemon needs. */
static int base_load(struct esd_bpf *s)
{
	const struct esd_want want = { .clients = true };
	char how[sizeof(s->base.capabilities[0].how)];
	int r;

	do
		r = esd_tracepoints_load(&s->tracepoints, &want);
	while (r > 0);
	if (r == 0)
		r = esd_program_load(esd_programs_find(&s->programs, "fill_tasks"));
	if (r > 0)
		return -r;
	if (r == 0 && esd_tracepoints_refuse(&s->tracepoints, &want, how, sizeof(how)))
		r = -EOPNOTSUPP;
	return r;
}

static void control_init(struct esd_bpf *s, const struct esd_scope *scope)
{
	struct es_sensor_control *control = &s->skel->bss->control;

	control->daemon_tgid = getpid();
	control->keeper_tgid = esd_life_pid();
	control->scope_cgroup = scope->cgroup;
	control->scope_cgroup_level = scope->cgroup_level;
	control->scope_mounts = scope->mounts;
	memcpy(control->scope_mount, scope->mount_id, sizeof(control->scope_mount));
	control->lsm = s->hold->number == ES_SENSOR_LSM;
	control->system_uid_max = esd_mute_default_uid_max("/etc/login.defs");
}

/* After the object is loaded, for a sensor that begins. */
static int programs_begin(struct esd_bpf *s, const struct esd_scope *scope)
{
	int r;

	control_init(s, scope);
	r = defaults_write(s);
	if (r == 0)
		r = base_load(s);
	if (r == 0)
		esd_names_find(esd_programs_find(&s->programs, "look_names"), &s->skel->bss->names);
	return r;
}

/* And for one that goes on. The scope is that of the daemon before, whose options are ours. */
static int programs_go_on(struct esd_bpf *s)
{
	sensor_rest_keep(s, s->kept);
	s->skel->bss->control.daemon_tgid = getpid();
	s->skel->bss->control.probe_tid = 0;		/* it may have died when it just tried something */
	return s->kept->bad ? -EBADMSG : 0;
}

static int programs_load(struct esd_bpf *s, const struct esd_scope *scope, const struct btf *btf)
{
	int r;

	r = programs_open(s, btf);
	if (r < 0) {
		log_error("the sensor's programs can't be opened: %s", strerror(-r));
		return r;
	}
	r = sensor_bpf__load(s->skel);
	if (r == 0) {
		esd_programs_caught(s->skel->obj);
		r = s->kept ? programs_go_on(s) : programs_begin(s, scope);
	}
	if (r < 0)
		log_error("the sensor's programs can't be loaded: %s; %s", strerror(-r), load_advice(r));
	return r;
}

static int clients_map(struct esd_bpf *s)
{
	int fd = map_fd(s->skel->maps.clients);
	void *clients = mmap(NULL, clients_bytes(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (clients == MAP_FAILED)
		return -errno;
	s->base.clients = clients;
	s->base.clients_fd = fd;
	return 0;
}

/* A descriptor by which clients can wait but not write, since all share one map. */
static int end_map(struct esd_bpf *s)
{
	LIBBPF_OPTS(bpf_get_fd_by_id_opts, options, .open_flags = BPF_F_RDONLY);
	struct bpf_map_info info = {};
	uint32_t size = sizeof(info);
	int r;

	r = bpf_obj_get_info_by_fd(map_fd(s->skel->maps.end), &info, &size);
	if (r == 0)
		r = s->base.end_fd = bpf_map_get_fd_by_id_opts(info.id, &options);
	if (r < 0)
		log_error("the map that tells of the daemon's end can't be opened: %s", strerror(-r));
	return r < 0 ? r : 0;
}

static int sensor_start(struct esd_bpf *s, const struct esd_sensor_config *config, const struct btf *btf)
{
	int r;

	r = programs_load(s, config->scope, btf);
	if (r < 0)
		return r;
	s->reaper_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->reaper_fd < 0)
		return -errno;
	r = loop_add(s->loop, &s->reaper, s->reaper_fd, EPOLLIN, reaper_ready);
	if (r < 0)
		return r;
	s->missed_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (s->missed_fd < 0)
		return -errno;
	r = loop_add(s->loop, &s->missed, s->missed_fd, EPOLLIN, missed_ready);
	if (r < 0)
		return r;
	r = clients_map(s);
	if (r < 0)
		return r;
	r = end_map(s);
	if (r < 0)
		return r;
	r = s->hold->start(s, config);
	return r == 0 && s->kept ? sensor_go_on(s) : r;
}

int esd_bpf_init(struct esd_bpf *s, const struct esd_hold *hold, const struct esd_sensor_config *config,
		 const struct btf *btf, const char *reason)
{
	uint64_t all[ES_TYPE_WORDS];
	int r;

	memset(all, 0xff, sizeof(all));
	s->base.ops = &sensor_ops;
	s->base.number = hold->number;
	s->hold = hold;
	s->loop = config->loop;
	s->reaper = (struct loop_source)LOOP_SOURCE_NONE;
	s->missed = (struct loop_source)LOOP_SOURCE_NONE;
	s->reaper_fd = s->missed_fd = s->base.end_fd = -1;
	s->kept = config->kept;
	s->base.keeps = hold->keep;
	s->ring_bytes = config->ring_bytes;
	s->report_folders[0] = config->accounts;
	s->report_folders[1] = config->items;
	snprintf(s->base.reason, sizeof(s->base.reason), "%s", reason);
	r = sensor_start(s, config, btf);
	if (r < 0) {
		sensor_free(&s->base);
		return r;
	}
	s->kept = NULL;
	s->told_of_users = can_be_told_of_users();
	capabilities_find(s, all);
	return 0;
}
