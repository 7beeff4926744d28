/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include <EndpointSecurity/EndpointSecurity.h>

#include "events.h"
#include "gate-kinds.h"
#include "test.h"
#include "util/clock.h"
#include "util/macro.h"

/* The FUSE gate against a socket that plays /dev/fuse and functions that play the kernel program; then real FUSE. */

enum { ROOT = FUSE_ROOT_ID, GATE = 2 };

struct fake {
	struct esl_gate *gate;
	struct es_held *held;			/* shared with children */
	int kernel;				/* the other end */
};

static struct fake fake;
static _Atomic uint64_t generation = 1000;

static void open_gate(int fd)
{
	struct esl_gate_source source = { .sensor = ES_SENSOR_LSM, .fd = fd, .ask_fd = -1, .held_fd = -1 };

	source.held = mmap(NULL, ES_HELD_MAX * sizeof(struct es_held), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(source.held != MAP_FAILED);
	fake.held = source.held;
	CHECK(esl_gate_new(&source, &fake.gate) == 0);
}

static void open_fake(void)
{
	int ends[2];

	CHECK(!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends));
	fake.kernel = ends[1];
	open_gate(ends[0]);
}

static void close_fake(void)
{
	esl_gate_free(fake.gate);
	close(fake.kernel);
	munmap(fake.held, ES_HELD_MAX * sizeof(struct es_held));
}

/* ---- the kernel program ---- */

