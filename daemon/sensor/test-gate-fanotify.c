/* SPDX-License-Identifier: MIT */

/*
 * Tasks that wait at a gate go on when the gate ends, in whatever state it is. The test runs on a tmpfs in a mount
 * namespace of its own, with that as root directory, so that it can't hold anything else on the machine, even by
 * mistake.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/sensor/event.h"
#include "daemon/sensor/gate-fanotify.h"
#include "daemon/test.h"
#include "util/clock.h"
#include "util/macro.h"

enum {
	OPENERS = 10,
	SECONDS = 20,
};

static struct loop loop;
static struct esd_scope scope;
static struct esd_gates gates;

static void own_root(const char *directory)
{
	char proc[64];

	if (unshare(CLONE_NEWNS) < 0)
		SKIP("mount namespaces");
	REQUIRE(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	REQUIRE(mount("test", directory, "tmpfs", 0, NULL) == 0);
	snprintf(proc, sizeof(proc), "%s/proc", directory);
	REQUIRE(mkdir(proc, 0755) == 0 && mount("/proc", proc, NULL, MS_BIND, NULL) == 0);
	REQUIRE(chroot(directory) == 0 && chdir("/") == 0);
	REQUIRE(mkdir("/later", 0755) == 0 && mkdir("/held", 0755) == 0);
	REQUIRE(mount("test", "/held", "tmpfs", 0, NULL) == 0);
	close(open("/file", O_CREAT | O_WRONLY, 0644));
	close(open("/held/file", O_CREAT | O_WRONLY, 0644));
}

/* A child that opens a file, and ends with the errno. */
static pid_t opener(const char *path)
{
	pid_t pid = fork();

	REQUIRE(pid >= 0);
	if (pid == 0) {
		int fd;

		alarm(SECONDS);
		fd = open(path, O_RDONLY);
		_exit(fd < 0 ? errno : 0);
	}
	return pid;
}

/* 0: it opened the file; negative: it still waits after `ms`. */
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

static bool waits(const struct esd_gate *gate)
{
	struct pollfd readable = { .fd = gate->fd, .events = POLLIN };

	return poll(&readable, 1, 2000) == 1;
}

/* As a client does: reads one event and answers it. */
static void answer_one(const struct esd_gate *gate, uint32_t how)
{
	struct fanotify_event_metadata event;
	struct fanotify_response response = { .response = how };

	REQUIRE(waits(gate));
	REQUIRE(read(gate->fd, &event, sizeof(event)) == sizeof(event));
	response.fd = event.fd;
	REQUIRE(write(gate->fd, &response, sizeof(response)) == sizeof(response));
	close(event.fd);
}

static void test_answers(void)
{
	struct esd_gate gate;
	pid_t pid;

	REQUIRE(esd_gate_init(&gate, &gates) == 0);
	REQUIRE(outcome(opener("/file"), 2000) == 0);	/* no marks yet */
	REQUIRE(esd_gate_add(&gate, FAN_OPEN_PERM) == 0);
	pid = opener("/file");
	answer_one(&gate, FAN_ALLOW);
	REQUIRE(outcome(pid, 2000) == 0);
	pid = opener("/held/file");
	answer_one(&gate, FAN_DENY);
	REQUIRE(outcome(pid, 2000) == EPERM);
	pid = opener("/");				/* directories too */
	answer_one(&gate, FAN_ALLOW);
	REQUIRE(outcome(pid, 2000) == 0);
	REQUIRE(outcome(opener("/proc/self/stat"), 2000) == 0);	/* exempt */

	REQUIRE(esd_gate_add(&gate, FAN_OPEN_PERM | FAN_OPEN_EXEC_PERM) == 0);
	REQUIRE(esd_gate_retain(&gate, FAN_OPEN_EXEC_PERM) == 0);
	REQUIRE(outcome(opener("/file"), 2000) == 0);
	REQUIRE(outcome(opener("/"), 2000) == 0);
	REQUIRE(esd_gate_retain(&gate, 0) == 0);
	REQUIRE(outcome(opener("/file"), 2000) == 0);
	esd_gate_deinit(&gate);
}

