/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The socket that clients and tools connect to, and the lock beside it ("<socket>.lock"): whoever holds the lock is the
 * daemon of this socket. A socket that is found while the lock is free was left behind, and is replaced.
 *
 * Anyone may connect, so that a caller who may not be a client is told so; what they may ask is decided request by
 * request.
 */

#include <stdbool.h>

#include "util/loop.h"

struct esd_daemon;

struct esd_listen {
	struct esd_daemon *daemon;	/* borrowed */
	struct loop_source source;
	const char *path;		/* borrowed */
	char *lock_path;
	int lock_fd;
	int fd;
	bool bound;
};

void esd_listen_init(struct esd_listen *self, struct esd_daemon *daemon, const char *path);

/* Takes socket and lock away. */
void esd_listen_deinit(struct esd_listen *self);

/* EWOULDBLOCK: another daemon has it. A negative errno has been logged. */
int esd_listen_lock(struct esd_listen *self);

/* With the lock: from now on connections are accepted. A negative errno has been logged. */
int esd_listen_start(struct esd_listen *self);

/* Does somebody answer at the socket? */
bool esd_listen_answered(const char *path);