/* Claims an entry, and marks the word that the answer goes to. */
static uint64_t claim(uint32_t tid, uint32_t type, uint32_t flags)
{
	for (uint32_t step = 0; step < ES_HELD_MAX; step++) {
		uint32_t index = (tid + step) % ES_HELD_MAX;
		struct es_held *entry = &fake.held[index];
		uint64_t free = 0, id = atomic_fetch_add(&generation, 1) * ES_HELD_MAX + index;

		if (!__atomic_compare_exchange_n(&entry->auth_id, &free, id, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
			continue;
		__atomic_store_n(&entry->verdict, ES_VERDICT_MARK(id / ES_HELD_MAX), __ATOMIC_SEQ_CST);
		__atomic_store_n(&entry->type, type, __ATOMIC_SEQ_CST);
		__atomic_store_n(&entry->flags, flags, __ATOMIC_SEQ_CST);
		__atomic_store_n(&entry->tid, tid, __ATOMIC_SEQ_CST);
		__atomic_store_n(&entry->deadline_ns, 1, __ATOMIC_SEQ_CST);
		return id;
	}
	CHECK(!"an entry is free");
	return 0;
}

static uint64_t hold(uint32_t tid, uint32_t type)
{
	return claim(tid, type, 0);
}

static uint32_t verdict_of(uint64_t id)
{
	return __atomic_load_n(&fake.held[id % ES_HELD_MAX].verdict, __ATOMIC_SEQ_CST) & 3;
}

static void release(uint64_t id)
{
	struct es_held *entry = &fake.held[id % ES_HELD_MAX];

	__atomic_store_n(&entry->deadline_ns, 0, __ATOMIC_SEQ_CST);
	__atomic_store_n(&entry->tid, 0, __ATOMIC_SEQ_CST);
	__atomic_store_n(&entry->verdict, 0, __ATOMIC_SEQ_CST);
	__atomic_store_n(&entry->auth_id, 0, __ATOMIC_SEQ_CST);
}

/* ---- the kernel's side of FUSE ---- */

static void send_request(uint32_t opcode, uint64_t node, uint64_t unique, uint32_t pid, const void *data, size_t bytes)
{
	struct {
		struct fuse_in_header header;
		char data[256];
	} request = {
		.header = {
			.len = (uint32_t)(sizeof(request.header) + bytes),
			.opcode = opcode,
			.unique = unique,
			.nodeid = node,
			.pid = pid,
		},
	};

	CHECK(bytes <= sizeof(request.data));
	if (bytes)
		memcpy(request.data, data, bytes);
	CHECK(send(fake.kernel, &request, request.header.len, MSG_NOSIGNAL) == request.header.len || errno == EPIPE);
}

static void send_getxattr(uint64_t unique, uint32_t pid, uint64_t node, const char *name, uint32_t size)
{
	struct {
		struct fuse_getxattr_in in;
		char name[64];
	} data = { .in.size = size };

	strcpy(data.name, name);
	send_request(FUSE_GETXATTR, node, unique, pid, &data, sizeof(data.in) + strlen(name) + 1);
}

static void send_interrupt(uint64_t unique)
{
	const struct fuse_interrupt_in in = { .unique = unique };

	send_request(FUSE_INTERRUPT, ROOT, unique | 1, 0, &in, sizeof(in));
}

/* A task comes to the gate. */
static void come(uint64_t unique, uint32_t tid)
{
	send_getxattr(unique, tid, GATE, "user.es", 8);
	CHECK(esl_gate_read(fake.gate) == 1);
}

struct reply {
	struct fuse_out_header header;
	char data[256];
};

static bool get_reply(struct reply *ret_reply)
{
	ssize_t n = read(fake.kernel, ret_reply, sizeof(*ret_reply));

	CHECK(n < 0 ? errno == EAGAIN : n == ret_reply->header.len);
	return n > 0;
}

static bool quiet(void)
{
	struct reply reply;

	return !get_reply(&reply);
}

/* The next reply is this one: woken to look. */
static bool woken(uint64_t unique)
{
	struct reply reply;

	return get_reply(&reply) && reply.header.unique == unique && !reply.header.error &&
	       reply.header.len == sizeof(reply.header) + 4 && !strcmp(reply.data, "now");
}

static bool refused(uint64_t unique, int error)
{
	struct reply reply;

	return get_reply(&reply) && reply.header.unique == unique && reply.header.error == -error &&
	       reply.header.len == sizeof(reply.header);
}

static void test_request_before_answer(void)
{
	uint64_t id, other;

	open_fake();
	id = hold(7, ES_EVENT_TYPE_AUTH_UNLINK);
	other = hold(7 + ES_HELD_MAX, ES_EVENT_TYPE_AUTH_UNLINK);
	CHECK(id % ES_HELD_MAX == 7 && other % ES_HELD_MAX == 8);
	come(2, 7 + ES_HELD_MAX);
	come(4, 7);
	CHECK(quiet() && !verdict_of(id) && !verdict_of(other));
	CHECK(esl_gate_answer(fake.gate, id, false, 0) == 0);
	CHECK(verdict_of(id) == ES_VERDICT_DENY && !verdict_of(other) && woken(4) && quiet());
	CHECK(esl_gate_answer(fake.gate, other, true, 0) == 0);
	CHECK(verdict_of(other) == ES_VERDICT_ALLOW && woken(2) && quiet());

	/* One task sleeps in one request: an older one can't be left behind. */
	release(id);
	id = hold(7, ES_EVENT_TYPE_AUTH_UNLINK);
	come(6, 7);
	come(8, 7);
	CHECK(woken(6) && quiet() && esl_gate_answer(fake.gate, id, true, 0) == 0 && woken(8) && quiet());
	close_fake();
}

static void test_answer_before_request(void)
{
	uint64_t id;

	open_fake();
	id = hold(7, ES_EVENT_TYPE_AUTH_OPEN);
	CHECK(esl_gate_answer(fake.gate, id, true, 0) == 0 && verdict_of(id) == ES_VERDICT_ALLOW && quiet());
	come(2, 7);
	CHECK(woken(2) && quiet());
	/* A task that nothing is known of goes on at once, to look for itself. */
	come(4, 8);
	CHECK(woken(4) && quiet());
	release(id);
	come(6, 7);
	CHECK(woken(6) && quiet());
	close_fake();
}

/* Those that there is no room for come back after a while, some at a time, in the order of their coming. */
static void test_no_room(void)
{
	enum { MANY = 100, TURNS_NS = 2 * 20000000 };
	uint64_t begin_ns = clock_ns();
	struct reply reply;
	unsigned int next = 1;

	open_fake();
	for (unsigned int i = 1; i <= MANY; i++) {
		send_getxattr(2 * i, 100 + i, GATE, "user.es.later", 8);
		CHECK(esl_gate_read(fake.gate) == 1);
	}
	while (next <= MANY) {
		struct pollfd none = { .fd = -1 };
		uint64_t due_ns;

		for (; get_reply(&reply); next++)
			CHECK(reply.header.unique == 2 * next && !reply.header.error);
		CHECK(next > MANY || esl_gate_next_ns(fake.gate, &due_ns));
		poll(&none, 1, 5);
		CHECK(esl_gate_read(fake.gate) == 0);
	}
	CHECK(clock_ns() - begin_ns >= TURNS_NS);

	send_getxattr(2, 7, GATE, "user.es.later", 8);
	send_interrupt(2);
	CHECK(esl_gate_read(fake.gate) == 2 && refused(2, EINTR) && quiet());
	close_fake();
}

/* From before the reply on the task is taken for awake, whenever it runs. */
static void test_awake(void)
{
	uint64_t id;

	open_fake();
	id = claim(7, ES_EVENT_TYPE_AUTH_OPEN, ES_HELD_AT_GATE | ES_HELD_WHOLE);
	come(2, 7);
	CHECK(fake.held[7].flags == (ES_HELD_AT_GATE | ES_HELD_WHOLE) && fake.held[7].request == 2);
	CHECK(esl_gate_answer(fake.gate, id, true, 0) == 0 && woken(2));
	CHECK(fake.held[7].flags == ES_HELD_WHOLE && !fake.held[7].request);

	fake.held[7].flags |= ES_HELD_AT_GATE;		/* it comes once more, and there is an answer */
	come(4, 7);
	CHECK(woken(4) && fake.held[7].flags == ES_HELD_WHOLE && !fake.held[7].request);
	close_fake();
}

static void test_wrong_answers(void)
{
	uint64_t id, next;

	open_fake();
	id = hold(7, ES_EVENT_TYPE_AUTH_OPEN);
	come(2, 7);
	CHECK(esl_gate_answer(fake.gate, 0, true, 0) == -ENOENT);
	CHECK(esl_gate_answer(fake.gate, id + ES_HELD_MAX, true, 0) == -ENOENT);
	CHECK(esl_gate_answer(fake.gate, id + 1, true, 0) == -ENOENT);
	CHECK(!verdict_of(id) && quiet());
	CHECK(esl_gate_answer(fake.gate, id, false, 0) == 0 && woken(2));
	CHECK(esl_gate_answer(fake.gate, id, true, 0) == -EALREADY);
	CHECK(verdict_of(id) == ES_VERDICT_DENY && quiet());

	/* About to be gone (entry_free() in bpf/hold/pending.bpf.h), gone, and claimed by another. */
	__atomic_store_n(&fake.held[7].verdict, 0, __ATOMIC_SEQ_CST);
	CHECK(esl_gate_answer(fake.gate, id, true, 0) == -ENOENT && !verdict_of(id));
	release(id);
	CHECK(esl_gate_answer(fake.gate, id, true, 0) == -ENOENT);
	next = hold(7, ES_EVENT_TYPE_AUTH_OPEN);
	CHECK(next % ES_HELD_MAX == id % ES_HELD_MAX && esl_gate_answer(fake.gate, id, true, 0) == -ENOENT);
	CHECK(!verdict_of(next));

	/* The daemon has decided, or a let-go: somebody else's answer, or none. */
	__atomic_store_n(&fake.held[7].verdict, ES_VERDICT_MARK(1) | ES_VERDICT_ALLOW, __ATOMIC_SEQ_CST);
	CHECK(esl_gate_answer(fake.gate, next, false, 0) == -EALREADY && verdict_of(next) == ES_VERDICT_ALLOW);
	close_fake();
}

static uint64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void sleep_until(uint64_t ns)
{
	const struct timespec until = { .tv_sec = (time_t)(ns / 1000000000), .tv_nsec = (long)(ns % 1000000000) };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
		;
}

static void test_slices(void)
{
	uint64_t plain, first, second, due, before, after;

	open_fake();
	plain = hold(1, ES_EVENT_TYPE_AUTH_OPEN);
	first = claim(2, ES_EVENT_TYPE_AUTH_UNLINK, ES_HELD_SLICED);
	second = claim(3, ES_EVENT_TYPE_AUTH_UNLINK, ES_HELD_SLICED);
	come(2, 1);
	CHECK(!esl_gate_next_ns(fake.gate, &due));
	before = monotonic_ns();
	come(4, 2);
	after = monotonic_ns();
	CHECK(esl_gate_next_ns(fake.gate, &due) && due >= before + ES_GATE_SLICE_NS && due <= after + ES_GATE_SLICE_NS);
	come(6, 3);
	CHECK(esl_gate_next_ns(fake.gate, &before) && before == due);

	/* The first is answered meanwhile; the second's time is the next then, and comes. */
	CHECK(esl_gate_answer(fake.gate, first, true, 0) == 0 && woken(4));
	CHECK(esl_gate_next_ns(fake.gate, &due) && due >= before);
	if (monotonic_ns() < due)
		CHECK(esl_gate_read(fake.gate) == 0 && (monotonic_ns() >= due || quiet()));
	sleep_until(due);
	CHECK(esl_gate_read(fake.gate) == 0);
	CHECK(woken(6) && quiet() && !verdict_of(second) && !esl_gate_next_ns(fake.gate, &due));

	/* It comes back; and once it has an answer, there is nothing to wait for. */
	come(8, 3);
	CHECK(esl_gate_next_ns(fake.gate, &due));
	sleep_until(due);
	CHECK(esl_gate_read(fake.gate) == 0 && woken(8));
	CHECK(esl_gate_answer(fake.gate, second, false, 0) == 0 && quiet());
	come(10, 3);
	CHECK(woken(10) && !esl_gate_next_ns(fake.gate, &due) && quiet());
	CHECK(esl_gate_answer(fake.gate, plain, true, 0) == 0 && woken(2));
	close_fake();
}

static void test_interrupt(void)
{
	uint64_t id, due;

	open_fake();
	id = claim(5, ES_EVENT_TYPE_AUTH_UNLINK, ES_HELD_SLICED);
	come(2, 5);
	send_interrupt(2);
	CHECK(esl_gate_read(fake.gate) == 1 && refused(2, EINTR) && quiet());
	CHECK(!verdict_of(id) && !esl_gate_next_ns(fake.gate, &due));
	/* Too late, and for nothing. */
	send_interrupt(2);
	send_interrupt(99);
	send_interrupt(0);
	CHECK(esl_gate_read(fake.gate) == 3 && quiet());
	/* The call starts over. */
	come(4, 5);
	CHECK(esl_gate_answer(fake.gate, id, true, 0) == 0 && woken(4) && quiet());

	/* One that can't start over stays. */
	id = claim(6, ES_EVENT_TYPE_AUTH_UNLINK, ES_HELD_WHOLE);
	come(6, 6);
	send_interrupt(6);
	CHECK(esl_gate_read(fake.gate) == 1 && quiet());
	CHECK(esl_gate_answer(fake.gate, id, false, 0) == 0 && woken(6) && quiet());
	close_fake();
}

static void test_other_requests(void)
{
	struct reply reply;
	struct fuse_attr_out attributes;
	struct fuse_getxattr_out size;

	open_fake();
	hold(9, ES_EVENT_TYPE_AUTH_OPEN);
	send_request(FUSE_GETATTR, ROOT, 2, 9, NULL, 0);
	CHECK(esl_gate_read(fake.gate) == 1 && get_reply(&reply) && reply.header.unique == 2 && !reply.header.error);
	CHECK(reply.header.len == sizeof(reply.header) + sizeof(attributes));
	memcpy(&attributes, reply.data, sizeof(attributes));
	CHECK(attributes.attr.mode == (S_IFDIR | 0555) && attributes.attr_valid > 1000000);
	send_request(FUSE_GETATTR, GATE, 4, 9, NULL, 0);
	CHECK(esl_gate_read(fake.gate) == 1 && refused(4, EACCES));

	send_getxattr(6, 9, GATE, "user.es", 0);
	CHECK(esl_gate_read(fake.gate) == 1 && get_reply(&reply) && reply.header.unique == 6 && !reply.header.error);
	memcpy(&size, reply.data, sizeof(size));
	CHECK(reply.header.len == sizeof(reply.header) + sizeof(size) && size.size == 4);
	send_getxattr(8, 9, GATE, "user.es", 3);
	send_getxattr(10, 9, GATE, "security.capability", 20);
	send_getxattr(12, 9, ROOT, "user.es", 8);
	send_request(FUSE_GETXATTR, GATE, 14, 9, "1234", 4);
	send_request(FUSE_GETXATTR, GATE, 16, 9, "12345678user.es", 15);
	CHECK(esl_gate_read(fake.gate) == 5 && refused(8, ERANGE) && refused(10, ENODATA) && refused(12, ENODATA));
	CHECK(refused(14, EINVAL) && refused(16, ENODATA) && quiet());

	send_request(FUSE_LOOKUP, ROOT, 18, 9, "other", 6);
	send_request(FUSE_IOCTL, GATE, 20, 9, NULL, 0);
	send_request(9999, GATE, 22, 9, NULL, 0);
	send_request(FUSE_DESTROY, 0, 24, 0, NULL, 0);
	send_request(FUSE_FORGET, GATE, 0, 0, "12345678", 8);
	send_request(FUSE_BATCH_FORGET, 0, 0, 0, "12345678", 8);
	CHECK(esl_gate_read(fake.gate) == 6 && refused(18, ENOSYS) && refused(20, ENOSYS) && refused(22, ENOSYS));
	CHECK(refused(24, 0) && quiet() && esl_gate_read(fake.gate) == 0);
	close_fake();
}

static void test_damage(void)
{
	struct fuse_in_header header = { .len = 1000, .opcode = FUSE_GETXATTR };

	open_fake();
	CHECK(write(fake.kernel, &header, sizeof(header)) == sizeof(header));
	CHECK(esl_gate_read(fake.gate) == -EPROTO);
	CHECK(write(fake.kernel, &header, 8) == 8);
	CHECK(esl_gate_read(fake.gate) == -EPROTO);
	shutdown(fake.kernel, SHUT_RDWR);
	CHECK(esl_gate_read(fake.gate) == -EPROTO);
	close_fake();
}

static void test_let_go(void)
{
	uint64_t types[ES_TYPE_WORDS] = {}, open_id, early_id, exec_id, fresh_id, answered_id;

	open_fake();
	esl_types_add(types, ES_EVENT_TYPE_AUTH_OPEN);
	open_id = hold(1, ES_EVENT_TYPE_AUTH_OPEN);
	early_id = hold(2, ES_EVENT_TYPE_AUTH_OPEN);
	exec_id = hold(3, ES_EVENT_TYPE_AUTH_EXEC);
	answered_id = hold(4, ES_EVENT_TYPE_AUTH_OPEN);
	fresh_id = hold(5, ES_EVENT_TYPE_AUTH_OPEN);
	fake.held[5].deadline_ns = 0;			/* claimed, and its type not yet to be relied on */
	CHECK(esl_gate_answer(fake.gate, answered_id, false, 0) == 0);
	come(2, 1);
	come(4, 3);
	esl_gate_let_go(fake.gate, types);
	CHECK(woken(2) && quiet() && verdict_of(open_id) == ES_VERDICT_ALLOW && !verdict_of(exec_id));
	CHECK(verdict_of(early_id) == ES_VERDICT_ALLOW && verdict_of(answered_id) == ES_VERDICT_DENY);
	CHECK(!verdict_of(fresh_id) && esl_gate_answer(fake.gate, fresh_id, false, 0) == 0);
	CHECK(esl_gate_answer(fake.gate, open_id, false, 0) == -ENOENT);
	CHECK(esl_gate_answer(fake.gate, early_id, false, 0) == -ENOENT);
	CHECK(esl_gate_answer(fake.gate, answered_id, true, 0) == -EALREADY);
	come(6, 2);
	CHECK(woken(6));
	CHECK(esl_gate_answer(fake.gate, exec_id, false, 0) == 0 && woken(4) && quiet());
	close_fake();
}

static void test_close(void)
{
	uint64_t pending, unread, early, due;

	open_fake();
	pending = claim(1, ES_EVENT_TYPE_AUTH_UNLINK, ES_HELD_SLICED);
	unread = hold(2, ES_EVENT_TYPE_AUTH_EXEC);
	early = hold(3, ES_EVENT_TYPE_AUTH_OPEN);
	come(2, 1);
	send_getxattr(4, 2, GATE, "user.es", 8);
	esl_gate_close(fake.gate);
	CHECK(woken(2) && woken(4));
	CHECK(verdict_of(pending) == ES_VERDICT_ALLOW && verdict_of(unread) == ES_VERDICT_ALLOW);
	CHECK(verdict_of(early) == ES_VERDICT_ALLOW && !esl_gate_next_ns(fake.gate, &due));
	CHECK(esl_gate_answer(fake.gate, pending, false, 0) == -ESHUTDOWN);
	/* Closed: the other end sees it. */
	CHECK(read(fake.kernel, &due, sizeof(due)) == 0);
	esl_gate_close(fake.gate);
	esl_gate_let_go(fake.gate, NULL);
	close_fake();
}

/* One whose entry was looked at already when it came: a task that takes the first entry when it has been let go. */
static void *come_late(void *argument)
{
	uint64_t first = *(uint64_t *)argument;

	while (!verdict_of(first))
		;
	release(first);
	*(uint64_t *)argument = hold(ES_HELD_MAX, ES_EVENT_TYPE_AUTH_EXEC);
	send_getxattr(2, ES_HELD_MAX, GATE, "user.es", 8);
	return NULL;
}

/* It may be too late in this or that attempt, when the gate has been closed; not in all. */
static void test_close_meets_late_ones(void)
{
	bool was_woken = false;

	for (int attempt = 0; attempt < 50 && !was_woken; attempt++) {
		struct reply reply;
		pthread_t thread;
		uint64_t id;

		open_fake();
		id = hold(0, ES_EVENT_TYPE_AUTH_EXEC);
		for (uint32_t tid = 1; tid <= 100; tid++) {
			hold(tid, ES_EVENT_TYPE_AUTH_EXEC);
			come(100 + 2 * tid, tid);
		}
		CHECK(!pthread_create(&thread, NULL, come_late, &id));
		esl_gate_close(fake.gate);
		pthread_join(thread, NULL);
		while (read(fake.kernel, &reply, sizeof(reply)) > 0)
			was_woken |= reply.header.unique == 2 && verdict_of(id) == ES_VERDICT_ALLOW;
		close_fake();
	}
	CHECK(was_woken);
}

static void test_all_entries(void)
{
	static uint64_t ids[ES_HELD_MAX];

	open_fake();
	for (uint32_t i = 0; i < ES_HELD_MAX; i++)
		ids[i] = hold(100000 + 3 * i, ES_EVENT_TYPE_AUTH_OPEN);
	for (uint32_t i = 0; i < ES_HELD_MAX; i++)
		come(2 * i + 2, 100000 + 3 * i);
	for (uint32_t i = 0; i < ES_HELD_MAX; i++)
		CHECK(esl_gate_answer(fake.gate, ids[i], i % 2, 0) == 0 && woken(2 * i + 2));
	CHECK(quiet());
	close_fake();
}

/* An answer that was meant for an entry's former owner never gets to the next one. */
static atomic_bool stop;
static _Atomic uint64_t owner;

static void *answer_owner(void *argument)
{
	while (!stop) {
		uint64_t id = owner;

		esl_gate_answer(fake.gate, id, id / ES_HELD_MAX % 2, 0);
	}
	return argument;
}

static void test_owner_changes(void)
{
	pthread_t threads[2];

	open_fake();
	stop = false;
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		CHECK(!pthread_create(&threads[i], NULL, answer_owner, NULL));
	for (int round = 0; round < 300000; round++) {
		uint64_t id = claim(1, ES_EVENT_TYPE_AUTH_OPEN, 0);
		uint32_t word;

		owner = id;
		for (int i = 0; i < round % 64; i++)
			__atomic_signal_fence(__ATOMIC_SEQ_CST);
		word = __atomic_load_n(&fake.held[1].verdict, __ATOMIC_SEQ_CST);
		CHECK((word >> ES_VERDICT_SHIFT) << ES_VERDICT_SHIFT == ES_VERDICT_MARK(id / ES_HELD_MAX));
		CHECK((word & 3) == ES_VERDICT_NONE ||
		      (word & 3) == (id / ES_HELD_MAX % 2 ? ES_VERDICT_ALLOW : ES_VERDICT_DENY));
		release(id);
	}
	stop = true;
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
	close_fake();
}

/*
 * Threads that play tasks and the kernel program, one that plays the gate's thread, and several that answer all there
 * is, also what is over by then. Each claim gets the verdict that its id stands for, or a let-go's.
 */
enum { TASKS = 4, ROUNDS = 2000 };

static atomic_bool done;
static atomic_uint tasks_left, let_gos;
static _Atomic uint64_t questions[TASKS];

static uint32_t verdict_for(uint64_t id)
{
	return id / ES_HELD_MAX % 2 ? ES_VERDICT_ALLOW : ES_VERDICT_DENY;
}

static void *serve_gate(void *argument)
{
	while (!done) {
		struct pollfd fd = { .fd = fake.gate->fd, .events = POLLIN };

		poll(&fd, 1, 1);
		CHECK(esl_gate_read(fake.gate) >= 0);
	}
	return argument;
}

static void *answer_all(void *argument)
{
	while (!done) {
		for (int i = 0; i < TASKS; i++) {
			uint64_t id = questions[i];
			int r = esl_gate_answer(fake.gate, id, verdict_for(id) == ES_VERDICT_ALLOW, 0);

			CHECK(r == 0 || r == -ENOENT || r == -EALREADY);
		}
		sched_yield();
	}
	return argument;
}

static void *let_opens_go(void *argument)
{
	uint64_t types[ES_TYPE_WORDS] = {};

	esl_types_add(types, ES_EVENT_TYPE_AUTH_OPEN);
	while (!done) {
		esl_gate_let_go(fake.gate, types);
		let_gos++;
		usleep(500);
	}
	return argument;
}

/* One thread takes the replies and hands them to the tasks: unique is 2 * (task + 1). */
static atomic_bool replied[TASKS];

static void *take_replies(void *argument)
{
	while (!done) {
		struct pollfd fd = { .fd = fake.kernel, .events = POLLIN };
		struct reply reply;

		if (poll(&fd, 1, 1) == 1 && get_reply(&reply))
			replied[reply.header.unique / 2 - 1] = true;
	}
	return argument;
}

static void sleep_at_gate(int task, uint32_t tid)
{
	replied[task] = false;
	send_getxattr(2 * (uint64_t)task + 2, tid, GATE, "user.es", 8);
	while (!replied[task])
		sched_yield();
}

static void *play_task(void *argument)
{
	int task = (int)(intptr_t)argument;
	uint32_t tid = 500 + (uint32_t)task * ES_HELD_MAX;	/* they contend for the same entries */

	for (int round = 0; round < ROUNDS; round++) {
		bool goes = round % 5 == 0;
		uint32_t type = goes ? ES_EVENT_TYPE_AUTH_OPEN : ES_EVENT_TYPE_AUTH_EXEC, verdict;
		uint64_t id = claim(tid, type, round % 3 ? ES_HELD_SLICED : 0);

		questions[task] = id;
		if (round % 7 == 0) {				/* killed while it waits */
			release(id);
			continue;
		}
		while (!(verdict = verdict_of(id)))
			sleep_at_gate(task, tid);
		CHECK(verdict == verdict_for(id) || (goes && verdict == ES_VERDICT_ALLOW));
		release(id);
	}
	tasks_left--;
	return NULL;
}

static void test_races(void)
{
	void *(*const helpers[])(void *) = { serve_gate, answer_all, answer_all, let_opens_go, take_replies };
	pthread_t tasks[TASKS], threads[ARRAY_SIZE(helpers)];

	open_fake();
	tasks_left = TASKS;
	for (size_t i = 0; i < ARRAY_SIZE(helpers); i++)
		CHECK(!pthread_create(&threads[i], NULL, helpers[i], NULL));
	for (intptr_t i = 0; i < TASKS; i++)
		CHECK(!pthread_create(&tasks[i], NULL, play_task, (void *)i));
	for (size_t i = 0; i < TASKS; i++)
		pthread_join(tasks[i], NULL);
	done = true;
	for (size_t i = 0; i < ARRAY_SIZE(helpers); i++)
		pthread_join(threads[i], NULL);
	CHECK(!tasks_left && let_gos);
	close_fake();
}

/*
 * The same with the kernel's own FUSE, in a mount namespace of this test's own; system calls of children stand for the
 * kernel program. alarm() ends this process, and with it the connection, should anything stay blocked.
 */
static char mounted[] = "/tmp/test-gate-fuse-XXXXXX";
static char gate_path[64];

static bool mount_own(int fuse)
{
	char options[128];

	if (fuse < 0 || unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return false;
	CHECK(mkdtemp(mounted));
	snprintf(options, sizeof(options), "fd=%d,rootmode=040500,user_id=0,group_id=0,allow_other", fuse);
	snprintf(gate_path, sizeof(gate_path), "%s/gate", mounted);
	if (mount("es-gate", mounted, "fuse", MS_NOSUID | MS_NODEV, options) == 0)
		return true;
	rmdir(mounted);
	return false;
}

static void reply_to(int fuse, const struct fuse_in_header *in, const void *data, size_t bytes)
{
	struct reply reply = { .header = { .len = (uint32_t)(sizeof(reply.header) + bytes), .unique = in->unique } };

	memcpy(reply.data, data, bytes);
	CHECK(write(fuse, &reply, reply.header.len) == reply.header.len);
}

/* What the daemon does before it hands the connection over: INIT, and one LOOKUP whose result is kept for ever. */
static void serve_begin(int fuse, uint32_t opcode, const void *data, size_t bytes)
{
	static union {
		struct fuse_in_header header;
		char bytes[1 << 16];
	} request;
	struct pollfd fd = { .fd = fuse, .events = POLLIN };

	CHECK(poll(&fd, 1, 10000) == 1 && read(fuse, &request, sizeof(request)) > 0 && request.header.opcode == opcode);
	reply_to(fuse, &request.header, data, bytes);
}

static void serve_handover(int fuse)
{
	const struct fuse_init_out init = { .major = 7, .minor = 31, .max_write = 4096, .max_background = 1000 };
	const struct fuse_entry_out entry = {
		.nodeid = GATE,
		.entry_valid = UINT32_MAX,
		.attr_valid = UINT32_MAX,
		.attr = { .ino = GATE, .size = 100, .mode = S_IFREG | 0500, .nlink = 1 },
	};
	struct stat status;
	pid_t child;
	int wait_status;

	serve_begin(fuse, FUSE_INIT, &init, sizeof(init));
	child = fork();
	if (child == 0)
		_exit(lstat(gate_path, &status) < 0 || status.st_size != 100);
	serve_begin(fuse, FUSE_LOOKUP, &entry, sizeof(entry));
	CHECK(waitpid(child, &wait_status, 0) == child && wait_status == 0);
}

/* Sleeps at the gate as the kernel program does: 0, or a negative errno. */
static int sleep_really(void)
{
	char data[8];
	ssize_t n = getxattr(gate_path, "user.es", data, sizeof(data));

	return n < 0 ? -errno : n == 4 && !strcmp(data, "now") ? 0 : -EBADMSG;
}

/* The status of a child that asks: its verdict; or 100 + errno. */
static int ask_really(uint32_t flags, uint64_t *ids, int task)
{
	uint64_t id = claim((uint32_t)gettid(), ES_EVENT_TYPE_AUTH_UNLINK, flags);
	uint32_t verdict;
	int r;

	__atomic_store_n(&ids[task], id, __ATOMIC_SEQ_CST);
	while (!(verdict = verdict_of(id))) {
		r = sleep_really();
		if (r < 0 && r != -EINTR)
			return 100 - r;
	}
	release(id);
	return (int)verdict;
}

static uint64_t *real_ids;			/* shared with children */
static int signalled;

static void on_signal(int number)
{
	(void)number;
	signalled = 50;
}

static pid_t start_really(uint32_t flags, int task)
{
	pid_t child;

	__atomic_store_n(&real_ids[task], 0, __ATOMIC_SEQ_CST);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		const struct sigaction action = { .sa_handler = on_signal };
		int verdict;

		alarm(0);
		sigaction(SIGUSR1, &action, NULL);
		verdict = ask_really(flags, real_ids, task);
		_exit(verdict + signalled);
	}
	return child;
}

static uint64_t real_id(int task)
{
	uint64_t id;

	while (!(id = __atomic_load_n(&real_ids[task], __ATOMIC_SEQ_CST)))
		usleep(500);
	return id;
}

static int exit_status(pid_t child)
{
	int status;

	CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status));
	return WEXITSTATUS(status);
}

