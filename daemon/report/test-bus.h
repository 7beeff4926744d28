/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A bus of the test's own, with test-logind.c on it. Nothing here ends the test: functions that fail return false, or a
 * negative number. What was started dies with the test.
 */

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

struct test_logind {
	pid_t pid;
	int to, from;
};

/* A program with these descriptors as its first two; -1: what it has already. */
static inline pid_t test_bus_run(const char *const arguments[], int in, int out)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (in >= 0)
		(void)dup2(in, 0);
	if (out >= 0)
		(void)dup2(out, 1);
	execv(arguments[0], (char *const *)arguments);
	_exit(127);
}

static inline void test_bus_end(pid_t pid)
{
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
}

static inline bool test_bus_listens(const char *socket_path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool listens;

	if (strlen(socket_path) < sizeof(address.sun_path))
		strcpy(address.sun_path, socket_path);
	listens = connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
	close(fd);
	return listens;
}

/* At FOLDER/bus; its pid, or 0: this machine has no dbus-daemon, or it doesn't come up. */
static inline pid_t test_bus_start(const char *folder)
{
	static char config[512], socket_path[512];
	const char *const arguments[] = { "/usr/bin/dbus-daemon", "--nofork", "--nopidfile", config, NULL };
	FILE *file;
	pid_t pid;

	snprintf(socket_path, sizeof(socket_path), "%s/bus", folder);
	snprintf(config, sizeof(config), "--config-file=%s/bus.conf", folder);
	(void)unlink(socket_path);
	file = fopen(strchr(config, '/'), "we");
	if (!file || access(arguments[0], X_OK) < 0)
		return 0;
	fprintf(file,
		"<busconfig><type>system</type><listen>unix:path=%s</listen><auth>EXTERNAL</auth>"
		"<policy context='default'><allow user='*'/><allow own='*'/><allow send_type='method_call'/>"
		"<allow send_type='signal'/><allow receive_type='method_call'/><allow receive_type='signal'/>"
		"<allow send_requested_reply='true' send_type='method_return'/><allow receive_type='method_return'/>"
		"<allow send_requested_reply='true' send_type='error'/><allow receive_type='error'/>"
		"</policy></busconfig>\n",
		socket_path);
	fclose(file);
	pid = test_bus_run(arguments, -1, -1);
	for (int i = 0; pid > 0 && i < 3000; i++) {
		if (test_bus_listens(socket_path))
			return pid;
		(void)poll(NULL, 0, 10);
	}
	return 0;
}

static inline bool test_logind_start(struct test_logind *logind, const char *program, const char *folder)
{
	static char socket_path[512];
	const char *const arguments[] = { program, socket_path, NULL };
	int to[2], from[2];

	snprintf(socket_path, sizeof(socket_path), "%s/bus", folder);
	if (pipe2(to, O_CLOEXEC) < 0 || pipe2(from, O_CLOEXEC) < 0)
		return false;
	logind->pid = test_bus_run(arguments, to[0], from[1]);
	logind->to = to[1];
	logind->from = from[0];
	close(to[0]);
	close(from[1]);
	return logind->pid > 0;
}

static inline void test_logind_kill(struct test_logind *logind)
{
	test_bus_end(logind->pid);
	close(logind->to);
	close(logind->from);
}

/* It has done this, and the bus has it. */
__attribute__((format(printf, 2, 3)))
static inline bool test_logind_do(struct test_logind *logind, const char *format, ...)
{
	struct pollfd answer = { .fd = logind->from, .events = POLLIN };
	char line[1500];
	va_list list;
	char byte;
	int n;

	va_start(list, format);
	n = vsnprintf(line, sizeof(line) - 1, format, list);
	va_end(list);
	line[n++] = '\n';
	return write(logind->to, line, (size_t)n) == n && poll(&answer, 1, 30000) == 1 &&
	       read(logind->from, &byte, 1) == 1;
}
