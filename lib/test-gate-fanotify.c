/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/fanotify.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <EndpointSecurity/EndpointSecurity.h>

#include "events.h"
#include "gate-fanotify.h"
#include "gate-kinds.h"
#include "test.h"
#include "util/macro.h"

/* The fanotify gate against a socket that plays the fanotify group, and a function that plays the ask program. */

struct fake {
	struct esl_gate *gate;
	struct es_held held[ES_HELD_MAX];
	int kernel;				/* the other end */
};

static struct fake *fake;
static struct es_ask asked;			/* the last question */
static int asked_count;
static uint32_t verdict;
static int ask_result;
static void (*during_ask)(void);
static struct es_ask denied;			/* the last denial noted */

static int fake_ask(struct esl_fanotify_gate *gate, struct es_ask *ask)
{
	CHECK(&gate->gate == fake->gate);
	if (ask->mask == ES_ASK_NOTE_DENIED) {
		denied = *ask;
		ask->verdict = ES_ASK_DENIED;
		return 0;
	}
	asked = *ask;
	asked_count++;
	if (during_ask)
		during_ask();
	ask->verdict = verdict;
	return ask_result;
}

static void open_fake(uint32_t answer)
{
	struct esl_gate_source source = { .sensor = ES_SENSOR_TRACEPOINT, .slot = 3, .ask_fd = -1, .held_fd = -1 };
	int ends[2];

	CHECK(!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends));
	fake = calloc(1, sizeof(*fake));
	CHECK(fake);
	source.fd = ends[0];
	source.held = fake->held;
	CHECK(esl_gate_new(&source, &fake->gate) == 0);
	container_of(fake->gate, struct esl_fanotify_gate, gate)->ask = fake_ask;
	fake->kernel = ends[1];
	verdict = answer;
	ask_result = 0;
	during_ask = NULL;
	asked = denied = (struct es_ask){};
	asked_count = 0;
}

static void close_fake(void)
{
	esl_gate_free(fake->gate);
	close(fake->kernel);
	free(fake);
}

static int file_with(const char *text)
{
	int fd = memfd_create("file", MFD_CLOEXEC);

	CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	return fd;
}

static void send_event(uint64_t mask, int fd, int tid)
{
	const struct fanotify_event_metadata event = {
		.event_len = sizeof(event),
		.vers = FANOTIFY_METADATA_VERSION,
		.metadata_len = sizeof(event),
		.mask = mask,
		.fd = fd,
		.pid = tid,
	};

	CHECK(write(fake->kernel, &event, sizeof(event)) == sizeof(event));
}

/* A task that opens a file, and is asked about at once. Returns the event's descriptor. */
static int knock(uint64_t mask, int tid)
{
	int fd = file_with("plain");

	send_event(mask, fd, tid);
	CHECK(esl_gate_read(fake->gate) == 1);
	return fd;
}

static bool answered(int fd, uint32_t response)
{
	struct fanotify_response got;

	return read(fake->kernel, &got, sizeof(got)) == sizeof(got) && got.fd == fd && got.response == response;
}

static bool no_answer(void)
{
	struct fanotify_response got;

	return read(fake->kernel, &got, sizeof(got)) < 0 && errno == EAGAIN;
}

static bool is_closed(int fd)
{
	return fcntl(fd, F_GETFD) < 0;
}

static bool nobody_held(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(fake->held); i++)
		if (fake->held[i].auth_id)
			return false;
	return true;
}

static void test_nobody_need_be_asked(void)
{
	static const struct {
		uint32_t verdict;
		int result;
	} cases[] = { { ES_ASK_ALLOW, 0 }, { ES_ASK_LOST, 0 }, { ES_ASK_ASKED, -EPERM } };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int fd;

		open_fake(cases[i].verdict);
		ask_result = cases[i].result;
		fd = knock(FAN_OPEN_PERM, 42);
		CHECK(asked_count == 1 && asked.tid == 42 && asked.fd == fd && asked.slot == 3 && asked.auth_id);
		CHECK(asked.mask == FAN_OPEN_PERM && !asked.script);
		CHECK(answered(fd, FAN_ALLOW) && no_answer() && is_closed(fd) && nobody_held());
		CHECK(esl_gate_answer(fake->gate, asked.auth_id, false, 0) == -ENOENT);
		CHECK(esl_gate_read(fake->gate) == 0);
		close_fake();
	}
}

