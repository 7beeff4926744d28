/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The state that everything in the daemon shares. One thread, one loop (util/loop.h).
 *
 *	listen.c	accepts		-> struct esd_connection (connection.c)
 *	connection.c	reads a packet	-> control.c, which finds the request's row
 *	control.c	the request	-> client.c (becoming one, subscriptions) or status.c (questions of tools)
 *	client.c	a client	-> the sensor (sensor/sensor.h), which makes ring and gate and writes the kernel's maps
 *	notes.c		what happened lately, for esctl
 *
 *	identity/	who made programs: threads of their own, see identity.h
 *
 *	hold/deadline.c	looks at what waits, by watch.c
 *	hold/warden.c	a second process, which does so too, and goes on when this one hangs or is dead
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "abi/control.h"
#include "daemon/serve/access.h"
#include "daemon/hold/deadline.h"
#include "daemon/hold/time-limits.h"
#include "daemon/serve/notes.h"
#include "daemon/sensor/scope.h"
#include "daemon/sensor/sensor.h"
#include "daemon/hold/warden.h"
#include "daemon/identity/identity.h"
#include "util/log.h"
#include "util/loop.h"

TAILQ_HEAD(esd_connections, esd_connection);

struct esd_daemon {
	struct loop loop;
	struct esd_scope scope;
	struct esd_sensor *sensor;	/* owned */
	struct esd_deadline deadline;
	struct esd_warden warden;
	struct loop_source warden_source;
	struct esd_limits limits;
	struct esd_access access;
	struct esd_identity *identity;	/* owned; NULL: the administrator doesn't want it */
	struct esd_notes notes;
	uint32_t ring_bytes;
	uint64_t started_ns;
	bool is_private;		/* ends with its last client */
	uid_t owner;			/* who is served, besides root: of a replay, who started it; else 0 */

	struct esd_connections promoted;	/* connections that are clients */
	struct esd_connections anonymous;	/* those that aren't, the one that asked last at the end */
	unsigned int anonymous_count[2];	/* of them: not root, root */
	struct esd_connections again;	/* those with a request that takes several steps, the next one first */
	struct loop_source again_source;	/* in the loop while there are some, and always ready */
	int again_fd;
	struct esd_client *clients[ES_CLIENTS_MAX];	/* by slot */
	unsigned int client_count;
	bool any_ended;			/* a client is marked: see client.h */

	struct log_limit complaints;	/* about what peers send */
	struct log_limit misses;
	struct log_limit refusals;
	uint64_t never_said[ES_TYPE_WORDS];	/* types of which nothing comes here, and whose subscriber was told so */
};

int esd_daemon_init(struct esd_daemon *daemon);

/* May it be a client, and know of others? */
static inline bool esd_daemon_serves(const struct esd_daemon *daemon, uid_t uid)
{
	return uid == 0 || uid == daemon->owner;
}

/* Into the notes, and into the log. */
void esd_daemon_note(struct esd_daemon *daemon, const struct es_note_info *note);

/* Starts it, and listens to what it did. */
int esd_daemon_start_warden(struct esd_daemon *daemon);

/* When all connections have ended: esd_connections_end(). */
void esd_daemon_deinit(struct esd_daemon *daemon);