static void test_later_mount(void)
{
	struct esd_gate gate;
	pid_t pid;

	REQUIRE(esd_gate_init(&gate, &gates) == 0);
	REQUIRE(esd_gate_add(&gate, FAN_OPEN_PERM) == 0);
	while (loop_step(&loop, 0) > 0)
		;
	REQUIRE(mount("test", "/later", "tmpfs", 0, NULL) == 0);
	REQUIRE(loop_step(&loop, 1000) == 1);
	REQUIRE(loop_step(&loop, 0) == 0);		/* and it was noted as seen */
	pid = opener("/later");
	answer_one(&gate, FAN_DENY);
	REQUIRE(outcome(pid, 2000) == EPERM);
	esd_gate_deinit(&gate);
	REQUIRE(outcome(opener("/later"), 2000) == 0);
	REQUIRE(gates.mounts_source.fd < 0);
	REQUIRE(umount("/later") == 0);
}

static void test_scope(void)
{
	struct esd_gate gate;
	pid_t pid;

	REQUIRE(esd_scope_add_mount(&scope, "/held") == 0);
	REQUIRE(esd_gate_init(&gate, &gates) == 0);
	REQUIRE(esd_gate_add(&gate, FAN_OPEN_PERM) == 0);
	REQUIRE(outcome(opener("/file"), 2000) == 0);
	pid = opener("/held/file");
	answer_one(&gate, FAN_DENY);
	REQUIRE(outcome(pid, 2000) == EPERM);
	esd_gate_deinit(&gate);

	/* Mounted over: what was meant can't be reached any more. */
	REQUIRE(mount("test", "/held", "tmpfs", 0, NULL) == 0);
	REQUIRE(esd_gate_init(&gate, &gates) == 0);
	REQUIRE(esd_gate_add(&gate, FAN_OPEN_PERM) == -EXDEV);
	REQUIRE(gate.mask == 0);
	esd_gate_deinit(&gate);
	REQUIRE(umount("/held") == 0);
	esd_scope_deinit(&scope);
}

/*
 * Ten wait: some read and not answered, under numbers that stand for two events, the rest not read. A stopped process
 * has a copy of the group, so that closing ours is not what lets them go.
 */
static void test_end_lets_go(void)
{
	struct fanotify_event_metadata event;
	pid_t openers[OPENERS], keeper;
	struct esd_gate gate;
	uint64_t begin;

	REQUIRE(esd_gate_init(&gate, &gates) == 0);
	REQUIRE(esd_gate_add(&gate, FAN_OPEN_PERM) == 0);
	keeper = fork();
	if (keeper == 0) {
		alarm(SECONDS);
		for (;;)
			pause();
	}
	for (int i = 0; i < OPENERS; i++)
		openers[i] = opener("/held/file");
	for (int i = 0; i < OPENERS / 2; i++) {
		REQUIRE(waits(&gate));
		REQUIRE(read(gate.fd, &event, sizeof(event)) == sizeof(event));
		if (i % 2)
			close(event.fd);
	}
	for (int i = 0; i < OPENERS; i++)
		REQUIRE(outcome(openers[i], 1) < 0);
	begin = clock_ns();
	esd_gate_deinit(&gate);
	for (int i = 0; i < OPENERS; i++)
		REQUIRE(outcome(openers[i], 2000) == 0);
	fprintf(stderr, "ten went on within %llu ms\n", (unsigned long long)((clock_ns() - begin) / NS_PER_MS));
	REQUIRE(outcome(opener("/held/file"), 2000) == 0);
	kill(keeper, SIGKILL);
	waitpid(keeper, NULL, 0);
}

static void run(const char *directory)
{
	alarm(3 * SECONDS);
	own_root(directory);
	esd_scope_init(&scope);
	REQUIRE(loop_init(&loop) == 0 && esd_gates_init(&gates, &loop, &scope) == 0);
	test_answers();
	test_later_mount();
	test_end_lets_go();
	test_scope();
	esd_gates_deinit(&gates);
	loop_deinit(&loop);
}

int main(void)
{
	char directory[] = "/tmp/es-test-gate-XXXXXX";
	int status;
	pid_t pid;

	if (geteuid() != 0)
		SKIP("root");
	if (esd_gate_probe() < 0)
		SKIP("fanotify permission events");
	REQUIRE(mkdtemp(directory));
	pid = fork();
	REQUIRE(pid >= 0);
	if (pid == 0) {
		run(directory);
		exit(0);
	}
	REQUIRE(waitpid(pid, &status, 0) == pid);	/* the mounts end with it */
	REQUIRE(rmdir(directory) == 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
