/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A sensor without a kernel behind it, for tests: what clients get are memory files, and a pipe for the gate. It can
 * hold AUTH_OPEN and AUTH_EXEC, not AUTH_UNLINK; NOTIFY_IOKIT_OPEN never happens; the rest is delivered.
 */

#include "daemon/sensor/mute.h"
#include "daemon/sensor/sensor.h"

enum { FAKE_PIDVERSION = 17 };

struct fake_slot {
	bool used;
	pid_t pid;
	uint64_t types[ES_TYPE_WORDS];
	struct esd_sensor_slot given;
	int gate_writer;		/* bytes written here wait at the gate */
	struct es_held *held;		/* writable */
	struct esd_sensor_counters counters;
	unsigned int mutes;		/* entries that were added and not removed */
	struct esd_mute_summary summary;
};

struct fake_sensor {
	struct esd_sensor base;
	struct fake_slot slots[ES_CLIENTS_MAX];
	struct es_sensor_client clients[ES_CLIENTS_MAX];
	int subscribe_fails;		/* this errno, once */
	int load_fails;			/* likewise */
	unsigned int load_steps;	/* steps left */
	uint64_t load_refuses[ES_TYPE_WORDS];	/* types that load() then finds unavailable */
	unsigned int mutes_max;		/* of each slot; more is EDQUOT */
	uint64_t defaults[ES_TYPE_WORDS];	/* of the last entry */
	pid_t ended;			/* this process has ended; all others run */
	bool freed;
	unsigned int cache_cleared;
};

void fake_sensor_init(struct fake_sensor *fake);
