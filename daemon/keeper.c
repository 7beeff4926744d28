/* SPDX-License-Identifier: MIT */
#include "daemon/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/sensor/keep.h"
#include "daemon/sensor/life.h"
#include "daemon/serve/state.h"
#include "util/archive.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/macro.h"

enum {
	ARGUMENTS_MAX = 256,
	STAMP_TEXT = 2 * ESD_KEEP_STAMP + 1,	/* with the newline */
	STAMP_MS = 30000,		/* time for a program to print its stamp, on a slow machine */
};

struct keeper {
	char **arguments;
	char path[4096];		/* of the installed daemon's program */
	int own_fd;			/* the program that this process runs, even if its file has been replaced */
	int state_fd;
	struct esd_state *state;
	int signals;
	pid_t daemon;
	bool stopping;			/* a signal has asked us to end */
};

/* ---- what to go on with ---- */

static void path_find(char *path, size_t size)
{
	static const char deleted[] = " (deleted)";
	ssize_t n = readlink("/proc/self/exe", path, size - 1);

	path[n < 0 ? 0 : n] = 0;
	if (n > (ssize_t)strlen(deleted) && !strcmp(path + n - strlen(deleted), deleted))
		path[n - strlen(deleted)] = 0;
}

static void stamp_text(char text[STAMP_TEXT + 1], const uint8_t stamp[ESD_KEEP_STAMP])
{
	for (int i = 0; i < ESD_KEEP_STAMP; i++)
		snprintf(text + 2 * i, 3, "%02x", stamp[i]);
	memcpy(text + 2 * ESD_KEEP_STAMP, "\n", 2);
}

static _Noreturn void stamp_ask(const char *path, int fd)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (dup2(fd, STDOUT_FILENO) >= 0)
		execl(path, path, "--stamp", NULL);
	_exit(127);
}

/* Can the installed program take over from the present daemon? False also if it lacks --stamp or prints nothing in time. */
static bool stamp_fits(const struct keeper *keeper)
{
	char expected[STAMP_TEXT + 1], text[STAMP_TEXT + 1] = "";
	_cleanup_close_ int out = -1, in = -1;
	struct pollfd ready;
	int fds[2];
	pid_t pid;

	stamp_text(expected, esd_state_stamp(keeper->state));
	if (pipe2(fds, O_CLOEXEC) < 0)
		return false;
	out = fds[0];
	in = fds[1];
	pid = fork();
	if (pid == 0)
		stamp_ask(keeper->path, in);
	closep(&in);
	in = -1;
	ready = (struct pollfd){ .fd = out, .events = POLLIN };
	if (pid < 0 || poll(&ready, 1, STAMP_MS) != 1 || read(out, text, sizeof(text)) != STAMP_TEXT)
		text[0] = 0;
	if (pid > 0) {
		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, NULL, 0);
	}
	return !strcmp(text, expected);
}

static void fds_pass(const struct keeper *keeper, const uint64_t *fds)
{
	for (int fd = 0; fd < ARCHIVE_FDS; fd++)
		if (fds[fd / 64] >> fd % 64 & 1)
			(void)fcntl(fd, F_SETFD, 0);
	(void)fcntl(keeper->state_fd, F_SETFD, 0);
}

static bool is_option(const char *argument, const char *name)
{
	return !strncmp(argument, name, strlen(name)) && (!argument[strlen(name)] || argument[strlen(name)] == '=');
}

/* Our arguments without those that were for our own start only. */
static void arguments_make(const struct keeper *keeper, char *ret[ARGUMENTS_MAX + 2], char *take_over)
{
	size_t count = 0;

	for (char **argument = keeper->arguments; *argument && count < ARGUMENTS_MAX; argument++) {
		bool once = is_option(*argument, "--take-over") || is_option(*argument, "--ready-fd");

		if (!once)
			ret[count++] = *argument;
		else if (!strchr(*argument, '=') && argument[1])
			argument++;
	}
	ret[count++] = take_over;
	ret[count] = NULL;
}

/* Returns only if it fails. Signals that have come meanwhile are pending in the next program too. */
static void go_on(const struct keeper *keeper, const uint64_t *fds)
{
	char *arguments[ARGUMENTS_MAX + 2], take_over[32];

	snprintf(take_over, sizeof(take_over), "--take-over=%d", keeper->state_fd);
	arguments_make(keeper, arguments, take_over);
	fds_pass(keeper, fds);
	if (stamp_fits(keeper))
		execv(keeper->path, arguments);
	execveat(keeper->own_fd, "", arguments, environ, AT_EMPTY_PATH);
	log_error("can't begin another daemon: %s", strerror(errno));
}

/* ---- the daemon ---- */

