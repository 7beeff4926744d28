/* SPDX-License-Identifier: MIT */
/* Lists of processes: all, one, those of a group and a user; buffers that are too small; names that aren't there. */
#include <sys/sysctl.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/test.h"

static struct kinfo_proc *list;
static size_t count;

static int get(int what, int number, size_t room)
{
	int name[] = { CTL_KERN, KERN_PROC, what, number };
	size_t size = room * sizeof(*list);
	int r = sysctl(name, 4, list, &size, NULL, 0);

	count = r == 0 ? size / sizeof(*list) : 0;
	return r;
}

static const struct kinfo_proc *find(pid_t pid)
{
	for (size_t i = 0; i < count; i++)
		if (list[i].kp_proc.p_pid == pid)
			return &list[i];
	return NULL;
}

int main(void)
{
	int all[] = { CTL_KERN, KERN_PROC, KERN_PROC_ALL }, other[] = { CTL_KERN, 1, 0, 0 };
	const struct kinfo_proc *self;
	size_t size = 0, room;
	pid_t child = fork();

	if (child == 0) {
		pause();
		_exit(0);
	}
	CHECK(sysctl(all, 3, NULL, &size, NULL, 0) == 0 && size >= 2 * sizeof(*list));
	room = size / sizeof(*list) + 100;
	list = calloc(room, sizeof(*list));
	CHECK(get(KERN_PROC_ALL, 0, room) == 0 && count >= 2);
	self = find(getpid());
	CHECK(self && self->kp_eproc.e_ppid == getppid() && self->kp_eproc.e_ucred.cr_uid == geteuid());
	CHECK(self && !strcmp(self->kp_proc.p_comm, "test-compat-sys") && self->kp_proc.p_starttime.tv_sec > 0);
	CHECK(find(child) && find(child)->kp_eproc.e_ppid == getpid());

	CHECK(get(KERN_PROC_PID, child, room) == 0 && count == 1 && find(child));
	CHECK(get(KERN_PROC_PID, 0x3ffffff, room) == 0 && count == 0);
	CHECK(get(KERN_PROC_PGRP, getpgrp(), room) == 0 && find(child) && find(getpid()));
	CHECK(get(KERN_PROC_UID, (int)geteuid(), room) == 0 && find(getpid()));
	CHECK(get(KERN_PROC_ALL, 0, 1) == -1 && errno == ENOMEM);
	CHECK(get(3, 0, room) == -1 && errno == ENOENT);
	CHECK(sysctl(other, 4, list, &size, NULL, 0) == -1 && errno == ENOENT);
	CHECK(sysctl(all, 3, NULL, &size, list, 4) == -1 && errno == EPERM);
	kill(child, SIGKILL);
	CHECK(waitpid(child, NULL, 0) == child);
	free(list);
	return 0;
}
