/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Where operations wait for the lsm sensor's clients: a FUSE connection for each.
 *
 * A FUSE file system with one file, and an idle process that runs this file: a kernel program which has to wait finds
 * the file as that process's executable, and reads an extended attribute of it. This is a request on the connection,
 * and the task sleeps until the client's library replies to it. We keep a duplicate of the descriptor, and the means
 * to abort.
 *
 * We serve the file system only while the process starts. Then the kernel has what it needs of it (names and attributes
 * are valid for ever, the file's one page is locked in memory), and what comes is for the client. This isn't only what
 * the kernel programs ask for: root can do anything with another process's executable. So the client has to reply to
 * everything, and with ENOSYS to what it doesn't know; but never to GETXATTR: after that the kernel wouldn't ask for
 * attributes any more.
 *
 * The process does one thing: when the daemon ends, it aborts the connection, and ends. So what waits goes on, though
 * the client is stopped, the warden was killed, and nobody else is left who could.
 *
 * The file system is mounted nowhere: the mount is a descriptor of ours until the process runs, and lasts with it.
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
 * For `client`, whose number is shown among the process's arguments. `end_fd` is readable as soon as the daemon ends,
 * before it has closed anything; -1: then the process waits for its death. *gate_pid becomes the process's number before its
 * exec, so that kernel programs can tell that this is nobody's business. Fails with a negative errno; *ret_step, if not
 * NULL, then says at what, in words that make a sentence with strerror().
 */
int esd_gate_fuse_init(struct esd_gate_fuse *gate, pid_t client, int end_fd, uint32_t *gate_pid, const char **ret_step);

/*
 * Whatever waits goes on, with an error, at once and for good, whoever has copies of the descriptor; the process is
 * told to end. The second function closes what there is, too.
 */
void esd_gate_fuse_abort(struct esd_gate_fuse *gate);
void esd_gate_fuse_deinit(struct esd_gate_fuse *gate);

/*
 * The administrator can limit how long the kernel waits for a FUSE server (fs.fuse.default_request_timeout and
 * max_request_timeout, since Linux 6.18): what takes longer ends the connection, with all that waits at it. So no deadline may be
 * so long that a wait is (ES_DEADLINES_MAX). In milliseconds, with some to spare; 0: no limit. FUSE has to be there: after esd_gate_fuse_init().
 */
uint32_t esd_gate_fuse_limit_ms(void);
