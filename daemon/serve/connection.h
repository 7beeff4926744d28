/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * One accepted socket. It reads packets and passes them to control.c. It ends at the first malformed packet, and when
 * the peer doesn't read its replies. If it becomes a client, it owns that.
 *
 * A slow request is handled in steps (ESD_CONTROL_AGAIN), so that other connections get their turn in between. The
 * connection keeps the request, and reads nothing more from the peer until it has sent the reply.
 *
 * Connections that aren't clients ("anonymous") are limited in number and in idle time, separately for root and for
 * others, so that unprivileged processes can't keep clients and tools out.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "abi/control.h"
#include "daemon/serve/peer.h"
#include "util/loop.h"

enum {
	ESD_ANONYMOUS_MAX = 128,	/* of root; one more ends the one that is idle longest, as below */
	ESD_ANONYMOUS_MAX_OTHERS = 32,	/* of all other users together */
	ESD_ANONYMOUS_IDLE_S = 30,
};

struct esd_connection {
	struct esd_peer peer;
	struct loop_source source;
	uint64_t used_ns;		/* time of its last request */
	bool promoted;			/* in the list of clients, not of anonymous connections */
	TAILQ_ENTRY(esd_connection) link;
	struct es_request request;	/* in progress if `again` */
	bool again;
	TAILQ_ENTRY(esd_connection) again_link;
};

/* Takes `fd`, also when it fails. */
int esd_connection_new(struct esd_daemon *daemon, int fd);

/*
 * For another daemon: those that are clients. Of the others none is kept: the library connects again. A request that
 * was in work when a daemon died is answered with EAGAIN, for the library to repeat it.
 */
struct archive;
void esd_connections_keep(struct esd_daemon *daemon, struct archive *archive);
int esd_connections_go_on(struct esd_daemon *daemon, struct archive *archive, int busy_fd, uint32_t busy_op);

/* Ends all connections. */
void esd_connections_end(struct esd_daemon *daemon);

/* Ends the connections whose client is marked. The loop calls this after each callback. */
void esd_connections_reap(struct esd_daemon *daemon);

/* Ends anonymous connections that have been idle for too long. */
void esd_connections_expire(struct esd_daemon *daemon, uint64_t now_ns);
