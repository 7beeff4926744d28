/* SPDX-License-Identifier: MIT */
#include "gate-fanotify.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/fanotify.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <EndpointSecurity/EndpointSecurity.h>

#include "events.h"
#include "log.h"
#include "util/clock.h"
#include "util/macro.h"

enum { BATCH = 16 };

/* An outsider has answered by this long after a deadline. Also how long to wait until looking again. */
#define COLLECT_NS 30000000ull

static struct esl_fanotify_gate *fanotify_gate(struct esl_gate *gate)
{
	return container_of(gate, struct esl_fanotify_gate, gate);
}

static int run_ask_program(struct esl_fanotify_gate *gate, struct es_ask *ask)
{
	union bpf_attr attr = {};

	attr.test.prog_fd = (uint32_t)gate->gate.ask_fd;
	attr.test.ctx_in = (uint64_t)(uintptr_t)ask;
	attr.test.ctx_size_in = sizeof(*ask);
	return syscall(SYS_bpf, BPF_PROG_RUN, &attr, sizeof(attr)) < 0 ? -errno : 0;
}

/* Each waiting event takes one of the program's descriptors, so entries take half of its limit at most. */
static uint32_t entries_allowed(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur / 2 > ES_HELD_MAX)
		return ES_HELD_MAX;
	return limit.rlim_cur >= 2 ? (uint32_t)limit.rlim_cur / 2 : 1;
}

static int write_answer(int fd, int event_fd, bool allow)
{
	const struct fanotify_response response = { .fd = event_fd, .response = allow ? FAN_ALLOW : FAN_DENY };
	ssize_t n;

	do
		n = write(fd, &response, sizeof(response));
	while (n < 0 && errno == EINTR);
	/* ENOENT: the task was killed, and doesn't wait any more. */
	if (n < 0 && errno != ENOENT)
		return -errno;
	return 0;
}

static void note_denied(struct esl_fanotify_gate *gate, const struct esl_waiting *waiting)
{
	struct es_ask ask = {
		.slot = gate->gate.slot,
		.tid = waiting->tid,
		.fd = waiting->fd,
		.mask = ES_ASK_NOTE_DENIED,
		.auth_id = waiting->auth_id,
	};

	gate->ask(gate, &ask);
}

static struct es_held *held_of(struct esl_fanotify_gate *gate, const struct esl_waiting *waiting)
{
	return &gate->gate.held[waiting - gate->waiting];
}

static void free_entry(struct esl_fanotify_gate *gate, struct esl_waiting *waiting, int *ret_event_fd)
{
	*ret_event_fd = waiting->fd;
	*waiting = (struct esl_waiting){ .fd = -1 };
	gate->free[gate->free_count++] = (uint16_t)(waiting - gate->waiting);
	if (gate->starved) {
		gate->starved = false;
		eventfd_write(gate->gate.wake_fd, 1);
	}
}

/* The thread that sets the verdict first answers. False: an outsider did at the deadline. */
static bool set_verdict(struct es_held *entry, enum es_verdict verdict)
{
	uint32_t word = __atomic_load_n(&entry->verdict, __ATOMIC_SEQ_CST);

	return !(word & ES_VERDICT_MASK) &&
	       __atomic_compare_exchange_n(&entry->verdict, &word, word | verdict, false, __ATOMIC_SEQ_CST,
					   __ATOMIC_SEQ_CST);
}

/*
 * With the lock held: answers, and frees the entry. -EALREADY if an outsider answered at the deadline. The caller
 * closes the event's descriptor without the lock, since a file's last close may take long. auth_id is cleared last,
 * since the daemon watches the deadline until then. If an outsider is about to use the descriptor's number, the entry
 * lingers: the number must not be reused yet.
 */
static int answer_entry(struct esl_fanotify_gate *gate, struct esl_waiting *waiting, bool allow, int *ret_event_fd)
{
	struct es_held *entry = held_of(gate, waiting);
	int r = -EALREADY;

	if (set_verdict(entry, allow ? ES_VERDICT_ALLOW : ES_VERDICT_DENY)) {
		if (!allow)
			note_denied(gate, waiting);
		r = write_answer(gate->gate.fd, waiting->fd, allow);
	}
	__atomic_store_n(&entry->auth_id, 0, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&entry->outside, __ATOMIC_SEQ_CST)) {
		waiting->auth_id = 0;
		waiting->lingers = true;
		gate->lingering++;
		eventfd_write(gate->gate.wake_fd, 1);
	} else {
		free_entry(gate, waiting, ret_event_fd);
	}
	return r;
}