/* The daemon takes the same signals as its keeper, all blocked by now. */
static _Noreturn void child_run(struct esd_begin *begin, pid_t keeper, int (*daemon)(struct esd_begin *begin))
{
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	(void)prctl(PR_SET_NAME, "endpointsecurit");
	esd_life_set(keeper);
	if (getppid() != keeper)
		_exit(ESD_EXIT_LOST);
	exit(daemon(begin));
}

/* Like fork(2), but the child shares our table of descriptors. */
static pid_t child_begin(struct esd_begin *begin, int (*daemon)(struct esd_begin *begin))
{
	pid_t keeper = getpid();
	pid_t child = (pid_t)syscall(SYS_clone, (unsigned long)(CLONE_FILES | SIGCHLD), 0L, 0L, 0L, 0L);

	if (child == 0)
		child_run(begin, keeper, daemon);
	return child;
}

/* Reaps all children: of a daemon that has died, gates and wardens are ours. True: the daemon has ended. */
static bool reap(const struct keeper *keeper, int *ret_status)
{
	bool ended = false;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != keeper->daemon)
			continue;
		*ret_status = status;
		ended = true;
	}
	return ended;
}

/* The status to exit with; it may not return. */
static int ended(struct keeper *keeper, int status)
{
	bool handed = WIFEXITED(status) && WEXITSTATUS(status) == ESD_EXIT_HAND_OVER;
	const uint64_t *fds = esd_state_fds(keeper->state);

	if (keeper->stopping || (WIFEXITED(status) && !handed))
		return WIFEXITED(status) ? WEXITSTATUS(status) : 0;
	if (!handed)
		log_error("the daemon, pid %d, has died: signal %d (%s)", keeper->daemon, WTERMSIG(status),
			  strsignal(WTERMSIG(status)));
	if (!fds)
		log_error("another one can't go on where it ended: its clients lose their stream");
	else if (!esd_state_may_go_on(keeper->state, clock_ns()))
		log_error("it has died again and again: it is not begun once more");
	else
		go_on(keeper, fds);
	return ESD_EXIT_LOST;
}

/* ---- signals ---- */

static void replace(struct keeper *keeper)
{
	if (!esd_state_fds(keeper->state))
		log_error("the daemon can't be replaced while it runs: restart it");
	else if (!stamp_fits(keeper))
		log_warning("%s has other kernel programs than the running daemon, which goes on: restart it to have the "
			    "new ones; its clients lose their stream then", keeper->path);
	else
		(void)kill(keeper->daemon, SIGUSR2);
}

/* False: the daemon has ended. */
static bool signal_handle(struct keeper *keeper, int *ret_status)
{
	struct signalfd_siginfo info;

	if (read(keeper->signals, &info, sizeof(info)) != sizeof(info))
		return true;
	switch (info.ssi_signo) {
	case SIGCHLD:
		return !reap(keeper, ret_status);
	case SIGUSR2:
		replace(keeper);
		return true;
	case SIGHUP:
		(void)kill(keeper->daemon, SIGHUP);
		return true;
	default:
		keeper->stopping = true;
		(void)kill(keeper->daemon, SIGTERM);
		return true;
	}
}

static int signals_take(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR2);
	if (sigprocmask(SIG_SETMASK, &set, NULL) < 0)
		return -1;
	return signalfd(-1, &set, SFD_CLOEXEC);
}

/* ---- together ---- */

static int prepare(struct keeper *keeper, struct esd_begin *begin)
{
	int passed = begin->options->take_over;

	path_find(keeper->path, sizeof(keeper->path));
	keeper->own_fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	keeper->state_fd = passed >= 0 ? passed : esd_state_new();
	keeper->signals = signals_take();
	if (keeper->own_fd < 0 || keeper->state_fd < 0 || keeper->signals < 0 ||
	    fcntl(keeper->state_fd, F_SETFD, FD_CLOEXEC) < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		return -errno;
	keeper->state = esd_state_map(keeper->state_fd);
	if (!keeper->state)
		return -errno;
	begin->state = keeper->state;
	begin->go_on = passed >= 0;
	(void)unsetenv("WATCHDOG_PID");		/* it is us, and our child that reports */
	return 0;
}

int esd_keeper_run(struct esd_begin *begin, char *arguments[], int (*daemon)(struct esd_begin *begin))
{
	struct keeper keeper = { .arguments = arguments };
	int status = 0, r = prepare(&keeper, begin);

	if (r < 0) {
		log_error("can't keep what the daemon has: %s", strerror(-r));
		return ESD_EXIT_LOST;
	}
	keeper.daemon = child_begin(begin, daemon);
	if (keeper.daemon < 0) {
		log_error("can't begin the daemon: %s", strerror(errno));
		return ESD_EXIT_LOST;
	}
	(void)prctl(PR_SET_NAME, "es-keeper");
	while (signal_handle(&keeper, &status))
		;
	return ended(&keeper, status);
}
