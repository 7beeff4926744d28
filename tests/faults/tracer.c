/* SPDX-License-Identifier: MIT */

/*
 * Does something to a process at one exact point of its way, and then leaves it alone:
 *
 *	tracer PID kill|stop CALL ARGUMENT VALUE NTH
 *
 * The point is the NTH return, counted over all threads from now on, from system call CALL (a number) whose argument
 * ARGUMENT (0 to 5, or -1: any) is VALUE. Says "ready" when it follows the process, and ends with 0 when the point was
 * reached and the signal sent: the process is then stopped, or dead, just behind that call.
 */

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/ptrace.h>

enum { THREADS = 128 };

static struct {
	long call, argument, nth;
	unsigned long long value;
} point;

/* Between entry and return of a call the arguments are kept: on return the kernel doesn't tell them. */
static struct {
	pid_t tid;
	bool matches;
} threads[THREADS];

static bool *matches_of(pid_t tid)
{
	for (int i = 0; i < THREADS; i++) {
		if (threads[i].tid == tid || !threads[i].tid) {
			threads[i].tid = tid;
			return &threads[i].matches;
		}
	}
	exit(3);
}

/* Returns how many threads there are; each will stop once, for a start. */
static int follow(pid_t pid)
{
	char path[64];
	struct dirent *entry;
	int count = 0;
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	tasks = opendir(path);
	while (tasks && (entry = readdir(tasks))) {
		pid_t tid = atoi(entry->d_name);

		if (tid <= 0)
			continue;
		if (ptrace(PTRACE_SEIZE, tid, NULL, PTRACE_O_TRACECLONE | PTRACE_O_TRACESYSGOOD) < 0 ||
		    ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) < 0) {
			perror("ptrace");
			exit(3);
		}
		count++;
	}
	if (tasks)
		closedir(tasks);
	return count;
}

/* True at the point. */
static bool look(pid_t tid)
{
	bool *matches = matches_of(tid);
	struct ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, tid, (void *)sizeof(info), &info) <= 0)
		return false;
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
		*matches = (long)info.entry.nr == point.call &&
			   (point.argument < 0 || info.entry.args[point.argument] == point.value);
		return false;
	}
	if (info.op != PTRACE_SYSCALL_INFO_EXIT || !*matches)
		return false;
	*matches = false;
	/* One that was only interrupted, as by our coming, hasn't returned. */
	return info.exit.rval != -EINTR && info.exit.rval > -512 && --point.nth == 0;
}

int main(int count, char **arguments)
{
	int starting;
	bool stop;
	pid_t pid;

	if (count != 7)
		return 2;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	pid = atoi(arguments[1]);
	stop = !strcmp(arguments[2], "stop");
	point.call = atol(arguments[3]);
	point.argument = atol(arguments[4]);
	point.value = strtoull(arguments[5], NULL, 0);
	point.nth = atol(arguments[6]);
	starting = follow(pid);
	for (;;) {
		int status, signal = 0;
		pid_t tid = waitpid(-1, &status, __WALL);

		if (tid < 0)
			return 4;		/* it is gone, and never came there */
		if (!WIFSTOPPED(status))
			continue;
		if (WSTOPSIG(status) == (SIGTRAP | 0x80)) {
			if (look(tid)) {
				kill(pid, stop ? SIGSTOP : SIGKILL);
				return 0;	/* which lets go of all threads */
			}
		} else if (status >> 16 == PTRACE_EVENT_STOP && WSTOPSIG(status) != SIGTRAP) {
			ptrace(PTRACE_LISTEN, tid, NULL, NULL);
			continue;
		} else if (!(status >> 16)) {
			signal = WSTOPSIG(status);
		}
		ptrace(PTRACE_SYSCALL, tid, NULL, (void *)(long)signal);
		if (status >> 16 == PTRACE_EVENT_STOP && --starting == 0 && write(STDOUT_FILENO, "ready\n", 6) != 6)
			return 3;
	}
}