static void test_answers(void)
{
	int fd;

	open_fake(ES_ASK_ASKED);
	fd = knock(FAN_OPEN_EXEC_PERM, 7);
	CHECK(no_answer() && !is_closed(fd));
	CHECK(fake->held[asked.auth_id % ES_HELD_MAX].auth_id == asked.auth_id);
	CHECK(esl_gate_answer(fake->gate, asked.auth_id + ES_HELD_MAX, true, 0) == -ENOENT);
	CHECK(esl_gate_answer(fake->gate, 0, true, 0) == -ENOENT);
	CHECK(esl_gate_answer(fake->gate, asked.auth_id, false, 0) == 0);
	CHECK(denied.tid == 7 && denied.auth_id == asked.auth_id && denied.slot == 3);
	CHECK(answered(fd, FAN_DENY) && is_closed(fd) && nobody_held());
	CHECK(esl_gate_answer(fake->gate, asked.auth_id, true, 0) == -ENOENT && no_answer());

	fd = knock(FAN_OPEN_PERM, 8);
	denied.tid = 0;
	CHECK(esl_gate_answer(fake->gate, asked.auth_id, true, 0) == 0 && !denied.tid);
	CHECK(answered(fd, FAN_ALLOW));
	close_fake();
}

/* Wherever we are stopped, the daemon finds who waits: first what was read, then the number to answer to. */
static struct es_held *asked_entry(void)
{
	return &fake->held[asked.auth_id % ES_HELD_MAX];
}

static void event_stands_there(void)
{
	struct fanotify_event_metadata event;

	memcpy(&event, asked_entry()->event, sizeof(event));
	CHECK(asked_entry()->auth_id == asked.auth_id && !asked_entry()->deadline_ns);
	CHECK(event.event_len == sizeof(event) && event.fd == asked.fd && event.pid == 5);
	CHECK(asked_entry()->request == (uint64_t)asked.fd + 1 && asked_entry()->verdict == ES_VERDICT_MARK(1));
}

static void test_event_in_entry(void)
{
	int fd;

	open_fake(ES_ASK_ASKED);
	during_ask = event_stands_there;
	fd = knock(FAN_OPEN_PERM, 5);
	CHECK(asked_count == 1 && esl_gate_answer(fake->gate, asked.auth_id, true, 0) == 0 && answered(fd, FAN_ALLOW));
	CHECK(esl_gate_read(fake->gate) == 0 && nobody_held());		/* nothing to read: the claim is gone */
	close_fake();
}

/* The deadline has answered meanwhile: the question goes out, late, and whoever answers hears so. */
static void deadline_answers(void)
{
	asked_entry()->verdict |= ES_VERDICT_DENY | ES_VERDICT_MISSED;
}

static void test_deadline_before_question(void)
{
	int fd;

	open_fake(ES_ASK_ASKED);
	during_ask = deadline_answers;
	fd = knock(FAN_OPEN_PERM, 5);
	CHECK(esl_gate_answer(fake->gate, asked.auth_id, true, 0) == -EALREADY && no_answer());
	CHECK(is_closed(fd) && nobody_held());
	close_fake();
}

/* While an outsider uses a descriptor's number it isn't closed, until no event can get the number any more. */
static void test_lingers(void)
{
	int fd, other;

	open_fake(ES_ASK_ASKED);
	fd = knock(FAN_OPEN_PERM, 5);
	asked_entry()->outside = ES_OUTSIDE_DAEMON;
	CHECK(esl_gate_answer(fake->gate, asked.auth_id, false, 0) == 0 && answered(fd, FAN_DENY) && !is_closed(fd));
	CHECK(esl_gate_read(fake->gate) == 0 && !is_closed(fd) && nobody_held());
	other = knock(FAN_OPEN_PERM, 6);
	asked_entry()->outside = ES_OUTSIDE_WARDEN;
	CHECK(esl_gate_answer(fake->gate, asked.auth_id, true, 0) == 0 && answered(other, FAN_ALLOW) && !is_closed(other));
	asked_entry()->outside = 0;
	CHECK(esl_gate_read(fake->gate) == 0 && is_closed(other) && !is_closed(fd));
	esl_gate_close(fake->gate);
	CHECK(is_closed(fd));
	close_fake();
}

static void answer_at_once(void)
{
	CHECK(esl_gate_answer(fake->gate, asked.auth_id, false, 0) == 0);
}

/* The record is in the ring, and answered, before the ask program has returned. */
static void test_answer_overtakes_question(void)
{
	int fd;

	open_fake(ES_ASK_ASKED);
	during_ask = answer_at_once;
	fd = knock(FAN_OPEN_PERM, 9);
	CHECK(answered(fd, FAN_DENY) && no_answer() && nobody_held());
	close_fake();
}

