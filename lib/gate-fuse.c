/* SPDX-License-Identifier: MIT */
#include "gate-fuse.h"

#include <errno.h>
#include <linux/fuse.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "events.h"
#include "log.h"
#include "util/clock.h"
#include "util/macro.h"

enum {
	BATCH = 16,
	DRAIN = 4 * ES_HELD_MAX,		/* requests that are read when the gate closes */
	TAKEN_NS = 100000000,
	QUEUE_MAX = 4096,
	QUEUE_NS = 20000000,
	QUEUE_TURN = 64,			/* at most this many leave it at once; the next, QUEUE_NS later */
	READ_BYTES = 2 * FUSE_MIN_READ_BUFFER,
	GATE_NODE = 2,
};

/*
 * The low bits of `verdict` are the answer. The bits above are the kernel program's, and the library leaves them as
 * they are: they mark the claim, so an answer can't hit an entry that was freed or claimed anew just then.
 */

static const char attribute[] = "user.es";
static const char later[] = "user.es.later";	/* no entry was free for the task: it comes back after a while */
static const char value[4] = "now";		/* "look now": the verdict is elsewhere */

/* A task in the gate, at the index of its entry in held[], which has the number of its FUSE request. */
struct request {
	TAILQ_ENTRY(request) link;		/* in `sliced`, if due_ns is set */
	uint64_t due_ns;			/* when to reply, answered or not; 0: not before the answer */
	uint64_t let_go;			/* auth_id of a question that was let go, not answered */
};

struct fuse_gate {
	struct esl_gate gate;
	bool said_read;				/* this error is logged only once */
	union {
		struct fuse_in_header header;
		char bytes[READ_BYTES];
	} input;				/* the gate's thread's own */

	/* Under the gate's lock. */
	bool closing;				/* a task that comes now is let go */
	TAILQ_HEAD(, request) sliced;		/* in order of due_ns: slices are all of the same length */
	struct request requests[ES_HELD_MAX];
	struct {
		uint64_t unique;		/* 0: it was interrupted */
		uint64_t due_ns;
	} queue[QUEUE_MAX];			/* tasks that found no free entry, in order of arrival */
	unsigned int queue_first, queue_count;
	uint64_t queue_turn_ns;			/* when the next ones may leave the queue */
};

static struct fuse_gate *fuse_gate(struct esl_gate *gate)
{
	return container_of(gate, struct fuse_gate, gate);
}

static int reply(struct fuse_gate *gate, uint64_t unique, int error, const void *data, size_t bytes)
{
	const struct fuse_out_header header = {
		.len = (uint32_t)(sizeof(header) + bytes),
		.error = error,
		.unique = unique,
	};
	const struct iovec parts[] = {
		{ .iov_base = (void *)&header, .iov_len = sizeof(header) },
		{ .iov_base = (void *)data, .iov_len = bytes },
	};
	ssize_t n;

	do
		n = writev(gate->gate.fd, parts, bytes ? 2 : 1);
	while (n < 0 && errno == EINTR);
	/* ENOENT: the kernel has given the request up. */
	if (n < 0 && errno != ENOENT)
		return -errno;
	return 0;
}

static void remove_slice(struct fuse_gate *gate, struct request *request)
{
	if (request->due_ns)
		TAILQ_REMOVE(&gate->sliced, request, link);
	request->due_ns = 0;
}

static struct es_held *held_of(struct fuse_gate *gate, const struct request *request)
{
	return &gate->gate.held[request - gate->requests];
}

/*
 * The number stays in the entry until the reply is written: if we are stopped before, an outsider replies. Both may
 * reply, since a number never comes again.
 */
