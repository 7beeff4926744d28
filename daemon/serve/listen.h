/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The socket that clients and tools connect to, and the lock beside it ("<socket>.lock"). The daemon that holds the
 * lock owns the socket. A socket whose lock is free was left behind; the next daemon replaces it.
 *
 * The daemon neither binds nor removes a socket that the supervisor made (endpointsecurityd.socket), so connections
 * wait in it while the daemon restarts. A daemon with such a socket runs without the lock if another one holds it:
 * that one is a private daemon whose socket systemd has replaced, and it serves only the clients that it has.
 *
 * Any user may connect, so that the daemon can refuse with a reason. It checks permissions for each request.
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
	dev_t bound_device;		/* the socket that we bound: later, another file may have its name */
	ino_t bound_inode;		/* 0: nothing bound */
};

void esd_listen_init(struct esd_listen *self, struct esd_daemon *daemon, const char *path);

/*
 * Uses the supervisor's listening socket, which must be at the path. Takes fd, also when it fails. A negative errno has
 * been logged.
 */
int esd_listen_pass(struct esd_listen *self, int fd);

/* Removes the socket and the lock. */
void esd_listen_deinit(struct esd_listen *self);

/* EWOULDBLOCK: another daemon has it. A negative errno has been logged. */
int esd_listen_lock(struct esd_listen *self);

/* Call with the lock held: begins to accept connections. A negative errno has been logged. */
int esd_listen_start(struct esd_listen *self);

/* For another daemon: the socket and the lock. A reader calls it in place of esd_listen_lock(). */
struct archive;
int esd_listen_keep(struct esd_listen *self, struct archive *archive);

/* Does a daemon accept connections at the socket? */
bool esd_listen_answered(const char *path);