static void test_script(void)
{
	int fd;

	open_fake(ES_ASK_ALLOW);
	fd = file_with("#!/bin/sh\n");
	send_event(FAN_OPEN_EXEC_PERM, fd, 1);
	CHECK(esl_gate_read(fake->gate) == 1 && asked.script == 1);
	fd = file_with("#!/bin/sh\n");
	send_event(FAN_OPEN_PERM, fd, 1);
	CHECK(esl_gate_read(fake->gate) == 1 && asked.script == 0);
	fd = file_with("#");
	send_event(FAN_OPEN_EXEC_PERM, fd, 1);
	CHECK(esl_gate_read(fake->gate) == 1 && asked.script == 0);
	close_fake();
}

static void let_opens_go(void)
{
	uint64_t types[ES_TYPE_WORDS] = {};

	esl_types_add(types, ES_EVENT_TYPE_AUTH_OPEN);
	esl_gate_let_go(fake->gate, types);
}

static void test_let_go(void)
{
	int open_fd, exec_fd;
	uint64_t open_id, exec_id;

	open_fake(ES_ASK_ASKED);
	open_fd = knock(FAN_OPEN_PERM, 1);
	open_id = asked.auth_id;
	exec_fd = knock(FAN_OPEN_EXEC_PERM, 2);
	exec_id = asked.auth_id;
	let_opens_go();
	CHECK(answered(open_fd, FAN_ALLOW) && no_answer());
	CHECK(esl_gate_answer(fake->gate, open_id, false, 0) == -ENOENT);
	CHECK(esl_gate_answer(fake->gate, exec_id, false, 0) == 0 && answered(exec_fd, FAN_DENY));

	/* Being asked just then: it goes when the question has been put. */
	during_ask = let_opens_go;
	open_fd = knock(FAN_OPEN_PERM, 3);
	CHECK(answered(open_fd, FAN_ALLOW) && nobody_held());
	exec_fd = knock(FAN_OPEN_EXEC_PERM, 4);
	CHECK(no_answer() && !is_closed(exec_fd));
	close_fake();
	close(exec_fd);
}

static bool is_woken(void)
{
	struct pollfd fd = { .fd = fake->gate->wake_fd, .events = POLLIN };

	return poll(&fd, 1, 0) == 1;
}

/* Half of the descriptors that the program may have, and not one more. */
static void test_no_entry_free(void)
{
	struct rlimit before, small;
	uint64_t first = 0;
	eventfd_t ignored;
	int fd;

	CHECK(!getrlimit(RLIMIT_NOFILE, &before));
	small = before;
	small.rlim_cur = 20;
	CHECK(!setrlimit(RLIMIT_NOFILE, &small));
	open_fake(ES_ASK_ASKED);
	CHECK(!setrlimit(RLIMIT_NOFILE, &before));

	for (int i = 0; i < 10; i++) {
		CHECK(esl_gate_may_read(fake->gate));
		knock(FAN_OPEN_PERM, i);
		first = first ? first : asked.auth_id;
	}
	CHECK(!esl_gate_may_read(fake->gate) && !is_woken());
	fd = file_with("");
	send_event(FAN_OPEN_PERM, fd, 11);
	CHECK(esl_gate_read(fake->gate) == 0 && asked_count == 10);

	CHECK(esl_gate_answer(fake->gate, first, true, 0) == 0 && is_woken());
	eventfd_read(fake->gate->wake_fd, &ignored);
	CHECK(esl_gate_may_read(fake->gate) && esl_gate_read(fake->gate) == 1 && asked_count == 11);
	CHECK(asked.auth_id != first);
	esl_gate_close(fake->gate);
	close_fake();
}

static void test_close(void)
{
	int waiting, unread;

	open_fake(ES_ASK_ASKED);
	waiting = knock(FAN_OPEN_PERM, 1);
	unread = file_with("");
	send_event(FAN_OPEN_PERM, unread, 2);
	esl_gate_close(fake->gate);
	CHECK(answered(waiting, FAN_ALLOW) && answered(unread, FAN_ALLOW));
	CHECK(is_closed(waiting) && is_closed(unread) && nobody_held());
	CHECK(esl_gate_answer(fake->gate, asked.auth_id, false, 0) == -ESHUTDOWN);
	esl_gate_close(fake->gate);
	close_fake();
}

static void test_odd_events(void)
{
	struct fanotify_event_metadata other = { .event_len = sizeof(other), .vers = 99, .fd = -1 };

	open_fake(ES_ASK_ASKED);
	send_event(FAN_Q_OVERFLOW, FAN_NOFD, 0);
	CHECK(esl_gate_read(fake->gate) == 1 && no_answer() && !asked_count);
	CHECK(write(fake->kernel, &other, sizeof(other)) == sizeof(other));
	CHECK(esl_gate_read(fake->gate) == -EPROTO);
	close_fake();
}

static atomic_int winners;

