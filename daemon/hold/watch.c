/* SPDX-License-Identifier: MIT */
#include "daemon/hold/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/fuse.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "abi/ask.h"
#include "daemon/sensor/event.h"
#include "daemon/sensor/gate-fanotify.h"
#include "util/clock.h"
#include "util/macro.h"

/* How often to check a gate that queues. Nothing else reports the beginning of a stall. */
#define QUEUE_TICK_NS (25 * NS_PER_MS)

/* How soon to check again when a late task couldn't be woken yet. */
#define AGAIN_NS (5 * NS_PER_MS)

/* ---- looking ---- */

static uint64_t shortest_ns(const struct es_sensor_client *settings)
{
	uint32_t shortest = UINT32_MAX;

	for (unsigned int type = 0; type < ES_EVENT_TYPES; type++) {
		uint32_t ms = __atomic_load_n(&settings->deadline_ms[type], __ATOMIC_RELAXED);

		if (ms && ms < shortest)
			shortest = ms;
	}
	return shortest * NS_PER_MS;
}

static bool entry_late(const struct es_held *entry, uint64_t before_ns, struct esd_late *ret)
{
	uint64_t id = __atomic_load_n(&entry->auth_id, __ATOMIC_ACQUIRE);
	uint64_t deadline_ns;

	*ret = (struct esd_late){};
	if (!id)
		return false;
	deadline_ns = __atomic_load_n(&entry->deadline_ns, __ATOMIC_ACQUIRE);
	if (!deadline_ns || deadline_ns >= before_ns)
		return false;
	ret->auth_id = id;
	ret->late_ns = before_ns - deadline_ns;
	ret->tid = __atomic_load_n(&entry->tid, __ATOMIC_RELAXED);
	ret->tgid = __atomic_load_n(&entry->tgid, __ATOMIC_RELAXED);
	ret->type = __atomic_load_n(&entry->type, __ATOMIC_RELAXED);
	for (size_t i = 0; i < sizeof(ret->path); i++)
		ret->path[i] = __atomic_load_n(&entry->path[i], __ATOMIC_RELAXED);
	ret->path[sizeof(ret->path) - 1] = 0;
	return __atomic_load_n(&entry->auth_id, __ATOMIC_ACQUIRE) == id;
}

/* With the lsm sensor: the task sleeps at the gate, and nobody has woken it. Other sleep doesn't matter. */
static bool at_gate(const struct es_held *entry)
{
	return __atomic_load_n(&entry->flags, __ATOMIC_ACQUIRE) & ES_HELD_AT_GATE ||
	       __atomic_load_n(&entry->request, __ATOMIC_ACQUIRE);
}

/* A task that jumped out of its call from a signal handler needs no answer. Nor does a stopped task. */
static bool is_awaited(const struct esd_watch *watch, const struct es_held *entry, uint64_t now_ns)
{
	return watch->sensor != ES_SENSOR_LSM || at_gate(entry) ||
	       now_ns <= __atomic_load_n(&entry->seen_ns, __ATOMIC_ACQUIRE) + ES_LEFT_NS;
}

/*
 * The operation was answered, and its task doesn't sleep at the gate any more. The entry stays until it is freed: with
 * fanotify by the client, with the lsm sensor by the task.
 */
static bool entry_settled(const struct esd_watch *watch, const struct es_held *entry)
{
	if (!(__atomic_load_n(&entry->verdict, __ATOMIC_ACQUIRE) & ES_VERDICT_MASK))
		return false;
	return watch->sensor == ES_SENSOR_LSM ? !at_gate(entry) : !__atomic_load_n(&entry->request, __ATOMIC_ACQUIRE);
}

static uint32_t event_type(const struct fanotify_event_metadata *event)
{
	return event->mask & FAN_OPEN_EXEC_PERM ? ESD_AUTH_EXEC : ESD_AUTH_OPEN;
}

