/* SPDX-License-Identifier: MIT */
/*
 * sysctl.h - lists of processes, by that part of macOS's sysctl(3)
 *
 *	int name[] = { CTL_KERN, KERN_PROC, KERN_PROC_ALL, 0 };
 *	sysctl(name, 4, NULL, &size, NULL, 0), then again with a buffer of that size
 *
 * The structs have only the members that are filled in. Those of other systems
 * have more members, and other sizes.
 */
#ifndef __ES_COMPAT_SYS_SYSCTL_H
#define __ES_COMPAT_SYS_SYSCTL_H

#include <sys/proc_info.h>
#include <sys/time.h>
#include <sys/types.h>

#define CTL_KERN		1
#define KERN_PROC		14

#define KERN_PROC_ALL		0
#define KERN_PROC_PID		1	/* name[3] is the pid */
#define KERN_PROC_PGRP		2
#define KERN_PROC_UID		5	/* effective */
#define KERN_PROC_RUID		6

#define P_TRACED		0x00000800	/* of p_flag */

struct extern_proc {
	struct timeval p_starttime;
	int p_flag;			/* P_TRACED or 0 */
	char p_stat;			/* SRUN, SSLEEP, ... */
	pid_t p_pid;
	char p_nice;
	char p_comm[MAXCOMLEN + 1];
};

struct eproc {
	struct {
		uid_t p_ruid, p_svuid;
		gid_t p_rgid, p_svgid;
	} e_pcred;
	struct {
		uid_t cr_uid;
	} e_ucred;
	pid_t e_ppid;
	pid_t e_pgid;
	dev_t e_tdev;			/* terminal; 0 if none */
};

struct kinfo_proc {
	struct extern_proc kp_proc;
	struct eproc kp_eproc;
};

#ifdef __cplusplus
extern "C" {
#endif

/*
 * For CTL_KERN, KERN_PROC and the names above: stores a struct kinfo_proc for
 * each process in @old. *@old_size is the size of @old before the call, and the
 * bytes stored after it. With @old NULL it is the size needed now, and some to
 * spare. -1 with errno: ENOMEM, it doesn't fit; ENOENT, another name; EPERM, a
 * new value.
 */
OS_EXPORT int sysctl(int *name, unsigned int name_count, void *old, size_t *old_size, void *new_value, size_t new_size);

#ifdef __cplusplus
}
#endif

#endif /* __ES_COMPAT_SYS_SYSCTL_H */
