/* SPDX-License-Identifier: MIT */

/*
 * While the daemon lives and does nothing, the warden checks deadlines and deaths. When the daemon is killed, it lets all
 * tasks go, whether their clients are stopped or not, and kills no client. It also does so if the kernel programs report
 * the daemon's end before it has read the daemon's last messages.
 */

#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/hold/warden.h"
#include "daemon/sensor/event.h"
#include "daemon/test.h"
#include "util/clock.h"
#include "util/log.h"

enum { SECONDS = 20 };

enum client {
	LATE,
	LATE_ALLOWED,
	LATE_DENIED,
	DIES,
	RUNNING,
	STOPPED,
	FORGOTTEN,
	CLIENTS,
};

/* What the kernel programs and the clients would write, shared by all processes here. */
static struct es_sensor_client *settings;
static struct es_held *held[CLIENTS];
static int settings_fd, end_fd, held_fd[CLIENTS];
static pid_t pids[CLIENTS];

static void *shared(size_t bytes, int *ret_fd)
{
	int fd = memfd_create("shared", MFD_CLOEXEC);
	void *memory;

	REQUIRE(fd >= 0 && ftruncate(fd, bytes) == 0);
	memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	REQUIRE(memory != MAP_FAILED);
	*ret_fd = fd;
	return memory;
}

static void client_make(unsigned int slot)
{
	held[slot] = shared(ES_HELD_MAX * sizeof(struct es_held), &held_fd[slot]);
	pids[slot] = fork();
	REQUIRE(pids[slot] >= 0);
	if (pids[slot] == 0) {
		alarm(SECONDS);
		for (;;)
			pause();
	}
	settings[slot].tgid = pids[slot];
	settings[slot].deadline_ms[ESD_AUTH_EXEC] = 100;
}