static void event_path(const struct esd_watch *watch, const struct fanotify_event_metadata *event, struct esd_late *ret)
{
	char link[48];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/%u/fd/%d", watch->settings->tgid, event->fd);
	n = readlink(link, ret->path, sizeof(ret->path) - 1);
	ret->path[n < 0 ? 0 : n] = 0;
}

/* The client has read an event into this entry, but hasn't run the kernel program that sets a deadline. */
static bool entry_claimed(const struct es_held *entry, struct fanotify_event_metadata *ret, uint64_t *ret_auth_id)
{
	uint64_t id = __atomic_load_n(&entry->auth_id, __ATOMIC_ACQUIRE), words[ARRAY_SIZE(entry->event)];

	if (!id || __atomic_load_n(&entry->deadline_ns, __ATOMIC_ACQUIRE))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		words[i] = __atomic_load_n(&entry->event[i], __ATOMIC_ACQUIRE);
	memcpy(ret, words, sizeof(*ret));
	*ret_auth_id = id;
	return ret->event_len == sizeof(*ret) && ret->vers == FANOTIFY_METADATA_VERSION && ret->fd >= 0 &&
	       !__atomic_load_n(&entry->deadline_ns, __ATOMIC_ACQUIRE) &&
	       __atomic_load_n(&entry->auth_id, __ATOMIC_ACQUIRE) == id;
}

/* There is at most one such entry, because only one thread of the client reads the gate. */
static bool claim_late(struct esd_watch *watch, const struct es_held *entry, uint64_t now_ns, uint64_t spare_ns,
		       struct esd_late *ret)
{
	struct fanotify_event_metadata event;
	uint64_t id, ends_ns;

	if (watch->sensor != ES_SENSOR_TRACEPOINT || !entry_claimed(entry, &event, &id))
		return false;
	if (watch->claim.auth_id != id)
		watch->claim = (struct esd_watch_seen){ .auth_id = id, .since_ns = now_ns };
	ends_ns = watch->claim.since_ns + shortest_ns(watch->settings);
	if (now_ns <= ends_ns + spare_ns)
		return false;
	*ret = (struct esd_late){ .auth_id = id, .late_ns = now_ns - ends_ns - spare_ns, .type = event_type(&event),
				  .tid = event.pid, .tgid = event.pid, .number = (uint32_t)event.fd + 1 };
	event_path(watch, &event, ret);
	return true;
}

/* How long has the task slept on after its answer? Times one such entry at a time. */
static uint64_t asleep_ns(struct esd_watch *watch, uint64_t auth_id, uint64_t now_ns)
{
	struct esd_watch_seen *seen = &watch->asleep;
	const struct es_held *entry = &watch->held[seen->auth_id % ES_HELD_MAX];

	if (!seen->auth_id || __atomic_load_n(&entry->auth_id, __ATOMIC_ACQUIRE) != seen->auth_id ||
	    entry_settled(watch, entry))
		*seen = (struct esd_watch_seen){ .auth_id = auth_id, .since_ns = now_ns };
	return seen->auth_id == auth_id ? now_ns - seen->since_ns : 0;
}

bool esd_watch_late(struct esd_watch *watch, uint64_t now_ns, uint64_t spare_ns, unsigned int *index,
		    struct esd_late *ret)
{
	for (; *index < ES_HELD_MAX; (*index)++) {
		const struct es_held *entry = &watch->held[*index];

		if (!claim_late(watch, entry, now_ns, spare_ns, ret) &&
		    (!entry_late(entry, now_ns - spare_ns, ret) || !is_awaited(watch, entry, now_ns) ||
		     entry_settled(watch, entry)))
			continue;
		if (__atomic_load_n(&entry->verdict, __ATOMIC_ACQUIRE) & ES_VERDICT_MASK) {
			ret->answered = true;
			ret->lost = asleep_ns(watch, ret->auth_id, now_ns) > ES_LATE_NS;
		}
		ret->late_ns += spare_ns;
		ret->index = (*index)++;
		return true;
	}
	return false;
}

