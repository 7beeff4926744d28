/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * One accepted socket. It reads packets and hands them to control.c; at the first one that is malformed, and when the
 * peer doesn't read its replies, it ends. It owns the client that it may have become.
 *
 * What takes long is done in steps (ESD_CONTROL_AGAIN), between which others have their turn: the request is kept, and
 * what the peer sends after it is left unread until it has its reply.
 *
 * Those that aren't clients ("anonymous") are bounded in number and in idle time, root's and others' apart, so that
 * nobody unprivileged can keep clients and tools out.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "abi/control.h"
#include "util/loop.h"

enum {
	ESD_ANONYMOUS_MAX = 128,	/* of root; */
	ESD_ANONYMOUS_MAX_OTHERS = 32,	/* of everyone else together; one more, and the one that is idle longest goes */
	ESD_ANONYMOUS_IDLE_S = 30,
};

struct esd_daemon;
struct esd_client;

struct esd_connection {
	struct esd_daemon *daemon;	/* borrowed */
	struct loop_source source;
	int fd;
	pid_t pid;			/* of the peer when it connected; 0 if it is in a namespace that we can't see */
	uid_t uid;
	uint64_t used_ns;		/* when it last asked something */
	struct esd_client *client;	/* owned; NULL: anonymous */
	TAILQ_ENTRY(esd_connection) link;	/* of those that are anonymous */
	struct es_request request;	/* under way, if `again` */
	bool again;
	TAILQ_ENTRY(esd_connection) again_link;
};

/* Takes `fd`, also when it fails. */
int esd_connection_new(struct esd_daemon *daemon, int fd);
void *esd_connection_free(struct esd_connection *connection);

/* From now on it is not anonymous. */
void esd_connection_promote(struct esd_connection *connection, struct esd_client *client);

/* Anonymous ones that have been silent for too long end. */
void esd_connections_expire(struct esd_daemon *daemon, uint64_t now_ns);