static int reply_to_entry(struct fuse_gate *gate, struct es_held *entry, uint64_t unique, int error)
{
	int r;

	__atomic_fetch_and(&entry->flags, ~ES_HELD_AT_GATE, __ATOMIC_SEQ_CST);
	r = error ? reply(gate, unique, error, NULL, 0) : reply(gate, unique, 0, value, sizeof(value));
	(void)__atomic_compare_exchange_n(&entry->request, &unique, 0, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
	return r;
}

/* Wakes the task that sleeps, if there is one. With the lock held. */
static int wake(struct fuse_gate *gate, struct request *request)
{
	struct es_held *entry = held_of(gate, request);
	uint64_t unique = __atomic_load_n(&entry->request, __ATOMIC_SEQ_CST);

	remove_slice(gate, request);
	return unique ? reply_to_entry(gate, entry, unique, 0) : 0;
}

/*
 * Writes an answer (enum es_verdict, and what to cache) into the entry. Reads the word before auth_id and replaces it
 * only if it is unchanged: claims are marked in the word, so the answer goes to this claim. Word zero: the entry is
 * being freed, or its question isn't asked yet. -ENOENT: the entry is free, or another's. -EALREADY: there is an
 * answer.
 */
static int set_verdict(struct es_held *entry, uint64_t auth_id, uint32_t verdict)
{
	uint32_t word;

	do {
		word = __atomic_load_n(&entry->verdict, __ATOMIC_ACQUIRE);
		if (!word || __atomic_load_n(&entry->auth_id, __ATOMIC_ACQUIRE) != auth_id)
			return -ENOENT;
		if (word & ES_VERDICT_MASK)
			return -EALREADY;
	} while (!__atomic_compare_exchange_n(&entry->verdict, &word, word | verdict, false, __ATOMIC_ACQ_REL,
					      __ATOMIC_ACQUIRE));
	return 0;
}

/* With the lock held. */
static int decide(struct fuse_gate *gate, uint64_t auth_id, uint32_t verdict)
{
	size_t index = auth_id % ES_HELD_MAX;
	int r = set_verdict(&gate->gate.held[index], auth_id, verdict);

	if (r == -EALREADY && gate->requests[index].let_go == auth_id)
		return -ENOENT;
	return r < 0 ? r : wake(gate, &gate->requests[index]);
}

static int answer(struct esl_gate *base, uint64_t auth_id, bool allow, uint32_t keep)
{
	int r = -ENOENT;

	pthread_mutex_lock(&base->lock);
	if (base->fd < 0)
		r = -ESHUTDOWN;
	else if (auth_id)
		r = decide(fuse_gate(base), auth_id, (allow ? ES_VERDICT_ALLOW : ES_VERDICT_DENY) | keep);
	pthread_mutex_unlock(&base->lock);
	return r;
}

/*
 * With the lock held. Skips an entry that was just claimed and doesn't have its type yet: the handler thread gets its
 * record and answers it.
 */
static void let_entry_go(struct fuse_gate *gate, size_t index, const uint64_t *types)
{
	const struct es_held *entry = &gate->gate.held[index];
	uint64_t auth_id = __atomic_load_n(&entry->auth_id, __ATOMIC_ACQUIRE);
	int r;

	if (!auth_id || auth_id % ES_HELD_MAX != index)
		return;
	if (types && (!__atomic_load_n(&entry->deadline_ns, __ATOMIC_ACQUIRE) ||
		      !esl_types_has(types, __atomic_load_n(&entry->type, __ATOMIC_RELAXED))))
		return;
	r = decide(gate, auth_id, ES_VERDICT_ALLOW);
	if (r != -ENOENT && r != -EALREADY)
		gate->requests[index].let_go = auth_id;
}

static void let_go(struct esl_gate *gate, const uint64_t *types)
{
	for (size_t i = 0; i < ES_HELD_MAX; i++) {
		pthread_mutex_lock(&gate->lock);
		if (gate->fd >= 0)
			let_entry_go(fuse_gate(gate), i, types);
		pthread_mutex_unlock(&gate->lock);
	}
}

/* Looks from the index where the kernel program looked for a free entry. NULL: the thread has none. */
static struct es_held *entry_of(struct esl_gate *gate, uint32_t tid)
{
	for (uint32_t step = 0; step < ES_HELD_MAX; step++) {
		struct es_held *entry = &gate->held[(tid + step) % ES_HELD_MAX];

		if (__atomic_load_n(&entry->tid, __ATOMIC_RELAXED) == tid &&
		    __atomic_load_n(&entry->auth_id, __ATOMIC_ACQUIRE))
			return entry;
	}
	return NULL;
}

/* A task has come. It goes on at once if it is answered or has no entry; else it sleeps. With the lock held. */
static void arrive(struct fuse_gate *gate, const struct fuse_in_header *header)
{
	struct es_held *entry = entry_of(&gate->gate, header->pid);
	struct request *request;

	if (entry && gate->closing)
		set_verdict(entry, __atomic_load_n(&entry->auth_id, __ATOMIC_ACQUIRE), ES_VERDICT_ALLOW);
	if (!entry) {
		reply(gate, header->unique, 0, value, sizeof(value));
		return;
	}
	if (__atomic_load_n(&entry->verdict, __ATOMIC_ACQUIRE) & ES_VERDICT_MASK) {
		(void)reply_to_entry(gate, entry, header->unique, 0);
		return;
	}

	esl_gate_queue(&gate->gate, entry);
	request = &gate->requests[entry - gate->gate.held];
	wake(gate, request);
	__atomic_store_n(&entry->request, header->unique, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&entry->flags, __ATOMIC_RELAXED) & ES_HELD_SLICED) {
		request->due_ns = clock_ns() + ES_GATE_SLICE_NS;
		TAILQ_INSERT_TAIL(&gate->sliced, request, link);
	}
	if (__atomic_load_n(&entry->verdict, __ATOMIC_SEQ_CST) & ES_VERDICT_MASK)
		wake(gate, request);		/* its deadline was answered just before, and woke no task */
}

