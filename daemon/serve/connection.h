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
#include "daemon/serve/peer.h"
#include "util/loop.h"

enum {
	ESD_ANONYMOUS_MAX = 128,	/* of root; */
	ESD_ANONYMOUS_MAX_OTHERS = 32,	/* of everyone else together; one more, and the one that is idle longest goes */
	ESD_ANONYMOUS_IDLE_S = 30,
};

struct esd_connection {
	struct esd_peer peer;
	struct loop_source source;
	uint64_t used_ns;		/* when it last asked something */
	bool promoted;			/* in the list of those that are clients, not of those that are anonymous */
	TAILQ_ENTRY(esd_connection) link;
	struct es_request request;	/* under way, if `again` */
	bool again;
	TAILQ_ENTRY(esd_connection) again_link;
};

/* Takes `fd`, also when it fails. */
int esd_connection_new(struct esd_daemon *daemon, int fd);

/* All of them end. */
void esd_connections_end(struct esd_daemon *daemon);

/* Those end whose client was marked. The loop does so after each callback. */
void esd_connections_reap(struct esd_daemon *daemon);

/* Anonymous ones that have been silent for too long end. */
void esd_connections_expire(struct esd_daemon *daemon, uint64_t now_ns);
