/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * One client: a connection that asked to be one. It holds a slot, with a ring, an array of held operations and a gate,
 * all of fixed size and made by the sensor: a client can't make the system keep more. It ends with its connection or
 * its process, whichever the daemon notices first.
 *
 * A function that must end a client only marks it, and may go on using it. The connection owns the client, and frees it
 * after the loop's present callback has returned.
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
	struct esd_watch watch;		/* .settings: shared with the kernel programs */
	bool ended;			/* marked to be freed */
	struct esd_deadlines deadlines;
	bool descendants;		/* it watches only its descendants; not implemented yet */
	uint64_t missed;		/* deadlines */
	uint64_t cleared_ns;		/* es_clear_cache(): when the present second began, and the calls since */
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
 * For another daemon: writes the client of the peer, or makes it for a peer that has none yet, as it was, in the same slot.
 * A negative errno has been logged.
 */
struct archive;
void esd_client_keep(struct esd_client *client, struct archive *archive);
int esd_client_go_on(struct esd_client **ret, const struct esd_peer *peer, struct archive *archive);

/*
 * EOPNOTSUPP: the type *ret_refused isn't available, and nothing was changed. EAGAIN: the sensor isn't ready; call
 * again in a later turn of the loop.
 */
int esd_client_subscribe(struct esd_client *client, const uint64_t types[ES_TYPE_WORDS], uint32_t *ret_refused);
int esd_client_unsubscribe(struct esd_client *client, const uint64_t types[ES_TYPE_WORDS]);

/*
 * Sets or reads the mode for missed deadlines, and the deadlines. EINVAL: no such mode, no AUTH type, or beyond the
 * limits; EPERM: only a client that watches its descendants has a minimum.
 */
int esd_client_set_miss_mode(struct esd_client *client, uint32_t mode);
int esd_client_set_deadline_max(struct esd_client *client, const uint64_t types[ES_TYPE_WORDS], uint32_t ms);
int esd_client_set_deadline_min(struct esd_client *client, const uint64_t types[ES_TYPE_WORDS], uint32_t ms);
int esd_client_get_deadline_max(const struct esd_client *client, uint32_t type, uint32_t *ret_ms);
int esd_client_get_deadline_min(const struct esd_client *client, uint32_t type, uint32_t *ret_ms);

/* EBUSY: too often. */
int esd_client_clear_cache(struct esd_client *client);

/* Call if the client's gate or ring is broken: disconnects the client, which thereby learns of it. */
void esd_client_broken(void *daemon, unsigned int slot);
