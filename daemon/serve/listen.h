/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The socket that clients and tools connect to, and the lock beside it ("<socket>.lock"): whoever holds the lock is the
 * daemon of this socket. A socket that is found while the lock is free was left behind, and is replaced.
 *
 * A socket that the supervisor made (endpointsecurityd.socket) is neither bound nor taken away: who connects while the
 * daemon is started anew waits in it. A daemon that got one goes on without the lock if another daemon holds it: that is
 * a private one whose socket systemd has replaced, and which serves the clients it has to their end.
 *
 * Anyone may connect, so that a caller who may not be a client is told so; what they may ask is decided request by
 * request.
 */

#include <stdbool.h>
#include <sys/types.h>

#include "util/loop.h"

struct esd_daemon;

struct esd_listen {
	struct esd_daemon *daemon;	/* borrowed */
	struct loop_source source;
	const char *path;		/* borrowed */
	char *lock_path;
	int lock_fd;
	int fd;
	bool passed;			/* the supervisor's, in fd */
	dev_t bound_device;		/* what we bound: by then something else may have the name */
	ino_t bound_inode;		/* 0: nothing bound */
};

void esd_listen_init(struct esd_listen *self, struct esd_daemon *daemon, const char *path);

/*
 * With the supervisor's listening socket, which has to be at the path. Takes fd, also when it fails. A negative errno has
 * been logged.
 */
int esd_listen_pass(struct esd_listen *self, int fd);

/* Takes socket and lock away. */
void esd_listen_deinit(struct esd_listen *self);

/* EWOULDBLOCK: another daemon has it. A negative errno has been logged. */
int esd_listen_lock(struct esd_listen *self);

/* With the lock: from now on connections are accepted. A negative errno has been logged. */
int esd_listen_start(struct esd_listen *self);

/* Does somebody answer at the socket? */
bool esd_listen_answered(const char *path);