/* With the lock held, as for queue_wake(). The task found no free entry, so it is sent back later. */
static void queue_up(struct fuse_gate *gate, const struct fuse_in_header *header)
{
	unsigned int index = (gate->queue_first + gate->queue_count) % QUEUE_MAX;

	if (gate->closing || gate->queue_count == QUEUE_MAX) {
		reply(gate, header->unique, 0, value, sizeof(value));
		return;
	}
	gate->queue[index].unique = header->unique;
	gate->queue[index].due_ns = clock_ns() + QUEUE_NS;
	gate->queue_count++;
}

/* Sends tasks back in turns: they are many, and all at once would keep the machine from making room. */
static void queue_wake(struct fuse_gate *gate, uint64_t now)
{
	if (now < gate->queue_turn_ns)
		return;
	for (int i = 0; gate->queue_count && gate->queue[gate->queue_first].due_ns <= now; i++) {
		if (i == QUEUE_TURN && !gate->closing) {
			gate->queue_turn_ns = now + QUEUE_NS;
			return;
		}
		if (gate->queue[gate->queue_first].unique)
			reply(gate, gate->queue[gate->queue_first].unique, 0, value, sizeof(value));
		gate->queue_first = (gate->queue_first + 1) % QUEUE_MAX;
		gate->queue_count--;
	}
}

static bool queue_interrupt(struct fuse_gate *gate, uint64_t unique)
{
	for (unsigned int i = 0; i < gate->queue_count; i++) {
		unsigned int index = (gate->queue_first + i) % QUEUE_MAX;

		if (gate->queue[index].unique != unique)
			continue;
		reply(gate, unique, -EINTR, NULL, 0);
		gate->queue[index].unique = 0;
		return true;
	}
	return false;
}

static void wake_due(struct fuse_gate *gate)
{
	struct request *request;
	uint64_t now;

	pthread_mutex_lock(&gate->gate.lock);
	now = TAILQ_EMPTY(&gate->sliced) && !gate->queue_count ? 0 : clock_ns();
	queue_wake(gate, now);
	while ((request = TAILQ_FIRST(&gate->sliced)) && request->due_ns <= now)
		wake(gate, request);
	pthread_mutex_unlock(&gate->gate.lock);
}

static bool next_due(struct esl_gate *base, uint64_t *ret_ns)
{
	struct fuse_gate *gate = fuse_gate(base);
	struct request *request;
	bool any;

	pthread_mutex_lock(&base->lock);
	request = TAILQ_FIRST(&gate->sliced);
	if (request)
		*ret_ns = request->due_ns;
	any = request;
	if (gate->queue_count) {
		uint64_t turn_ns = gate->queue[gate->queue_first].due_ns;

		if (turn_ns < gate->queue_turn_ns)
			turn_ns = gate->queue_turn_ns;
		if (!any || turn_ns < *ret_ns)
			*ret_ns = turn_ns;
		any = true;
	}
	pthread_mutex_unlock(&base->lock);
	return any;
}

