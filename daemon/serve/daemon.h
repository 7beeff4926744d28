/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The daemon's shared state. It runs on one thread with one loop (util/loop.h).
 *
 *	listen.c	accepts		-> struct esd_connection (connection.c)
 *	connection.c	reads a packet	-> control.c, which finds the request's row
 *	control.c	the request	-> client.c (new clients, subscriptions) or status.c (questions of tools)
 *	client.c	a client	-> the sensor (sensor/sensor.h), which makes ring and gate and writes the kernel's maps
 *	notes.c		recent events of note, for esctl
 *
 *	identity/	the makers of programs; has its own threads, see identity.h
 *
 *	hold/deadline.c	enforces deadlines, with watch.c
 *	hold/warden.c	a second process that does so too, and still does when this one hangs or is dead
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

struct esd_listen;
struct esd_state;

struct esd_daemon {
	struct loop loop;
	struct esd_scope scope;
	struct esd_sensor *sensor;	/* owned */
	struct esd_deadline deadline;
	struct esd_warden warden;
	struct loop_source warden_source;
	struct esd_limits limits;
	struct esd_access access;
	struct esd_identity *identity;	/* owned; NULL: turned off in the configuration */
	struct esd_notes notes;
	uint32_t ring_bytes;
	uint64_t started_ns;
	bool is_private;		/* ends with its last client */
	uid_t owner;			/* may be a client besides root: the user who started a replay; else 0 */

	struct esd_connections promoted;	/* connections that are clients */
	struct esd_connections anonymous;	/* those that aren't, in the order of their last requests */
	unsigned int anonymous_count[2];	/* of them: not root, root */
	struct esd_connections again;	/* those with a request of several steps, the next one first */
	struct loop_source again_source;	/* in the loop while `again` has any, and always ready */
	int again_fd;
	struct esd_client *clients[ES_CLIENTS_MAX];	/* by slot */
	unsigned int client_count;
	bool any_ended;			/* a client is marked: see client.h */

	bool changed;			/* since save() was last called */
	void (*save)(struct esd_daemon *daemon);	/* NULL: nobody goes on where this daemon ends (state.h) */
	void (*busy)(struct esd_daemon *daemon, int fd, uint32_t op);	/* a client's request is in work; -1: none */
	struct esd_state *state;	/* theirs: borrowed, as is this: */
	struct esd_listen *listen;

	struct log_limit complaints;	/* about bad packets */
	struct log_limit misses;
	struct log_limit refusals;
	uint64_t never_said[ES_TYPE_WORDS];	/* types that never deliver an event, and for which that was logged */
};

int esd_daemon_init(struct esd_daemon *daemon);

/* May this user be a client, and know of others? */
static inline bool esd_daemon_serves(const struct esd_daemon *daemon, uid_t uid)
{
	return uid == 0 || uid == daemon->owner;
}

/* Call when a change is complete, and before anybody is told of it. */
static inline void esd_daemon_save(struct esd_daemon *daemon)
{
	bool changed = daemon->changed || (daemon->sensor && daemon->sensor->changed);

	if (!changed || !daemon->save)
		return;
	daemon->changed = daemon->sensor->changed = false;
	daemon->save(daemon);
}

/* Adds it to the notes and to the log. */
void esd_daemon_note(struct esd_daemon *daemon, const struct es_note_info *note);

/* Starts the warden, and receives its reports. */
int esd_daemon_start_warden(struct esd_daemon *daemon);

/* Call after esd_connections_end(). */
void esd_daemon_deinit(struct esd_daemon *daemon);
