/* SPDX-License-Identifier: MIT */
#include "daemon/identity/run.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/macro.h"

static int start(const char *const arguments[], int output, pid_t *ret_pid)
{
	static char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin", words[] = "LC_ALL=C";
	char *environment[] = { path, words, NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	sigset_t none;
	int r;

	sigemptyset(&none);
	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attributes);
	posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
	posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
	r = posix_spawn(ret_pid, arguments[0], &files, &attributes, (char *const *)arguments, environment);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&files);
	return -r;
}

static int read_lines(FILE *file, int (*call)(void *context, char *line), void *context)
{
	_cleanup_free_ char *line = NULL;
	size_t room = 0;
	ssize_t n;
	int r = 0;

	while (r == 0 && (n = getline(&line, &room, file)) >= 0) {
		if (n && line[n - 1] == '\n')
			line[n - 1] = '\0';
		r = call(context, line);
	}
	return r;
}

int esd_run_lines(const char *const arguments[], int (*call)(void *context, char *line), void *context)
{
	int ends[2], status = 0, r;
	FILE *file;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	r = start(arguments, ends[1], &pid);
	close(ends[1]);
	if (r < 0) {
		close(ends[0]);
		return r;
	}
	file = fdopen(ends[0], "r");
	r = file ? read_lines(file, call, context) : -errno;
	if (file)
		fclose(file);
	else
		close(ends[0]);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return r ?: (WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EPROTO);
}