static bool is_asleep(pid_t child)
{
	char path[64], line[256] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", child);
	file = fopen(path, "re");
	CHECK(file && fgets(line, sizeof(line), file));
	fclose(file);
	return strstr(line, ") S ") || strstr(line, ") D ");
}

/* Waits until the child's request has been read; the gate's thread is not there yet. */
static void read_really(int count)
{
	struct pollfd fd = { .fd = fake.gate->fd, .events = POLLIN };

	while (count > 0) {
		int n;

		CHECK(poll(&fd, 1, 10000) == 1);
		n = esl_gate_read(fake.gate);
		CHECK(n >= 0);
		count -= n;
	}
}

static void test_real_basics(void)
{
	pid_t child = start_really(0, 0);

	read_really(1);
	CHECK(is_asleep(child));
	CHECK(esl_gate_answer(fake.gate, real_id(0), false, 0) == 0 && exit_status(child) == ES_VERDICT_DENY);

	/* A signal whose handler runs: EINTR, and back again. */
	child = start_really(0, 0);
	read_really(1);
	kill(child, SIGUSR1);
	read_really(2);
	CHECK(esl_gate_answer(fake.gate, real_id(0), true, 0) == 0 && exit_status(child) == 50 + ES_VERDICT_ALLOW);

	/* Killed: gone as soon as the interrupt has been read. */
	child = start_really(0, 0);
	read_really(1);
	kill(child, SIGKILL);
	read_really(1);
	CHECK(waitpid(child, NULL, 0) == child);
	CHECK(esl_gate_answer(fake.gate, real_id(0), true, 0) == 0);
	release(real_id(0));
}

