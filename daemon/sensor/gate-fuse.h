/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The gate of the lsm sensor: operations wait in a FUSE connection, one for each client.
 *
 * The FUSE file system has one file, and an idle process (the gate process) runs this file. To make a task wait, a
 * kernel program finds the file as that process's executable and reads an extended attribute of it. The read is a
 * request on the connection: the task sleeps until the client's library replies. The daemon keeps a duplicate of the
 * descriptor, and another to abort the connection.
 *
 * The daemon serves the file system only while the gate process starts. Then the kernel has all that it needs (names
 * and attributes are valid for ever, the file's one page is locked in memory), and the client gets all further
 * requests. They aren't only from kernel programs: root can do anything with another process's executable. So the
 * client must reply to every request, and with ENOSYS to those it doesn't know. But never reply ENOSYS to GETXATTR:
 * the kernel would send no more of them.
 *
 * When the daemon ends, the gate process aborts the connection and exits. So all tasks go on even if the client is
 * stopped and the warden was killed.
 *
 * The file system has no mount point: the daemon holds the mount by a descriptor until the gate process runs from it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct esd_gate_fuse {
	int fd;				/* server's side of the connection, non-blocking; -1: there is no gate */
	int abort_fd;
	int pidfd;			/* of the process; readable when it has died */
	pid_t pid;
};

#define ESD_GATE_FUSE_NONE { .fd = -1, .abort_fd = -1, .pidfd = -1 }

/*
 * Makes the gate of `client`, whose pid is shown among the gate process's arguments. `end_fd` is readable as soon as
 * the daemon ends, before it closes anything; -1: the gate process waits for the daemon's death instead. *gate_pid is
 * set before the gate process's exec, so that kernel programs ignore that exec. Fails with a negative errno;
 * *ret_step, if not NULL, then names the step that failed, in words that make a sentence with strerror().
 */
int esd_gate_fuse_init(struct esd_gate_fuse *gate, pid_t client, int end_fd, uint32_t *gate_pid, const char **ret_step);

/*
 * Aborts the connection: all requests end with an error, now and later, even if other processes have copies of the
 * descriptor. Also ends the gate process. The second function closes the descriptors too.
 */
void esd_gate_fuse_abort(struct esd_gate_fuse *gate);
void esd_gate_fuse_deinit(struct esd_gate_fuse *gate);

/*
 * The longest time in milliseconds that a task may wait, with a margin; 0: no limit. Call after esd_gate_fuse_init(),
 * since FUSE has to be loaded. The administrator can limit how long the kernel waits for a FUSE server
 * (fs.fuse.default_request_timeout and max_request_timeout, since Linux 6.18). A longer request ends the connection for
 * all its waiters, so deadlines must be short enough that no wait (ES_DEADLINES_MAX) reaches this limit.
 */
uint32_t esd_gate_fuse_limit_ms(void);