bool esd_watch_kills(const struct esd_late *late, uint32_t mode)
{
	return late->answered ? late->lost : mode == ES_MISS_KILL;
}

/* Are there unread operations in the client's gate? */
static bool gate_untouched(const struct esd_watch *watch, int *ret_queued)
{
	struct pollfd gate = { .fd = watch->gate_fd, .events = POLLIN };

	return watch->queues && poll(&gate, 1, 0) == 1 && gate.revents & POLLIN &&
	       ioctl(gate.fd, FIONREAD, ret_queued) == 0;
}

/* Grows whenever the client or an outsider takes an operation from the gate. */
static uint64_t progress(const struct es_sensor_client *settings)
{
	return __atomic_load_n(&settings->asked, __ATOMIC_RELAXED) +
	       __atomic_load_n(&settings->lost_all, __ATOMIC_RELAXED);
}

bool esd_watch_stalled(struct esd_watch *watch, uint64_t now_ns, uint64_t spare_ns, uint64_t *ret_since_ns)
{
	uint64_t moved = progress(watch->settings);
	int queued = 0;

	if (!gate_untouched(watch, &queued)) {
		watch->stalled_ns = 0;
		return false;
	}
	if (!watch->stalled_ns || moved != watch->moved || queued < watch->queued) {
		watch->stalled_ns = now_ns;
		watch->moved = moved;
	}
	watch->queued = queued;
	if (now_ns - watch->stalled_ns <= shortest_ns(watch->settings) + spare_ns)
		return false;
	*ret_since_ns = watch->stalled_ns;
	watch->stalled_ns = 0;		/* the caller answers all that is queued now; time the next ones afresh */
	return true;
}

uint64_t esd_watch_next_ns(const struct esd_watch *watch, uint64_t now_ns, uint64_t spare_ns)
{
	uint64_t next = now_ns + (watch->queues ? QUEUE_TICK_NS : shortest_ns(watch->settings)) + spare_ns;

	for (unsigned int i = 0; i < ES_HELD_MAX; i++) {
		const struct es_held *entry = &watch->held[i];
		uint64_t deadline_ns = __atomic_load_n(&entry->deadline_ns, __ATOMIC_RELAXED);

		if (!__atomic_load_n(&entry->auth_id, __ATOMIC_RELAXED) || !deadline_ns || entry_settled(watch, entry))
			continue;
		if (deadline_ns < now_ns && !is_awaited(watch, entry, now_ns))
			deadline_ns = now_ns + ES_LEFT_NS;	/* the task may return to its call */
		if (deadline_ns + spare_ns < next)
			next = deadline_ns + spare_ns;
	}
	return next > now_ns ? next : now_ns + AGAIN_NS;
}

bool esd_watch_any(const struct esd_watch *watch)
{
	for (unsigned int i = 0; i < ES_HELD_MAX; i++)
		if (__atomic_load_n(&watch->held[i].auth_id, __ATOMIC_RELAXED))
			return true;
	return false;
}

/* ---- answering for a client ---- */

/* Reports the denial to the kernel programs, which deliver it to NOTIFY clients. */
static void note_denied(const struct esd_watch *watch, uint32_t tid)
{
	struct es_ask ask = { .slot = watch->slot, .tid = tid, .fd = -1, .mask = ES_ASK_NOTE_DENIED, .auth_id = 1 };
	union bpf_attr attr = {};

	if (watch->ask_fd < 0)
		return;
	attr.test.prog_fd = watch->ask_fd;
	attr.test.ctx_in = (uintptr_t)&ask;
	attr.test.ctx_size_in = sizeof(ask);
	(void)syscall(SYS_bpf, BPF_PROG_RUN, &attr, sizeof(attr));
}

