/* SPDX-License-Identifier: MIT */
#include "daemon/warden.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "abi/record.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/macro.h"

enum {
	GRACE_MS = 1000,		/* how long clients are looked at after the daemon's death */
	LOOK_EVERY_MS = 20,
	STOPPED_LOOKS = 2,		/* in a row, until a stopped client is ended */
	TRACED_LOOKS = 25,		/* and one that a tracer stopped: most go on at once, under strace or a leak checker */
};

/* To the warden: with a pidfd, watch it for this slot; without, forget the slot. */
struct warden_word {
	uint32_t slot;
};

union warden_control {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(sizeof(int))];
};

/* ---- the warden's side ---- */

/* Which process a pidfd is for: -1 when it is gone. */
static int pidfd_pid(int pidfd)
{
	char path[48], line[128];
	int pid = -1;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pidfd);
	file = fopen(path, "re");
	if (!file)
		return -1;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "Pid: %d", &pid) == 1)
			break;
	fclose(file);
	return pid;
}

/* The state is the letter behind the name, which can itself contain anything. 0: it is gone. */
static char process_state(int pid)
{
	char path[32], text[512], *name_end;
	_cleanup_close_ int fd = -1;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return 0;
	text[n] = 0;
	name_end = strrchr(text, ')');
	return name_end && name_end[1] ? name_end[2] : 0;
}

/* Returns whether it is still there, and has to be looked at again. `looks` counts those that found it stopped. */
static bool warden_look(int pidfd, unsigned int *looks)
{
	int pid = pidfd_pid(pidfd);
	char state;

	/* If the number had been given to another process, the pidfd would be of a dead one, and the kill fail. */
	if (pid <= 0)
		return false;
	state = process_state(pid);
	*looks = state == 'T' || state == 't' ? *looks + 1 : 0;
	if (*looks < (state == 't' ? TRACED_LOOKS : STOPPED_LOOKS))
		return true;
	if (pidfd_send_signal(pidfd, SIGKILL, NULL, 0) == 0)
		log_warning("pid %d was stopped when the daemon ended, and others would have waited for it: killed", pid);
	return false;
}

static void warden_finish(int pidfds[ES_CLIENTS_MAX])
{
	uint64_t end = clock_ns() + GRACE_MS * NS_PER_MS;
	unsigned int looks[ES_CLIENTS_MAX] = {};
	bool again = true;

	while (again && clock_ns() < end) {
		again = false;
		for (unsigned int slot = 0; slot < ES_CLIENTS_MAX; slot++) {
			if (pidfds[slot] < 0)
				continue;
			if (warden_look(pidfds[slot], &looks[slot])) {
				again = true;
			} else {
				close(pidfds[slot]);
				pidfds[slot] = -1;
			}
		}
		if (again)
			(void)poll(NULL, 0, LOOK_EVERY_MS);
	}
}

/* False at the end of the daemon. */
static bool warden_listen(int fd, int pidfds[ES_CLIENTS_MAX])
{
	struct warden_word word;
	struct iovec iov = { .iov_base = &word, .iov_len = sizeof(word) };
	union warden_control control;
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);

	if (n < 0 && errno == EINTR)
		return true;
	if (n != sizeof(word) || word.slot >= ES_CLIENTS_MAX)
		return false;
	closep(&pidfds[word.slot]);
	pidfds[word.slot] = -1;
	if (CMSG_FIRSTHDR(&message))
		memcpy(&pidfds[word.slot], CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(int));
	return true;
}

static _Noreturn void warden_run(int fd)
{
	int pidfds[ES_CLIENTS_MAX];
	sigset_t all;

	/* Only SIGKILL ends it before the daemon: a Ctrl-C at the terminal is for both, and the daemon says when. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	setsid();
	(void)prctl(PR_SET_NAME, "es-warden");
	(void)!chdir("/");
	for (unsigned int slot = 0; slot < ES_CLIENTS_MAX; slot++)
		pidfds[slot] = -1;
	while (warden_listen(fd, pidfds))
		;
	warden_finish(pidfds);
	_exit(0);
}

/* ---- the daemon's side ---- */

int esd_warden_start(struct esd_warden *warden)
{
	int fds[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		return -errno;
	pid = fork();
	if (pid < 0) {
		int r = -errno;

		close(fds[0]);
		close(fds[1]);
		return r;
	}
	if (pid == 0) {
		if (fds[1] != 3) {
			dup2(fds[1], 3);
			fds[1] = 3;
		}
		(void)close_range(4, ~0U, 0);
		warden_run(fds[1]);
	}
	close(fds[1]);
	warden->fd = fds[0];
	return 0;
}

void esd_warden_end(struct esd_warden *warden)
{
	closep(&warden->fd);
	warden->fd = -1;
}

static void warden_tell(struct esd_warden *warden, unsigned int slot, int pidfd)
{
	struct warden_word word = { .slot = slot };
	struct iovec iov = { .iov_base = &word, .iov_len = sizeof(word) };
	union warden_control control = {
		.header = { .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS },
	};
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (warden->fd < 0)
		return;
	if (pidfd >= 0) {
		memcpy(CMSG_DATA(&control.header), &pidfd, sizeof(int));
		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
	}
	if (sendmsg(warden->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
		return;
	log_error("the warden process is gone (%s): if this daemon is killed while a client is stopped, what waits for the "
		  "client waits until it is continued; restart the daemon", strerror(errno));
	esd_warden_end(warden);
}

void esd_warden_watch(struct esd_warden *warden, unsigned int slot, int pidfd)
{
	warden_tell(warden, slot, pidfd);
}

void esd_warden_forget(struct esd_warden *warden, unsigned int slot)
{
	warden_tell(warden, slot, -1);
}
