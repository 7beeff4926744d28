/* SPDX-License-Identifier: MIT */
/*
 * libproc.h - other processes, as /proc has them now
 *
 * A message describes the process that acted, even if it has ended. These
 * functions describe the process that has the pid now.
 */
#ifndef __ES_COMPAT_LIBPROC_H
#define __ES_COMPAT_LIBPROC_H

#include <es-compat/darwin.h>
#include <sys/proc_info.h>

#define PROC_PIDPATHINFO_SIZE		1024
#define PROC_PIDPATHINFO_MAXSIZE	(4 * 1024)

#ifdef __cplusplus
extern "C" {
#endif

/* The program's path. Returns its length; 0 with errno if it can't be read, or doesn't fit with its NUL (ENOMEM). */
OS_EXPORT int proc_pidpath(int pid, void *buffer, uint32_t size);

/* The program's name, cut to fit. Returns its length; 0 with errno if there is no such process. */
OS_EXPORT int proc_name(int pid, void *buffer, uint32_t size);

/*
 * PROC_PIDTBSDINFO, PROC_PIDT_SHORTBSDINFO, PROC_PIDVNODEPATHINFO, PROC_PIDLISTFDS. Returns the bytes that were filled in; 0 with errno if
 * there is no such process (ESRCH), the buffer is too small (ENOMEM), or the flavor is not one of these (EINVAL). A
 * NULL buffer with PROC_PIDLISTFDS returns how many bytes it takes.
 */
OS_EXPORT int proc_pidinfo(int pid, int flavor, uint64_t argument, void *buffer, int size);

/*
 * Signals the execution that the token names, and no other process that has
 * got its pid. 0, or an errno: ESRCH, it has ended or executed another program;
 * EPERM, there is no daemon to ask, or it refuses the caller.
 */
OS_EXPORT int proc_signal_with_audittoken(audit_token_t *token, int signal);

#ifdef __cplusplus
}
#endif

#endif /* __ES_COMPAT_LIBPROC_H */