static void *try_answer(void *argument)
{
	uint64_t id = *(uint64_t *)argument;

	if (esl_gate_answer(fake->gate, id, id % 2, 0) == 0)
		winners++;
	return NULL;
}

static void test_one_answer_counts(void)
{
	open_fake(ES_ASK_ASKED);
	for (int round = 1; round <= 100; round++) {
		int fd = knock(FAN_OPEN_PERM, round);
		uint64_t id = asked.auth_id;
		struct fanotify_response got;
		pthread_t threads[3];

		for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
			CHECK(!pthread_create(&threads[i], NULL, try_answer, &id));
		for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
			pthread_join(threads[i], NULL);
		CHECK(winners == round);
		CHECK(read(fake->kernel, &got, sizeof(got)) == sizeof(got) && got.fd == fd && no_answer());
	}
	close_fake();
}

/*
 * The same with the kernel's own group, on a file system of this test's own, in a mount namespace of its own. alarm()
 * ends it all, and with it the group, should anything stay blocked.
 */
static char mounted[] = "/tmp/test-gate-XXXXXX";

static bool mount_own(void)
{
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return false;
	return mkdtemp(mounted) && mount("tmpfs", mounted, "tmpfs", 0, NULL) == 0;
}

/* Opens the file in a child; returns its pid. */
static pid_t open_in_child(const char *path)
{
	pid_t child = fork();

	if (child == 0)
		_exit(open(path, O_RDONLY | O_CLOEXEC) < 0 ? errno : 0);
	CHECK(child > 0);
	return child;
}

static int exit_status(pid_t child)
{
	int status;

	CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status));
	return WEXITSTATUS(status);
}

static pid_t knock_really(const char *path)
{
	struct pollfd group = { .fd = fake->gate->fd, .events = POLLIN };
	int before = asked_count;
	pid_t child = open_in_child(path);

	CHECK(poll(&group, 1, 10000) == 1 && esl_gate_read(fake->gate) == 1 && asked_count == before + 1);
	CHECK(asked.tid == (uint32_t)child && asked.mask == FAN_OPEN_PERM);
	return child;
}

static void open_real(void)
{
	int group = fanotify_init(FAN_CLASS_CONTENT | FAN_REPORT_TID | FAN_CLOEXEC | FAN_NONBLOCK, O_RDONLY | O_CLOEXEC);

	CHECK(group >= 0 && !fanotify_mark(group, FAN_MARK_ADD | FAN_MARK_MOUNT, FAN_OPEN_PERM, AT_FDCWD, mounted));
	open_fake(ES_ASK_ASKED);
	close(fake->gate->fd);
	fake->gate->fd = group;
}

static void test_real_group(void)
{
	pid_t children[3], unread;
	int duplicate;
	char path[64];

	if (!mount_own()) {
		printf("no mount namespace or tmpfs of one's own here (not root?): not tried with a real group\n");
		return;
	}
	alarm(60);
	snprintf(path, sizeof(path), "%s/file", mounted);
	close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	open_real();

	children[0] = knock_really(path);
	CHECK(esl_gate_answer(fake->gate, asked.auth_id, false, 0) == 0 && exit_status(children[0]) == EPERM);
	children[0] = knock_really(path);
	CHECK(esl_gate_answer(fake->gate, asked.auth_id, true, 0) == 0 && exit_status(children[0]) == 0);

	/* One that was killed meanwhile needs no answer, and doesn't mind one. */
	children[0] = knock_really(path);
	kill(children[0], SIGKILL);
	CHECK(waitpid(children[0], NULL, 0) == children[0]);
	CHECK(esl_gate_answer(fake->gate, asked.auth_id, true, 0) == 0);

	/* All go on when the gate closes, though another copy of the group stays open, and nothing is asked any more. */
	duplicate = fcntl(fake->gate->fd, F_DUPFD_CLOEXEC, 0);
	for (size_t i = 0; i < ARRAY_SIZE(children); i++)
		children[i] = knock_really(path);
	unread = open_in_child(path);
	esl_gate_close(fake->gate);
	for (size_t i = 0; i < ARRAY_SIZE(children); i++)
		CHECK(exit_status(children[i]) == 0);
	CHECK(exit_status(unread) == 0 && exit_status(open_in_child(path)) == 0);
	close(duplicate);
	close_fake();
	alarm(0);
	CHECK(!umount(mounted) && !rmdir(mounted));
}

int main(void)
{
	test_nobody_need_be_asked();
	test_answers();
	test_event_in_entry();
	test_deadline_before_question();
	test_lingers();
	test_answer_overtakes_question();
	test_script();
	test_let_go();
	test_no_entry_free();
	test_close();
	test_odd_events();
	test_one_answer_counts();
	test_real_group();
	return 0;
}
