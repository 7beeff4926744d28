/* SPDX-License-Identifier: MIT */

/* When the daemon is killed, clients that are stopped, or get stopped at once, are killed; the others live. */

#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/test.h"
#include "daemon/warden.h"
#include "util/clock.h"
#include "util/log.h"

enum { SECONDS = 20 };

enum client {
	RUNNING,
	STOPPED,
	STOPPED_LATER,
	FORGOTTEN,
	UNKNOWN,
	CLIENTS,
};

static pid_t sleeper(void)
{
	pid_t pid = fork();

	REQUIRE(pid >= 0);
	if (pid == 0) {
		alarm(SECONDS);
		for (;;)
			pause();
	}
	return pid;
}

static void stop(pid_t pid)
{
	int status;

	REQUIRE(kill(pid, SIGSTOP) == 0);
	REQUIRE(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
}

static _Noreturn void daemon_process(const pid_t clients[CLIENTS], int ready)
{
	struct esd_warden warden;

	alarm(SECONDS);
	REQUIRE(esd_warden_start(&warden) == 0);
	for (unsigned int slot = 0; slot < UNKNOWN; slot++) {
		int pidfd = pidfd_open(clients[slot], 0);

		REQUIRE(pidfd >= 0);
		esd_warden_watch(&warden, slot, pidfd);
		esd_warden_watch(&warden, slot, pidfd);	/* again is harmless */
		close(pidfd);
	}
	esd_warden_forget(&warden, FORGOTTEN);
	esd_warden_forget(&warden, 63);
	REQUIRE(write(ready, "", 1) == 1);
	for (;;)
		pause();
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

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

int main(void)
{
	pid_t clients[CLIENTS], daemon;
	int ready[2];
	char byte;

	alarm(2 * SECONDS);
	/* Orphans come to us: the warden, whose end is waited for. */
	REQUIRE(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0 && pipe(ready) == 0);
	for (int i = 0; i < CLIENTS; i++)
		clients[i] = sleeper();
	daemon = fork();
	if (daemon == 0)
		daemon_process(clients, ready[1]);
	REQUIRE(read(ready[0], &byte, 1) == 1);
	stop(clients[STOPPED]);
	stop(clients[FORGOTTEN]);
	stop(clients[UNKNOWN]);
	REQUIRE(!dies(clients[STOPPED], 100));		/* while the daemon lives, deadlines are its business */
	end(daemon);
	REQUIRE(dies(clients[STOPPED], 500));
	REQUIRE(kill(clients[STOPPED_LATER], SIGSTOP) == 0);
	REQUIRE(dies(clients[STOPPED_LATER], 500));
	REQUIRE(!dies(clients[RUNNING], 1500));
	REQUIRE(!dies(clients[FORGOTTEN], 1) && !dies(clients[UNKNOWN], 1));
	end(clients[RUNNING]);
	end(clients[FORGOTTEN]);
	end(clients[UNKNOWN]);
	REQUIRE(waitpid(-1, NULL, 0) > 0);		/* the warden ended, */
	REQUIRE(waitpid(-1, NULL, WNOHANG) < 0);	/* and nothing is left */
	return 0;
}