/* NULL: nothing with this id waits. With the lock held. */
static struct esl_waiting *find(struct esl_fanotify_gate *gate, uint64_t auth_id)
{
	struct esl_waiting *waiting = &gate->waiting[auth_id % ES_HELD_MAX];

	return auth_id && waiting->auth_id == auth_id ? waiting : NULL;
}

static int answer(struct esl_gate *base, uint64_t auth_id, bool allow, uint32_t keep)
{
	struct esl_fanotify_gate *gate = fanotify_gate(base);
	_cleanup_close_ int event_fd = -1;
	struct esl_waiting *waiting;
	int r = -ENOENT;

	(void)keep;
	pthread_mutex_lock(&gate->gate.lock);
	waiting = find(gate, auth_id);
	if (gate->gate.fd < 0)
		r = -ESHUTDOWN;
	else if (waiting)
		r = answer_entry(gate, waiting, allow, &event_fd);
	pthread_mutex_unlock(&gate->gate.lock);
	return r;
}

static void let_go(struct esl_gate *base, const uint64_t *types)
{
	struct esl_fanotify_gate *gate = fanotify_gate(base);

	for (size_t i = 0; i < ARRAY_SIZE(gate->waiting); i++) {
		struct esl_waiting *waiting = &gate->waiting[i];
		_cleanup_close_ int event_fd = -1;

		pthread_mutex_lock(&gate->gate.lock);
		if (gate->gate.fd >= 0 && waiting->auth_id && waiting->fd >= 0 &&
		    (!types || esl_types_has(types, waiting->type))) {
			if (waiting->asking)
				waiting->let_go = true;
			else
				answer_entry(gate, waiting, true, &event_fd);
		}
		pthread_mutex_unlock(&gate->gate.lock);
	}
}

/* How many events may be read: that many entries are free, and only this thread takes them. */
static uint32_t free_entries(struct esl_fanotify_gate *gate)
{
	uint32_t count;

	pthread_mutex_lock(&gate->gate.lock);
	count = gate->free_count;
	gate->starved = count == 0;
	pthread_mutex_unlock(&gate->gate.lock);
	return count;
}

static bool may_read(struct esl_gate *gate)
{
	return free_entries(fanotify_gate(gate)) > 0;
}

/*
 * Claims an entry before an event is read. So the daemon sees each task that waits for this client, at whatever point
 * the client is stopped. An entry is free: the caller has checked, and only this thread takes them.
 */
static struct esl_waiting *claim(struct esl_fanotify_gate *gate)
{
	struct esl_waiting *waiting;
	struct es_held *entry;
	uint16_t index;

	pthread_mutex_lock(&gate->gate.lock);
	index = gate->free[--gate->free_count];
	waiting = &gate->waiting[index];
	*waiting = (struct esl_waiting){
		.auth_id = ++gate->generation * ES_HELD_MAX + index,
		.fd = -1,
		.asking = true,
	};
	entry = held_of(gate, waiting);
	__atomic_store_n(&entry->deadline_ns, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&entry->flags, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&entry->request, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&entry->event[0], 0, __ATOMIC_RELAXED);
	__atomic_store_n(&entry->verdict, ES_VERDICT_MARK(gate->generation), __ATOMIC_RELAXED);
	__atomic_store_n(&entry->auth_id, waiting->auth_id, __ATOMIC_RELEASE);
	pthread_mutex_unlock(&gate->gate.lock);
	return waiting;
}

/* There was nothing to read. */
static void unclaim(struct esl_fanotify_gate *gate, struct esl_waiting *waiting)
{
	int none;

	pthread_mutex_lock(&gate->gate.lock);
	__atomic_store_n(&held_of(gate, waiting)->auth_id, 0, __ATOMIC_SEQ_CST);
	free_entry(gate, waiting, &none);
	pthread_mutex_unlock(&gate->gate.lock);
}

/* Writes into the entry which task waits, and for what. Returns the entry's id. */
static uint64_t note_event(struct esl_fanotify_gate *gate, struct esl_waiting *waiting,
			   const struct fanotify_event_metadata *event)
{
	bool is_exec = event->mask & FAN_OPEN_EXEC_PERM;
	uint64_t auth_id;

	pthread_mutex_lock(&gate->gate.lock);
	waiting->fd = event->fd;
	waiting->tid = (uint32_t)event->pid;
	waiting->type = is_exec ? ES_EVENT_TYPE_AUTH_EXEC : ES_EVENT_TYPE_AUTH_OPEN;
	auth_id = waiting->auth_id;
	__atomic_store_n(&held_of(gate, waiting)->request, (uint64_t)event->fd + 1, __ATOMIC_SEQ_CST);
	pthread_mutex_unlock(&gate->gate.lock);
	return auth_id;
}

