/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * One client: a connection that asked to be one. It holds a slot, and with it a ring, an array of held operations and a
 * gate of fixed size, all made by the sensor: this is all that a client can make the system keep for it. It ends with
 * its connection, or with its process, whichever is noticed first.
 *
 * Who finds that a client has to end marks it, and may go on looking at it: its connection, which owns it, takes it away
 * when the loop has come back from the callback.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "abi/control.h"
#include "daemon/hold/time-limits.h"
#include "daemon/hold/watch.h"
#include "daemon/sensor/mute.h"
#include "daemon/sensor/sensor.h"
#include "util/loop.h"

struct esd_daemon;
struct esd_peer;

struct esd_client {
	struct esd_daemon *daemon;	/* borrowed */
	struct loop_source death;	/* of pidfd */
	int pidfd;
	pid_t pid;
	unsigned int slot;
	uint64_t types[ES_TYPE_WORDS];
	struct esd_sensor_slot given;	/* borrowed from the sensor */
	struct esd_mutes mutes;
	struct esd_watch watch;		/* .settings: what the kernel programs know of it */
	bool ended;			/* marked */
	struct esd_deadlines deadlines;
	bool descendants;		/* it watches its descendants only; no client does so far */
	uint64_t missed;		/* deadlines */
	uint64_t cleared_ns;		/* es_clear_cache(): when its present second began, and how often since */
	unsigned int cleared;
	char executable[sizeof(((struct es_client_info *)NULL)->executable)];
};

/*
 * 0; a negative errno: the daemon failed, and logged why; or a positive one for the peer:
 *	EPERM		it is not root
 *	ENOKEY, EACCES	the administrator's list, see access.h
 *	EUSERS		no slot is free
 */
int esd_client_new(struct esd_client **ret, const struct esd_peer *peer);
void *esd_client_free(struct esd_client *client);

/*
 * EOPNOTSUPP: *ret_refused can't be had, and nothing was changed. EAGAIN: not yet, the sensor is still getting ready:
 * come again when others have had their turn.
 */
int esd_client_subscribe(struct esd_client *client, const uint64_t types[ES_TYPE_WORDS], uint32_t *ret_refused);
int esd_client_unsubscribe(struct esd_client *client, const uint64_t types[ES_TYPE_WORDS]);

/*
 * What becomes of it when it is late, and when it is. EINVAL: no such mode, no AUTH type, or beyond the limits; EPERM:
 * only a client that watches its descendants has a minimum.
 */
int esd_client_set_miss_mode(struct esd_client *client, uint32_t mode);
int esd_client_set_deadline_max(struct esd_client *client, const uint64_t types[ES_TYPE_WORDS], uint32_t ms);
int esd_client_set_deadline_min(struct esd_client *client, const uint64_t types[ES_TYPE_WORDS], uint32_t ms);
int esd_client_get_deadline_max(const struct esd_client *client, uint32_t type, uint32_t *ret_ms);
int esd_client_get_deadline_min(const struct esd_client *client, uint32_t type, uint32_t *ret_ms);

/* EBUSY: too often. */
int esd_client_clear_cache(struct esd_client *client);

/* What the sensor made for it is of no use any more: it is disconnected, and so told. */
void esd_client_broken(void *daemon, unsigned int slot);
