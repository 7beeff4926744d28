/* SPDX-License-Identifier: MIT */
/* Lists of processes, which libproc.c reads from /proc. */
#include <sys/sysctl.h>

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <libproc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compat/sleep.h"
#include "lib/unseen.h"
#include "util/macro.h"

enum { SPARE = 16 };		/* processes that may start until the second call */

static bool is_traced(int pid)
{
	char path[32], line[128];
	int tracer = 0;
	FILE *status;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	status = fopen(path, "re");
	while (status && fgets(line, sizeof(line), status))
		if (sscanf(line, "TracerPid: %d", &tracer) == 1)
			break;
	if (status)
		fclose(status);
	return tracer > 0;
}

static bool wanted(const struct proc_bsdinfo *info, int what, unsigned int number)
{
	switch (what) {
	case KERN_PROC_ALL:	return true;
	case KERN_PROC_PID:	return info->pbi_pid == number;
	case KERN_PROC_PGRP:	return info->pbi_pgid == number;
	case KERN_PROC_UID:	return info->pbi_uid == number;
	case KERN_PROC_RUID:	return info->pbi_ruid == number;
	}
	return false;
}

static void fill(struct kinfo_proc *to, const struct proc_bsdinfo *info)
{
	*to = (struct kinfo_proc){
		.kp_proc = {
			.p_starttime = { (time_t)info->pbi_start_tvsec, (suseconds_t)info->pbi_start_tvusec },
			.p_flag = is_traced((int)info->pbi_pid) ? P_TRACED : 0,
			.p_stat = (char)info->pbi_status,
			.p_pid = (pid_t)info->pbi_pid,
			.p_nice = (char)info->pbi_nice,
		},
		.kp_eproc = {
			.e_pcred = { info->pbi_ruid, info->pbi_svuid, info->pbi_rgid, info->pbi_svgid },
			.e_ucred = { info->pbi_uid },
			.e_ppid = (pid_t)info->pbi_ppid,
			.e_pgid = (pid_t)info->pbi_pgid,
			.e_tdev = info->e_tdev,
		},
	};
	memcpy(to->kp_proc.p_comm, info->pbi_comm, sizeof(info->pbi_comm));
}

/* Returns how many there are, and stores as many as fit in `list`. -1: /proc can't be read. */
static long collect(struct kinfo_proc *list, size_t room, int what, unsigned int number)
{
	DIR *folder = opendir("/proc");
	struct proc_bsdinfo info;
	struct dirent *entry;
	size_t count = 0;

	if (!folder)
		return -1;
	while ((entry = readdir(folder))) {
		if (!isdigit((unsigned char)entry->d_name[0]) ||
		    proc_pidinfo(atoi(entry->d_name), PROC_PIDTBSDINFO, 0, &info, sizeof(info)) <= 0 ||
		    !wanted(&info, what, number))
			continue;
		if (count < room)
			fill(&list[count], &info);
		count++;
	}
	closedir(folder);
	return (long)count;
}

static int fail(int error)
{
	errno = error;
	return -1;
}

EXPORT int sysctl(int *name, unsigned int name_count, void *old, size_t *old_size, void *new_value, size_t new_size)
{
	size_t room = old && old_size ? *old_size / sizeof(struct kinfo_proc) : 0;
	long count;
	UNSEEN();

	if (new_value || new_size)
		return fail(EPERM);
	if (!name || name_count < 3 || name[0] != CTL_KERN || name[1] != KERN_PROC || name[2] < KERN_PROC_ALL ||
	    name[2] > KERN_PROC_RUID || name[2] == 3 || name[2] == 4 || (name[2] != KERN_PROC_ALL && name_count < 4))
		return fail(ENOENT);
	if (!old_size)
		return fail(EFAULT);
	count = collect(old, room, name[2], name[2] == KERN_PROC_ALL ? 0 : (unsigned int)name[3]);
	if (count < 0)
		return -1;
	if (!old) {
		*old_size = ((size_t)count + SPARE) * sizeof(struct kinfo_proc);
		return 0;
	}
	if ((size_t)count > room)
		return fail(ENOMEM);
	*old_size = (size_t)count * sizeof(struct kinfo_proc);
	return 0;
}