static void test_real_many(void)
{
	enum { MANY = 100 };
	pid_t children[MANY];
	pthread_t thread;

	done = false;
	CHECK(!pthread_create(&thread, NULL, serve_gate, NULL));
	for (int i = 0; i < MANY; i++)
		children[i] = start_really(i % 2 ? ES_HELD_SLICED : 0, i);
	for (int i = 0; i < MANY; i++)
		CHECK(esl_gate_answer(fake.gate, real_id(i), i % 3, 0) == 0);
	for (int i = 0; i < MANY; i++)
		CHECK(exit_status(children[i]) == (i % 3 ? ES_VERDICT_ALLOW : ES_VERDICT_DENY));
	done = true;
	pthread_join(thread, NULL);
}

/* The file may be looked at, and has no attribute but ours. */
static void test_real_others(void)
{
	struct stat status;
	pthread_t thread;
	char data[8];

	done = false;
	CHECK(!pthread_create(&thread, NULL, serve_gate, NULL));
	CHECK(!stat(gate_path, &status) && status.st_size == 100);
	CHECK(getxattr(gate_path, "user.other", data, sizeof(data)) < 0 && errno == ENODATA);
	CHECK(getxattr(gate_path, "user.es", NULL, 0) == 4);
	CHECK(sleep_really() == 0);
	done = true;
	pthread_join(thread, NULL);
}

