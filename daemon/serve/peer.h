/* SPDX-License-Identifier: MIT */
#pragma once

/* Who is at the other end of a connection. */

#include <sys/types.h>

struct esd_client;
struct esd_daemon;

struct esd_peer {
	struct esd_daemon *daemon;	/* borrowed */
	int fd;				/* the connection's */
	pid_t pid;			/* when it connected; 0 if it is in a namespace that we can't see */
	uid_t uid;
	struct esd_client *client;	/* owned by the connection; NULL: anonymous */
};
