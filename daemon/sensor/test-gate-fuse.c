/* SPDX-License-Identifier: MIT */

/*
 * A task that reads an attribute of a gate's file waits for the answer, and goes on when the gate is aborted, whatever
 * happened to the client; nothing stays behind. No other process on the machine can reach that file.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "daemon/sensor/gate-fuse.h"
#include "daemon/test.h"
#include "util/clock.h"
#include "util/macro.h"

enum {
	WAITERS = 10,
	SECONDS = 20,
	NOBODY = 65534,
	VERDICT = 7,
};

struct getxattr {
	struct fuse_in_header head;
	struct fuse_getxattr_in in;
	char rest[FUSE_MIN_READ_BUFFER];	/* the attribute's name first */
};

static int gate_file(const struct esd_gate_fuse *gate)
{
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/exe", gate->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	REQUIRE(fd >= 0);
	return fd;
}

/* A child that reads the attribute, and ends with the verdict, or with 100 if it was let go by an abort. */
static pid_t waiter(int file, uid_t uid)
{
	pid_t pid = fork();
	char verdict = 0;

	REQUIRE(pid >= 0);
	if (pid == 0) {
		alarm(SECONDS);
		if (setuid(uid) < 0)
			_exit(99);
		if (fgetxattr(file, "user.es", &verdict, 1) == 1)
			_exit(verdict);
		_exit(errno == ECONNABORTED || errno == ENOTCONN ? 100 : 98);
	}
	return pid;
}

/* Negative: it still waits after `ms`. */
static int outcome(pid_t pid, int ms)
{
	uint64_t end = clock_ns() + ms * NS_PER_MS;
	int status;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (clock_ns() > end)
			return -1;
		poll(NULL, 0, 1);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

static bool readable(int fd, int ms)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };

	return poll(&ready, 1, ms) == 1;
}

/* As the client's library does. */
static struct getxattr request_take(const struct esd_gate_fuse *gate)
{
	struct getxattr request = {};

	REQUIRE(readable(gate->fd, 5000));
	REQUIRE(read(gate->fd, &request, sizeof(request)) > 0);
	REQUIRE(request.head.opcode == FUSE_GETXATTR);
	REQUIRE(!strcmp(request.rest, "user.es"));
	return request;
}

static void request_answer(const struct esd_gate_fuse *gate, const struct getxattr *request)
{
	struct {
		struct fuse_out_header head;
		char verdict;
	} __attribute__((packed)) answer = { { .len = sizeof(answer), .unique = request->head.unique }, VERDICT };

	REQUIRE(write(gate->fd, &answer, sizeof(answer)) == sizeof(answer));
}

static void mounts_read(char *ret, size_t size)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");

	REQUIRE(file);
	ret[fread(ret, 1, size - 1, file)] = 0;
	fclose(file);
}

static void test_process(const struct esd_gate_fuse *gate, uint32_t gate_pid)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP, SIGALRM, SIGSTOP, SIGCONT, SIGSEGV };
	char path[64], text[64] = "";
	int fd;

	REQUIRE(gate_pid == (uint32_t)gate->pid && getsid(gate->pid) == gate->pid);
	snprintf(path, sizeof(path), "/proc/%d/cmdline", gate->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	REQUIRE(fd >= 0 && read(fd, text, sizeof(text)) == sizeof("es-gate\00042"));
	REQUIRE(!memcmp(text, "es-gate\00042", sizeof("es-gate\00042")));
	close(fd);
	for (int i = 0; i < 64; i++) {			/* to abort by, and two to see the daemon's end by */
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", gate->pid, i);
		REQUIRE((readlink(path, text, sizeof(text)) >= 0) == (i >= 1 && i <= 3));
	}
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		REQUIRE(kill(gate->pid, signals[i]) == 0);
	REQUIRE(!readable(gate->pidfd, 50));
}

