/* SPDX-License-Identifier: MIT */
#pragma once

/* The process at the other end of a connection. */

#include <sys/types.h>

struct esd_client;
struct esd_daemon;

struct esd_peer {
	struct esd_daemon *daemon;	/* borrowed */
	int fd;				/* the connection's */
	pid_t pid;			/* of the process that connected; 0: in a pid namespace that we can't see */
	uid_t uid;
	struct esd_client *client;	/* owned by the connection; NULL: anonymous */
};