/* Never replies ENOSYS: the kernel takes it for "no attributes, ever", and no task would wait any more. */
static void handle_getxattr(struct fuse_gate *gate, const struct fuse_in_header *header, const void *arguments)
{
	const struct fuse_getxattr_out size = { .size = sizeof(value) };
	const struct fuse_getxattr_in *in = arguments;
	const char *name = (const char *)(in + 1);
	size_t room = header->len - sizeof(*header) - sizeof(*in);
	bool comes_back = strnlen(name, room) < room && !strcmp(name, later);

	if (header->nodeid != GATE_NODE || strnlen(name, room) == room || (strcmp(name, attribute) && !comes_back)) {
		reply(gate, header->unique, -ENODATA, NULL, 0);
	} else if (!in->size) {
		reply(gate, header->unique, 0, &size, sizeof(size));
	} else if (in->size < sizeof(value)) {
		reply(gate, header->unique, -ERANGE, NULL, 0);
	} else {
		pthread_mutex_lock(&gate->gate.lock);
		if (comes_back)
			queue_up(gate, header);
		else
			arrive(gate, header);
		pthread_mutex_unlock(&gate->gate.lock);
	}
}

/*
 * A signal has come to a sleeping task. The task leaves, and comes back when the signal was handled, unless its call
 * can't be started over (ES_HELD_WHOLE). Requests are read before their interrupts, so an unknown number is of a
 * request that was replied to.
 */
static void handle_interrupt(struct fuse_gate *gate, const struct fuse_in_header *header, const void *arguments)
{
	const struct fuse_interrupt_in *in = arguments;

	bool queued;

	(void)header;
	pthread_mutex_lock(&gate->gate.lock);
	queued = in->unique && queue_interrupt(gate, in->unique);
	for (size_t i = 0; in->unique && !queued && i < ES_HELD_MAX; i++) {
		struct es_held *entry = &gate->gate.held[i];

		if (__atomic_load_n(&entry->request, __ATOMIC_RELAXED) != in->unique)
			continue;
		if (__atomic_load_n(&entry->flags, __ATOMIC_RELAXED) & ES_HELD_WHOLE)
			break;
		remove_slice(gate, &gate->requests[i]);
		reply_to_entry(gate, entry, in->unique, -EINTR);
		break;
	}
	pthread_mutex_unlock(&gate->gate.lock);
}

/*
 * Programs that list processes look at the file behind /proc/PID/exe, which may be the gate. Only the daemon knows
 * its size, and a wrong one would make the kernel throw the running program's pages away. So only the root's
 * attributes are given.
 */
static void handle_getattr(struct fuse_gate *gate, const struct fuse_in_header *header, const void *arguments)
{
	static const struct fuse_attr_out root = {
		.attr_valid = UINT32_MAX,
		.attr = { .ino = FUSE_ROOT_ID, .mode = S_IFDIR | 0555, .nlink = 1, .blksize = 4096 },
	};

	(void)arguments;
	if (header->nodeid == FUSE_ROOT_ID)
		reply(gate, header->unique, 0, &root, sizeof(root));
	else
		reply(gate, header->unique, -EACCES, NULL, 0);
}

static void handle_forget(struct fuse_gate *gate, const struct fuse_in_header *header, const void *arguments)
{
	(void)gate;
	(void)header;
	(void)arguments;
}

static void handle_destroy(struct fuse_gate *gate, const struct fuse_in_header *header, const void *arguments)
{
	(void)arguments;
	reply(gate, header->unique, 0, NULL, 0);
}

static const struct {
	void (*handle)(struct fuse_gate *gate, const struct fuse_in_header *header, const void *arguments);
	size_t bytes;				/* of the arguments, at least */
} handlers[] = {
	[FUSE_FORGET] = { handle_forget, 0 },
	[FUSE_GETATTR] = { handle_getattr, 0 },
	[FUSE_GETXATTR] = { handle_getxattr, sizeof(struct fuse_getxattr_in) },
	[FUSE_INTERRUPT] = { handle_interrupt, sizeof(struct fuse_interrupt_in) },
	[FUSE_DESTROY] = { handle_destroy, 0 },
	[FUSE_BATCH_FORGET] = { handle_forget, 0 },
};

