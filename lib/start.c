/* SPDX-License-Identifier: MIT */
#include "start.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "abi/control.h"
#include "log.h"
#include "util/macro.h"

enum {
	READY_FD = 3,				/* its number in the daemon */
};

#define DAEMON_NAME "endpointsecurityd"

static bool is_program(const char *path)
{
	struct stat stat_;

	return stat(path, &stat_) == 0 && S_ISREG(stat_.st_mode) && access(path, X_OK) == 0;
}

/* Directory of the file that this code was loaded from, without the last slash. */
static int own_directory(char *ret_directory)
{
	Dl_info info;
	char *slash;

	if (!dladdr((void *)&esl_start_daemon, &info) || !realpath(info.dli_fname, ret_directory))
		return -ENOENT;
	slash = strrchr(ret_directory, '/');
	if (!slash)
		return -ENOENT;
	*slash = '\0';
	return 0;
}

static void note_tried(struct esl_start *start, const char *path)
{
	size_t used = strlen(start->reason);

	snprintf(start->reason + used, sizeof(start->reason) - used, "%s%s", used ? ", " : "no program at ", path);
}

static bool try_path(struct esl_start *start, const char *path)
{
	if (!is_program(path)) {
		note_tried(start, path);
		return false;
	}
	snprintf(start->path, sizeof(start->path), "%s", path);
	start->reason[0] = '\0';
	return true;
}

/* Beside the library first: as built, then as installed (also below lib/x86_64-linux-gnu). */
bool esl_find_daemon(struct esl_start *start)
{
	static const char *const places[] = {
		"", "/../daemon", "/../libexec", "/../sbin", "/../../libexec", "/../../sbin",
	};
	const char *named = secure_getenv(ES_DAEMON_ENV);
	char directory[PATH_MAX], path[PATH_MAX + 64];

	if (named && *named)
		return try_path(start, named);

	if (own_directory(directory) == 0) {
		for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
			snprintf(path, sizeof(path), "%s%s/%s", directory, places[i], DAEMON_NAME);
			if (try_path(start, path))
				return true;
		}
	}
	return try_path(start, ESL_DAEMON_PATH);
}

/* fork() as seen by the parent, but the child's end sends no signal; no atfork handler runs. */
static pid_t fork_quietly(void)
{
	return (pid_t)syscall(SYS_clone, 0L, 0L, 0L, 0L, 0L);
}

/* Only what is safe between fork and exec in a program with threads, from here on. */
static _Noreturn void run_daemon(const char *path, char *const environment[], int ready_fd, int null_fd)
{
	static const char text[] = "the file can't be executed (wrong kind of file, or no permission)";
	char *const arguments[] = { (char *)DAEMON_NAME, (char *)"--private", (char *)"--ready-fd", (char *)"3", NULL };
	const struct sigaction standard = { .sa_handler = SIG_DFL };
	sigset_t none;

	setsid();
	for (int number = 1; number < NSIG; number++)
		sigaction(number, &standard, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);

	if (dup2(ready_fd, READY_FD) < 0 || dup2(null_fd, STDIN_FILENO) < 0 || dup2(null_fd, STDOUT_FILENO) < 0)
		_exit(127);
	syscall(SYS_close_range, READY_FD + 1, ~0U, 0);
	if (chdir("/") < 0)
		_exit(127);
	umask(022);
	execve(path, arguments, environment);
	if (write(READY_FD, text, sizeof(text) - 1) < 0)
		_exit(126);
	_exit(127);
}

/* Forks twice, so that init is the daemon's parent. Signals are blocked: no handler of the program runs in a copy. */
static int spawn(const char *path, char *const environment[], int ready_fd, int null_fd)
{
	sigset_t all, before;
	pid_t middle;
	int status;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	middle = fork_quietly();
	if (middle != 0)
		pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (middle < 0)
		return -errno;
	if (middle == 0) {
		pid_t daemon = fork_quietly();

		if (daemon == 0)
			run_daemon(path, environment, ready_fd, null_fd);
		_exit(daemon < 0);
	}
	while (waitpid(middle, &status, __WALL) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EAGAIN;
}

static void trim(char *text)
{
	size_t length = strlen(text);

	while (length && (text[length - 1] == '\n' || text[length - 1] == ' '))
		text[--length] = '\0';
}

static int wait_ready(struct esl_start *start, int fd)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	char text[1024];
	ssize_t n;
	int r;

	do
		r = poll(&wait, 1, (int)start->ready_ms);
	while (r < 0 && errno == EINTR);
	if (r == 0) {
		snprintf(start->reason, sizeof(start->reason), "%s did not get ready in %u ms", start->path,
			 start->ready_ms);
		return -ETIMEDOUT;
	}
	do
		n = read(fd, text, sizeof(text) - 1);
	while (n < 0 && errno == EINTR);
	if (n == 1)
		return 0;

	start->may_be_listening = true;
	if (n <= 0) {
		snprintf(start->reason, sizeof(start->reason), "%s ended before it was ready", start->path);
		return -ECHILD;
	}
	text[n] = '\0';
	trim(text);
	snprintf(start->reason, sizeof(start->reason), "%s says: %s", start->path, text);
	return -ECHILD;
}

/* In a set-id program the caller controls the environment, so a daemon that runs as root doesn't get it. */
static char *const *environment_for_daemon(void)
{
	static char *const plain[] = { (char *)"PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL };

	return getauxval(AT_SECURE) ? plain : environ;
}

/* A descriptor below READY_FD + 1 would be in the way of the daemon's own. */
static int above_standard(int *fd)
{
	int moved = fcntl(*fd, F_DUPFD_CLOEXEC, READY_FD + 1);

	if (moved < 0)
		return -errno;
	close(*fd);
	*fd = moved;
	return 0;
}

static int fail(struct esl_start *start, int error)
{
	snprintf(start->reason, sizeof(start->reason), "%s can't be run: %s", start->path, esl_errno(error));
	return error;
}

int esl_start_daemon(struct esl_start *start)
{
	_cleanup_close_ int ready = -1, ready_write = -1, null_fd = -1;
	int fds[2], r;

	if (!esl_find_daemon(start))
		return -ENOENT;
	if (pipe2(fds, O_CLOEXEC) < 0)
		return fail(start, -errno);
	ready = fds[0];
	ready_write = fds[1];
	null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null_fd < 0)
		return fail(start, -errno);
	r = above_standard(&ready_write);
	if (r == 0)
		r = above_standard(&null_fd);
	if (r == 0)
		r = spawn(start->path, environment_for_daemon(), ready_write, null_fd);
	if (r < 0)
		return fail(start, r);

	close(TAKE_FD(ready_write));
	return wait_ready(start, ready);
}