/* What others do with the executable of some process (ps, pidof, an ELF reader) is no request to the client. */
static void test_no_requests(const struct esd_gate_fuse *gate, int file)
{
	struct stat st;
	char text[4];

	REQUIRE(fstat(file, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 100);
	REQUIRE(pread(file, text, sizeof(text), 0) == sizeof(text) && !memcmp(text, "\177ELF", sizeof(text)));
	close(gate_file(gate));
	REQUIRE(!readable(gate->fd, 0));
}

static void test_answers(const struct esd_gate_fuse *gate, int file)
{
	static const uid_t uids[] = { 0, NOBODY };
	struct getxattr request;
	pid_t pid;

	for (size_t i = 0; i < ARRAY_SIZE(uids); i++) {
		pid = waiter(file, uids[i]);
		request = request_take(gate);
		REQUIRE(request.head.pid == (uint32_t)pid);
		REQUIRE(outcome(pid, 50) < 0);
		request_answer(gate, &request);
		REQUIRE(outcome(pid, 5000) == VERDICT);
	}
}

/* Some were read by the client and some were not; and the client, which is stopped, has a copy of the descriptor. */
static void test_abort(struct esd_gate_fuse *gate, int file, const struct esd_gate_fuse *other)
{
	pid_t waiters[WAITERS], keeper, other_waiter;
	_cleanup_close_ int other_file = -1;
	struct getxattr request;
	uint64_t begin;

	other_file = gate_file(other);
	keeper = fork();
	REQUIRE(keeper >= 0);
	if (keeper == 0) {
		alarm(SECONDS);
		raise(SIGSTOP);
		_exit(0);
	}
	for (int i = 0; i < WAITERS; i++)
		waiters[i] = waiter(file, 0);
	other_waiter = waiter(other_file, 0);
	for (int i = 0; i < WAITERS / 2; i++)
		request_take(gate);
	for (int i = 0; i < WAITERS; i++)
		REQUIRE(outcome(waiters[i], 1) < 0);
	begin = clock_ns();
	esd_gate_fuse_abort(gate);
	for (int i = 0; i < WAITERS; i++)
		REQUIRE(outcome(waiters[i], 5000) == 100);
	fprintf(stderr, "ten went on within %llu ms\n", (unsigned long long)((clock_ns() - begin) / NS_PER_MS));
	REQUIRE(outcome(waiter(file, 0), 5000) == 100);		/* for good */
	request = request_take(other);				/* and nobody else's */
	request_answer(other, &request);
	REQUIRE(outcome(other_waiter, 5000) == VERDICT);
	REQUIRE(kill(keeper, SIGKILL) == 0 && waitpid(keeper, NULL, 0) == keeper);
}

/* A daemon that has read the request of a waiter; and a client that is stopped, with a copy of the descriptor. */
static _Noreturn void parent_main(int pipe_fd)
{
	struct esd_gate_fuse gate;
	uint32_t gate_pid;
	pid_t pids[2];

	if (esd_gate_fuse_init(&gate, 42, -1, &gate_pid, NULL) < 0)
		_exit(1);
	pids[0] = gate.pid;
	pids[1] = fork();
	if (pids[1] == 0) {
		alarm(SECONDS);
		raise(SIGSTOP);
		_exit(0);
	}
	(void)!write(pipe_fd, pids, sizeof(pids));
	(void)request_take(&gate);
	(void)!write(pipe_fd, "", 1);
	for (;;)
		pause();
}

/* The daemon ends without a word: its gates' processes end, too, and what waits goes on, though the client is stopped. */
static void test_parent_dies(bool gate_stopped)
{
	int fds[2], pidfd, file;
	struct esd_gate_fuse gate;
	pid_t pid, pids[2], waits;
	char byte;

	REQUIRE(pipe2(fds, O_CLOEXEC) == 0);
	pid = fork();
	REQUIRE(pid >= 0);
	if (pid == 0)
		parent_main(fds[1]);
	close(fds[1]);
	REQUIRE(read(fds[0], pids, sizeof(pids)) == sizeof(pids));
	gate.pid = pids[0];
	file = gate_file(&gate);
	waits = waiter(file, 0);
	REQUIRE(read(fds[0], &byte, 1) == 1);
	close(fds[0]);
	pidfd = pidfd_open(gate.pid, 0);
	REQUIRE(pidfd >= 0 && !readable(pidfd, 20) && outcome(waits, 1) < 0);
	if (gate_stopped)
		REQUIRE(kill(gate.pid, SIGSTOP) == 0);
	REQUIRE(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
	REQUIRE(outcome(waits, 5000) == 100);
	REQUIRE(readable(pidfd, 5000));
	REQUIRE(kill(pids[1], SIGKILL) == 0);
	close(file);
	close(pidfd);
}

static int descriptors(void)
{
	int count = 0;

	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

int main(void)
{
	static char before[65536], during[65536];
	struct esd_gate_fuse gate, other;
	uint32_t gate_pid = 0, other_pid = 0;
	int file, open_before, r;
	const char *step = "";

	if (geteuid() != 0)
		SKIP("root");
	alarm(3 * SECONDS);
	open_before = descriptors();
	mounts_read(before, sizeof(before));
	r = esd_gate_fuse_init(&gate, 42, -1, &gate_pid, &step);
	if (r < 0)
		fprintf(stderr, "%s: %s\n", step, strerror(-r));
	if (r == -ENODEV || r == -ENOEXEC)
		SKIP("FUSE in this kernel, and a processor that the gate is written for");
	REQUIRE(r == 0);
	REQUIRE(esd_gate_fuse_init(&other, 43, -1, &other_pid, &step) == 0);
	mounts_read(during, sizeof(during));
	REQUIRE(!strcmp(before, during));

	test_process(&gate, gate_pid);
	file = gate_file(&gate);
	test_no_requests(&gate, file);
	test_answers(&gate, file);
	test_no_requests(&gate, file);
	test_abort(&gate, file, &other);
	close(file);
	esd_gate_fuse_deinit(&gate);
	esd_gate_fuse_deinit(&other);
	REQUIRE(kill(gate_pid, 0) < 0 && errno == ESRCH && kill(other_pid, 0) < 0 && errno == ESRCH);
	REQUIRE(descriptors() == open_before);
	test_parent_dies(false);
	test_parent_dies(true);
	return 0;
}