/* Fanotify opened the descriptor for us, so reading it makes no permission event. */
static uint32_t is_script(const struct fanotify_event_metadata *event)
{
	char start[2];

	return event->mask & FAN_OPEN_EXEC_PERM && pread(event->fd, start, sizeof(start), 0) == sizeof(start) &&
	       start[0] == '#' && start[1] == '!';
}

/* Asks even if the deadline has answered the event already. The client then gets a late message, as late as any. */
static void handle_event(struct esl_fanotify_gate *gate, struct esl_waiting *waiting,
			 const struct fanotify_event_metadata *event)
{
	_cleanup_close_ int event_fd = -1;
	struct es_ask ask = {
		.slot = gate->gate.slot,
		.tid = (uint32_t)event->pid,
		.fd = event->fd,
		.mask = (uint32_t)event->mask,
		.script = is_script(event),
	};
	int r;

	ask.auth_id = note_event(gate, waiting, event);
	r = gate->ask(gate, &ask);
	if (r < 0 && !gate->said_ask) {
		gate->said_ask = true;
		esl_log("operations are let through unasked: the kernel refused to run the ask program (%s); "
			"a client must keep its privileges", esl_errno(r));
	}

	/* Once a record is in the ring, the client may have answered, and the entry may be another event's. */
	pthread_mutex_lock(&gate->gate.lock);
	if (waiting->auth_id == ask.auth_id) {
		waiting->asking = false;
		if (r < 0 || ask.verdict != ES_ASK_ASKED || waiting->let_go)
			answer_entry(gate, waiting, r < 0 || ask.verdict != ES_ASK_DENY || waiting->let_go, &event_fd);
	}
	pthread_mutex_unlock(&gate->gate.lock);
}

static void allow_event(struct esl_fanotify_gate *gate, struct esl_waiting *waiting,
			const struct fanotify_event_metadata *event)
{
	_cleanup_close_ int event_fd = -1;

	note_event(gate, waiting, event);
	pthread_mutex_lock(&gate->gate.lock);
	answer_entry(gate, waiting, true, &event_fd);
	pthread_mutex_unlock(&gate->gate.lock);
}

static int read_event(struct esl_fanotify_gate *gate, void *event)
{
	ssize_t n;

	do
		n = read(gate->gate.fd, event, sizeof(struct fanotify_event_metadata));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? 0 : -errno;
	return n == sizeof(struct fanotify_event_metadata);
}

/* Reads an event into the entry, where the daemon finds it if we get no further. 1: there was one. */
static int read_one(struct esl_fanotify_gate *gate,
		    void (*handle)(struct esl_fanotify_gate *gate, struct esl_waiting *waiting,
				   const struct fanotify_event_metadata *event))
{
	struct esl_waiting *waiting = claim(gate);
	struct fanotify_event_metadata event;
	int r = read_event(gate, held_of(gate, waiting)->event);

	memcpy(&event, held_of(gate, waiting)->event, sizeof(event));
	if (r > 0 && event.vers != FANOTIFY_METADATA_VERSION)
		r = -EPROTO;
	if (r > 0 && event.fd >= 0)
		handle(gate, waiting, &event);
	else
		unclaim(gate, waiting);
	return r;
}

/* Has an outsider answered this entry at its deadline, and finished with the descriptor? */
static bool is_over(const struct es_held *entry, const struct esl_waiting *waiting)
{
	if (waiting->lingers)
		return !__atomic_load_n(&entry->outside, __ATOMIC_SEQ_CST);
	return waiting->auth_id && !waiting->asking &&
	       __atomic_load_n(&entry->verdict, __ATOMIC_SEQ_CST) & ES_VERDICT_MISSED &&
	       !__atomic_load_n(&entry->request, __ATOMIC_SEQ_CST);
}

static void collect(struct esl_fanotify_gate *gate)
{
	for (size_t i = 0; i < ARRAY_SIZE(gate->waiting); i++) {
		struct esl_waiting *waiting = &gate->waiting[i];
		_cleanup_close_ int event_fd = -1;

		pthread_mutex_lock(&gate->gate.lock);
		if (gate->gate.fd >= 0 && is_over(&gate->gate.held[i], waiting)) {
			if (waiting->lingers) {
				gate->lingering--;
				free_entry(gate, waiting, &event_fd);
			} else {
				answer_entry(gate, waiting, true, &event_fd);
			}
		}
		pthread_mutex_unlock(&gate->gate.lock);
	}
}