static void fanotify_write(int gate_fd, int event_fd, bool allow)
{
	struct fanotify_response response = { .fd = event_fd, .response = allow ? FAN_ALLOW : FAN_DENY };

	(void)!write(gate_fd, &response, sizeof(response));
}

/* The client wrote these numbers. A wrong one is harmless: it matches no event of its group. */
static void wake_fanotify(const struct esd_watch *watch, struct es_held *entry, const struct esd_late *late, bool allow)
{
	uint64_t request = __atomic_load_n(&entry->request, __ATOMIC_SEQ_CST), event = entry->event[0];

	if (!request && !late->number)
		return;
	if (!allow)
		note_denied(watch, late->tid);
	fanotify_write(watch->gate_fd, (int)(request ? request : late->number) - 1, allow);
	__atomic_store_n(&entry->request, 0, __ATOMIC_SEQ_CST);
	if (late->number)		/* compare first: the path may have replaced the event by now */
		(void)__atomic_compare_exchange_n(&entry->event[0], &event, 0, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

static void fuse_reply(int gate_fd, uint64_t unique)
{
	static const char value[4] = "now";		/* as lib/gate-fuse.c */
	const struct fuse_out_header header = { .len = sizeof(header) + sizeof(value), .unique = unique };
	const struct iovec parts[] = {
		{ (void *)&header, sizeof(header) },
		{ (void *)value, sizeof(value) },
	};

	(void)!writev(gate_fd, parts, 2);
}

/* Reads the requests that a stopped client left in the queue, and notes each in its entry, as the client would. */
static void fuse_read_for_client(const struct esd_watch *watch)
{
	union {
		struct fuse_in_header header;
		char bytes[2 * FUSE_MIN_READ_BUFFER];
	} input;

	for (int i = 0; i < ES_HELD_MAX; i++) {
		ssize_t n = read(watch->gate_fd, &input, sizeof(input));

		if (n < (ssize_t)sizeof(input.header))
			return;
		if (input.header.opcode != FUSE_GETXATTR)
			continue;
		for (uint32_t step = 0; step < ES_HELD_MAX; step++) {
			struct es_held *entry = &watch->held[(input.header.pid + step) % ES_HELD_MAX];

			if (__atomic_load_n(&entry->tid, __ATOMIC_RELAXED) != input.header.pid)
				continue;
			__atomic_store_n(&entry->request, input.header.unique, __ATOMIC_SEQ_CST);
			break;
		}
	}
}

/* Normally the client reads the requests (lib/gate-fuse.c). An outsider reads only if the entry has no request yet. */
static void wake_fuse(const struct esd_watch *watch, struct es_held *entry)
{
	uint64_t unique = __atomic_load_n(&entry->request, __ATOMIC_SEQ_CST);

	if (!unique) {
		fuse_read_for_client(watch);
		unique = __atomic_load_n(&entry->request, __ATOMIC_SEQ_CST);
	}
	if (!unique)
		return;
	__atomic_fetch_and(&entry->flags, ~ES_HELD_AT_GATE, __ATOMIC_SEQ_CST);
	fuse_reply(watch->gate_fd, unique);
	(void)__atomic_compare_exchange_n(&entry->request, &unique, 0, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

/*
 * Returns the verdict now in force; ES_VERDICT_NONE: the entry belongs to another operation, or to none. Read the word
 * before auth_id, and replace it only if it hasn't changed. Claims are marked in it, so zero means that no task waits.
 */
static uint32_t verdict_give(struct es_held *entry, uint64_t auth_id, uint32_t verdict, bool *ret_ours)
{
	uint32_t word;

	*ret_ours = false;
	do {
		word = __atomic_load_n(&entry->verdict, __ATOMIC_SEQ_CST);
		if (!word || __atomic_load_n(&entry->auth_id, __ATOMIC_SEQ_CST) != auth_id)
			return ES_VERDICT_NONE;
		if (word & ES_VERDICT_MASK)
			return word & ES_VERDICT_MASK;
	} while (!__atomic_compare_exchange_n(&entry->verdict, &word, word | verdict | ES_VERDICT_MISSED, false,
					      __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
	*ret_ours = true;
	return verdict;
}

bool esd_watch_settle(const struct esd_watch *watch, const struct esd_late *late, bool allow)
{
	struct es_held *entry = &watch->held[late->index];
	uint32_t verdict;
	bool ours;

	__atomic_fetch_or(&entry->outside, watch->bit, __ATOMIC_SEQ_CST);
	verdict = verdict_give(entry, late->auth_id, allow ? ES_VERDICT_ALLOW : ES_VERDICT_DENY, &ours);
	if (verdict != ES_VERDICT_NONE && watch->sensor != ES_SENSOR_TRACEPOINT)
		wake_fuse(watch, entry);
	else if (verdict != ES_VERDICT_NONE)
		wake_fanotify(watch, entry, late, verdict == ES_VERDICT_ALLOW);
	__atomic_fetch_and(&entry->outside, ~watch->bit, __ATOMIC_SEQ_CST);
	return ours;
}

static void unread_tell(const struct esd_watch *watch, const struct fanotify_event_metadata *event,
			struct esd_late *ret)
{
	char link[32];
	ssize_t n;

	*ret = (struct esd_late){ .tid = event->pid, .tgid = event->pid, .type = event_type(event) };
	snprintf(link, sizeof(link), "/proc/self/fd/%d", event->fd);
	n = readlink(link, ret->path, sizeof(ret->path) - 1);
	ret->path[n < 0 ? 0 : n] = 0;
	__atomic_fetch_add(&watch->settings->lost[ret->type], 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&watch->settings->lost_all, 1, __ATOMIC_RELAXED);
}

bool esd_watch_settle_unread(const struct esd_watch *watch, bool allow, struct esd_late *ret)
{
	struct fanotify_event_metadata event;

	if (watch->sensor != ES_SENSOR_TRACEPOINT || read(watch->gate_fd, &event, sizeof(event)) != sizeof(event))
		return false;
	*ret = (struct esd_late){};
	if (event.fd < 0)
		return true;
	unread_tell(watch, &event, ret);
	if (!allow)
		note_denied(watch, event.pid);
	fanotify_write(watch->gate_fd, event.fd, allow);
	close(event.fd);
	return true;
}

/* ---- the end of a client ---- */

static void allow_entries(const struct esd_watch *watch)
{
	for (unsigned int i = 0; i < ES_HELD_MAX; i++) {
		uint64_t id = __atomic_load_n(&watch->held[i].auth_id, __ATOMIC_ACQUIRE);
		bool ours;

		if (id)
			(void)verdict_give(&watch->held[i], id, ES_VERDICT_ALLOW, &ours);
	}
}

/* Allows events whose numbers are too high for esd_gate_release() to try. */
static void allow_numbers(const struct esd_watch *watch)
{
	for (unsigned int i = 0; i < ES_HELD_MAX; i++) {
		uint64_t request = __atomic_load_n(&watch->held[i].request, __ATOMIC_RELAXED);

		if (request && __atomic_load_n(&watch->held[i].auth_id, __ATOMIC_RELAXED))
			fanotify_write(watch->gate_fd, (int)request - 1, true);
	}
}

void esd_watch_let_go(const struct esd_watch *watch)
{
	__atomic_store_n(&watch->settings->tgid, 0, __ATOMIC_SEQ_CST);
	if (watch->sensor == ES_SENSOR_LSM || watch->sensor == ES_SENSOR_REPLAY) {
		allow_entries(watch);
		if (watch->abort_fd >= 0)
			(void)!write(watch->abort_fd, "1", 1);
	} else if (watch->sensor == ES_SENSOR_TRACEPOINT) {
		esd_gate_release(watch->gate_fd);
		allow_numbers(watch);
	}
}