static void stop(pid_t pid)
{
	int status;

	REQUIRE(kill(pid, SIGSTOP) == 0);
	REQUIRE(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
}

static void watch(struct esd_warden *warden, unsigned int slot)
{
	struct esd_warden_name name = { .pid = pids[slot], .executable = "/client" };
	struct esd_watch one = { .sensor = ES_SENSOR_TRACEPOINT, .slot = slot, .abort_fd = -1 };
	int pidfd = pidfd_open(pids[slot], 0), gate[2];

	REQUIRE(pidfd >= 0 && pipe(gate) == 0);
	one.gate_fd = gate[0];
	esd_warden_watch(warden, &one, &name, pidfd, held_fd[slot]);
	esd_warden_watch(warden, &one, &name, pidfd, held_fd[slot]);	/* again is harmless */
	close(pidfd);
	close(gate[0]);
	close(gate[1]);
}

/* Our only child. */
static pid_t warden_pid(void)
{
	FILE *children = fopen("/proc/thread-self/children", "re");
	int pid;

	REQUIRE(children && fscanf(children, "%d", &pid) == 1);
	fclose(children);
	return pid;
}

/* A daemon that only passes the clients to its warden, then the warden's pid to the test, and then the warden's notes. */
static _Noreturn void daemon_process(int ready, int heard, bool stopped_warden)
{
	struct esd_warden warden = ESD_WARDEN_NONE;
	struct es_note_info note;
	pid_t pid;

	alarm(SECONDS);
	REQUIRE(esd_warden_start(&warden) == 0);
	pid = warden_pid();
	if (stopped_warden)
		REQUIRE(kill(pid, SIGSTOP) == 0);
	esd_warden_settings(&warden, settings_fd, end_fd);
	for (unsigned int slot = 0; slot < CLIENTS; slot++)
		watch(&warden, slot);
	esd_warden_forget(&warden, FORGOTTEN);
	esd_warden_forget(&warden, 63);
	REQUIRE(write(ready, &pid, sizeof(pid)) == sizeof(pid));
	for (;;) {
		struct pollfd fds = { .fd = warden.fd, .events = POLLIN };

		(void)poll(&fds, 1, -1);
		if (esd_warden_hear(&warden, &note) == 1)
			REQUIRE(write(heard, &note, sizeof(note)) == sizeof(note));
	}
}

static bool dies(pid_t pid, int ms)
{
	uint64_t end = clock_ns() + ms * NS_PER_MS;
	int status;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (clock_ns() > end)
			return false;
		poll(NULL, 0, 1);
	}
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

static bool let_go(unsigned int slot, int ms)
{
	for (uint64_t end = clock_ns() + ms * NS_PER_MS; clock_ns() < end; poll(NULL, 0, 1))
		if (!__atomic_load_n(&settings[slot].tgid, __ATOMIC_SEQ_CST))
			return true;
	return false;
}

static uint32_t verdict(unsigned int slot, int ms)
{
	uint32_t word = ES_VERDICT_MARK(1);

	for (uint64_t end = clock_ns() + ms * NS_PER_MS; clock_ns() < end && word == ES_VERDICT_MARK(1);
	     poll(NULL, 0, 1))
		word = __atomic_load_n(&held[slot][9].verdict, __ATOMIC_SEQ_CST);
	return word & ~ES_VERDICT_MARK(1);
}

/* An operation that this client doesn't answer, as its library would have put it down. */
static void ask(unsigned int slot, uint32_t mode)
{
	struct es_held *entry = &held[slot][9];

	settings[slot].miss_mode = mode;
	*entry = (struct es_held){ .deadline_ns = clock_ns() + 100 * NS_PER_MS, .request = 100000, .tid = 5, .tgid = 4,
				   .type = ESD_AUTH_EXEC, .verdict = ES_VERDICT_MARK(1), .path = "/bin/x" };
	__atomic_store_n(&entry->auth_id, 1024 + 9, __ATOMIC_SEQ_CST);
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void expect_note(int heard, unsigned int mode)
{
	struct es_note_info note;

	REQUIRE(read(heard, &note, sizeof(note)) == sizeof(note));
	REQUIRE(note.kind == ES_NOTE_MISSED && note.outcome == mode && note.by_warden && note.op_pid == 4);
	REQUIRE(note.op_tid == 5 && note.type == ESD_AUTH_EXEC && !strcmp(note.path, "/bin/x"));
	REQUIRE(!strcmp(note.executable, "/client") && note.late_ns >= ESD_WARDEN_GRACE_MS * NS_PER_MS);
}

/* With the daemon doing nothing. */
static void test_hung(int heard)
{
	uint64_t begin = clock_ns();

	ask(LATE, ES_MISS_KILL);
	REQUIRE(dies(pids[LATE], 1000) && let_go(LATE, 500));
	REQUIRE(clock_ns() - begin >= (100 + ESD_WARDEN_GRACE_MS) * NS_PER_MS);
	expect_note(heard, ES_MISS_KILL);
	ask(LATE_ALLOWED, ES_MISS_ALLOW);
	REQUIRE(verdict(LATE_ALLOWED, 1000) == (ES_VERDICT_ALLOW | ES_VERDICT_MISSED));
	expect_note(heard, ES_MISS_ALLOW);
	ask(LATE_DENIED, ES_MISS_DENY);
	REQUIRE(verdict(LATE_DENIED, 1000) == (ES_VERDICT_DENY | ES_VERDICT_MISSED));
	expect_note(heard, ES_MISS_DENY);
	ask(FORGOTTEN, ES_MISS_KILL);
	end(pids[DIES]);
	REQUIRE(let_go(DIES, 500));
	REQUIRE(!let_go(RUNNING, 200) && !let_go(LATE_DENIED, 1) && !let_go(FORGOTTEN, 1));
	REQUIRE(!dies(pids[FORGOTTEN], 1));
}

/* The warden lets all tasks go, and kills no client. */
static void expect_all_let_go(void)
{
	REQUIRE(let_go(STOPPED, 500) && let_go(RUNNING, 500));
	REQUIRE(!let_go(FORGOTTEN, 100));
	for (unsigned int slot = LATE_ALLOWED; slot < CLIENTS; slot++) {
		if (slot == DIES)
			continue;
		REQUIRE(!dies(pids[slot], 1));
		end(pids[slot]);
	}
}

static pid_t daemon_start(bool stopped_warden, int *ret_heard, pid_t *ret_warden)
{
	int ready[2], heard[2];
	pid_t daemon;

	REQUIRE(pipe(ready) == 0 && pipe(heard) == 0);
	settings = shared(ES_CLIENTS_MAX * sizeof(*settings), &settings_fd);
	end_fd = eventfd(0, EFD_CLOEXEC);
	for (unsigned int slot = 0; slot < CLIENTS; slot++)
		client_make(slot);
	daemon = fork();
	if (daemon == 0)
		daemon_process(ready[1], heard[1], stopped_warden);
	REQUIRE(read(ready[0], ret_warden, sizeof(*ret_warden)) == sizeof(*ret_warden));
	*ret_heard = heard[0];
	return daemon;
}

static void test_daemon_killed(void)
{
	int heard;
	pid_t warden, daemon = daemon_start(false, &heard, &warden);

	test_hung(heard);
	stop(pids[STOPPED]);
	end(daemon);
	expect_all_let_go();
}

/* The kernel programs have told of its end, and it has got no further yet: all its descriptors are open. */
static void test_daemon_ends(void)
{
	int heard;
	pid_t warden, daemon = daemon_start(true, &heard, &warden);

	stop(daemon);
	stop(pids[STOPPED]);
	REQUIRE(!let_go(RUNNING, 100));
	REQUIRE(eventfd_write(end_fd, 1) == 0);
	REQUIRE(kill(warden, SIGCONT) == 0);
	expect_all_let_go();
	end(pids[LATE]);
	end(pids[DIES]);
	end(daemon);
}

int main(void)
{
	alarm(2 * SECONDS);
	/* Orphans come to us: the warden, whose end is waited for. */
	REQUIRE(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
	test_daemon_killed();
	REQUIRE(waitpid(-1, NULL, 0) > 0);		/* the warden ended, */
	REQUIRE(waitpid(-1, NULL, WNOHANG) < 0);	/* and nothing is left */
	test_daemon_ends();
	REQUIRE(waitpid(-1, NULL, 0) > 0);
	REQUIRE(waitpid(-1, NULL, WNOHANG) < 0);
	return 0;
}