static void handle_request(struct fuse_gate *gate)
{
	const struct fuse_in_header *header = &gate->input.header;

	if (header->opcode >= ARRAY_SIZE(handlers) || !handlers[header->opcode].handle)
		reply(gate, header->unique, -ENOSYS, NULL, 0);
	else if (header->len < sizeof(*header) + handlers[header->opcode].bytes)
		reply(gate, header->unique, -EINVAL, NULL, 0);
	else
		handlers[header->opcode].handle(gate, header, header + 1);
}

/* 1: there was one. ENOENT: the kernel took the request back while we read it. */
static int read_request(struct fuse_gate *gate)
{
	ssize_t n;

	do
		n = read(gate->gate.fd, gate->input.bytes, sizeof(gate->input.bytes));
	while (n < 0 && (errno == EINTR || errno == ENOENT));
	if (n < 0)
		return errno == EAGAIN ? 0 : -errno;
	return n >= (ssize_t)sizeof(gate->input.header) && gate->input.header.len == n ? 1 : -EBADMSG;
}

static int read_gate(struct esl_gate *base)
{
	struct fuse_gate *gate = fuse_gate(base);
	int count = 0, r = 1;

	while (count < BATCH && (r = read_request(gate)) > 0) {
		handle_request(gate);
		count++;
	}
	wake_due(gate);
	if (r >= 0)
		return count;

	/* ENODEV: the daemon has unmounted it; ECONNABORTED: it has ended it by force. Both are logged elsewhere. */
	if (r != -ENODEV && r != -ECONNABORTED && !gate->said_read) {
		gate->said_read = true;
		esl_log("the place where operations wait cannot be read: %s", esl_errno(r));
	}
	return -EPROTO;
}

static bool denied_waits(const struct esl_gate *gate)
{
	for (size_t i = 0; i < ES_HELD_MAX; i++)
		if (__atomic_load_n(&gate->held[i].auth_id, __ATOMIC_ACQUIRE) &&
		    (__atomic_load_n(&gate->held[i].verdict, __ATOMIC_ACQUIRE) & ES_VERDICT_MASK) == ES_VERDICT_DENY)
			return true;
	return false;
}

static void drain(struct fuse_gate *gate)
{
	for (int i = 0; i < DRAIN && read_request(gate) > 0; i++)
		handle_request(gate);
}

/*
 * When this client is gone, the daemon removes its entries, and a task that finds none goes on. A denial must still
 * count, so its task gets a moment to see it. Not longer, since the task may be stopped, or not get the CPU.
 */
static void await_denied(struct esl_gate *base)
{
	struct fuse_gate *gate = fuse_gate(base);
	const struct timespec pause = { .tv_nsec = 100000 };
	const uint64_t limit = clock_ns() + TAKEN_NS;

	while (denied_waits(base) && clock_ns() < limit) {
		nanosleep(&pause, NULL);
		drain(gate);
	}
}

/* A task that comes after the gate was closed finds the connection ended, once the daemon has closed its side too. */
static void let_all_go(struct esl_gate *base)
{
	struct fuse_gate *gate = fuse_gate(base);

	pthread_mutex_lock(&base->lock);
	gate->closing = true;
	queue_wake(gate, UINT64_MAX);
	pthread_mutex_unlock(&base->lock);
	let_go(base, NULL);
	drain(gate);
}

static const struct esl_gate_ops fuse_gate_ops = {
	.next_ns = next_due,
	.read = read_gate,
	.answer = answer,
	.let_go = let_go,
	.let_all_go = let_all_go,
	.finish = await_denied,
};

int esl_fuse_gate_new(const struct esl_gate_source *source, struct esl_gate **ret_gate)
{
	_cleanup_free_ struct fuse_gate *gate = calloc(1, sizeof(*gate));
	int r;

	if (!gate)
		return -ENOMEM;
	r = esl_gate_init(&gate->gate, &fuse_gate_ops, source);
	if (r < 0)
		return r;
	TAILQ_INIT(&gate->sliced);
	gate->gate.fd = source->fd;
	gate->gate.ask_fd = source->ask_fd;
	*ret_gate = &TAKE_POINTER(gate)->gate;
	return 0;
}