static bool may_be_missed(struct esl_fanotify_gate *gate)
{
	return atomic_load(&gate->gate.miss_mode) != ES_MISS_KILL || gate->lingering;
}

/* When to collect next, if this client survives the missed deadline. False: nothing can be missed. */
static bool next_over(struct esl_gate *base, uint64_t *ret_ns)
{
	struct esl_fanotify_gate *gate = fanotify_gate(base);
	uint64_t next = UINT64_MAX, now = clock_ns();

	pthread_mutex_lock(&base->lock);
	for (size_t i = 0; may_be_missed(gate) && i < ARRAY_SIZE(gate->waiting); i++) {
		uint64_t deadline = __atomic_load_n(&base->held[i].deadline_ns, __ATOMIC_RELAXED);

		if (!gate->waiting[i].lingers && (!gate->waiting[i].auth_id || !deadline))
			continue;
		if (gate->waiting[i].lingers || deadline < now)
			deadline = now;
		if (deadline + COLLECT_NS < next)
			next = deadline + COLLECT_NS;
	}
	pthread_mutex_unlock(&base->lock);
	*ret_ns = next;
	return next != UINT64_MAX;
}

static int read_gate(struct esl_gate *base)
{
	struct esl_fanotify_gate *gate = fanotify_gate(base);
	int count = 0, r = 1;

	while (count < BATCH && free_entries(gate) && (r = read_one(gate, handle_event)) > 0)
		count++;
	if (may_be_missed(gate))
		collect(gate);
	/* The kernel has denied the operation whose descriptor it couldn't give us. */
	if (r < 0 && r != -EPROTO && !gate->said_read) {
		gate->said_read = true;
		esl_log("an operation was refused because this program could not be told of it: %s%s", esl_errno(r),
			r == -EMFILE ? "; raise its limit of open files (ulimit -n)" : "");
	}
	return r < 0 ? r : count;
}

static void remove_marks(int fd)
{
	fanotify_mark(fd, FAN_MARK_FLUSH, 0, AT_FDCWD, NULL);
	fanotify_mark(fd, FAN_MARK_FLUSH | FAN_MARK_MOUNT, 0, AT_FDCWD, NULL);
	fanotify_mark(fd, FAN_MARK_FLUSH | FAN_MARK_FILESYSTEM, 0, AT_FDCWD, NULL);
}

/* No more events are read, so the lingering descriptors' numbers can't come again in this group. */
static void close_lingering(struct esl_gate *base)
{
	struct esl_fanotify_gate *gate = fanotify_gate(base);

	for (size_t i = 0; i < ARRAY_SIZE(gate->waiting); i++) {
		_cleanup_close_ int event_fd = -1;

		pthread_mutex_lock(&gate->gate.lock);
		if (gate->waiting[i].lingers)
			free_entry(gate, &gate->waiting[i], &event_fd);
		pthread_mutex_unlock(&gate->gate.lock);
	}
}

/* Without marks only a task that saw one just before still comes; when the daemon ends, ask() lets it go. */
static void let_all_go(struct esl_gate *base)
{
	struct esl_fanotify_gate *gate = fanotify_gate(base);

	remove_marks(base->fd);
	let_go(base, NULL);
	while (free_entries(gate) && read_one(gate, allow_event) > 0)
		;
}

static const struct esl_gate_ops fanotify_gate_ops = {
	.may_read = may_read,
	.next_ns = next_over,
	.read = read_gate,
	.answer = answer,
	.let_go = let_go,
	.let_all_go = let_all_go,
	.finish = close_lingering,
};

int esl_fanotify_gate_new(const struct esl_gate_source *source, struct esl_gate **ret_gate)
{
	_cleanup_free_ struct esl_fanotify_gate *gate = calloc(1, sizeof(*gate));
	_cleanup_close_ int wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	uint32_t entries = entries_allowed();
	int r;

	if (!gate || wake_fd < 0)
		return -errno;
	r = esl_gate_init(&gate->gate, &fanotify_gate_ops, source);
	if (r < 0)
		return r;
	gate->gate.fd = source->fd;
	gate->gate.ask_fd = source->ask_fd;
	gate->gate.wake_fd = TAKE_FD(wake_fd);
	gate->ask = run_ask_program;
	while (gate->free_count < entries) {
		gate->free[gate->free_count] = (uint16_t)(entries - 1 - gate->free_count);
		gate->free_count++;
	}
	*ret_gate = &TAKE_POINTER(gate)->gate;
	return 0;
}