/* All go on when the gate closes, and the connection ends with it. */
static void test_real_close(void)
{
	pid_t waiting = start_really(0, 0), unread;

	read_really(1);
	unread = start_really(ES_HELD_SLICED, 1);
	real_id(1);
	for (int i = 0; i < 1000 && !is_asleep(unread); i++)
		usleep(1000);
	esl_gate_close(fake.gate);
	CHECK(exit_status(waiting) == ES_VERDICT_ALLOW && exit_status(unread) == ES_VERDICT_ALLOW);
	CHECK(sleep_really() < 0);
}

static void test_real_connection(void)
{
	int fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC | O_NONBLOCK);

	if (!mount_own(fuse)) {
		printf("no FUSE or no mount namespace to be had here (not root?): not tried with real FUSE\n");
		return;
	}
	alarm(60);
	real_ids = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(real_ids != MAP_FAILED);
	serve_handover(fuse);
	open_gate(fuse);
	fake.kernel = -1;
	test_real_basics();
	test_real_many();
	test_real_others();
	test_real_close();
	esl_gate_free(fake.gate);
	munmap(fake.held, ES_HELD_MAX * sizeof(struct es_held));
	CHECK(!umount2(mounted, MNT_DETACH) && !rmdir(mounted));
	alarm(0);
}

int main(void)
{
	struct esl_gate_source unknown = { .sensor = ES_SENSOR_NONE };
	struct esl_gate *none;

	CHECK(esl_gate_new(&unknown, &none) == -EPROTO);
	unknown.sensor = (enum es_sensor)99;
	CHECK(esl_gate_new(&unknown, &none) == -EPROTO);
	test_request_before_answer();
	test_no_room();
	test_awake();
	test_answer_before_request();
	test_wrong_answers();
	test_slices();
	test_interrupt();
	test_other_requests();
	test_damage();
	test_let_go();
	test_close();
	test_close_meets_late_ones();
	test_all_entries();
	test_owner_changes();
	test_races();
	test_real_connection();
	return 0;
}
