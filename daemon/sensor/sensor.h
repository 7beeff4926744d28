/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The interface of a sensor to the daemon. A sensor fills the clients' rings and makes operations wait at their gates:
 * bpf-sensor.c with tracepoint.c or lsm.c; replay.c, which has a capture in place of a kernel; and fake.c for tests.
 *
 * client_add() makes all that a client gets, and the sensor owns it until client_remove(). That function allows all
 * that waits for the client, whatever state the client is in.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "abi/control.h"
#include "abi/sensor.h"
#include "daemon/sensor/scope.h"
#include "util/archive.h"
#include "util/loop.h"

enum esd_sensor_choice {
	ESD_CHOOSE_AUTO,		/* lsm where it works, else tracepoint */
	ESD_CHOOSE_LSM,
	ESD_CHOOSE_TRACEPOINT,
};

struct esd_sensor_config {
	enum esd_sensor_choice choice;
	struct loop *loop;		/* borrowed, like the scope */
	const struct esd_scope *scope;
	uint32_t ring_bytes;		/* a power of two */
	const char *accounts;		/* the folder of passwd and its neighbours */
	struct archive *kept;		/* what keep() of a sensor that ended has written: go on with that; NULL: begin */
	const char *items;		/* the folder that has /etc and so on of launch items */
	const char *bus;		/* the socket of the bus where systemd-logind is */

	/* The gate of the client in this slot has broken. The daemon calls client_remove() later. */
	void (*client_broken)(void *owner, unsigned int slot);
	void *owner;
};

/* What a client gets; owned by the sensor. */
struct esd_sensor_slot {
	int fds[ES_CLIENT_FDS];
	int abort_fd;			/* lsm: ends the gate's FUSE connection; -1: none */
	struct es_held *held;		/* ES_HELD_MAX entries, which the client writes as it likes */
};

struct esd_sensor_counters {
	uint64_t delivered;
	uint64_t lost;
	uint64_t ring_used;
};

struct esd_sensor_stats {
	uint64_t processes;
	uint64_t unresolved;
	uint64_t missed_runs;
	uint64_t not_held;
};

struct esd_sensor;
struct esd_mute;
struct esd_mute_summary;

struct esd_sensor_ops {
	void (*free)(struct esd_sensor *sensor);

	/* Adding the first client makes the sensor watch, removing the last one makes it stop. */
	int (*client_add)(struct esd_sensor *sensor, unsigned int slot, pid_t pid, struct esd_sensor_slot *ret);
	void (*client_remove)(struct esd_sensor *sensor, unsigned int slot);

	/*
	 * Prepares subscriptions to these types, in short steps. 1: one step is done, call again; 0: all were tried,
	 * and `capabilities` is final for these types; negative errno: it failed, for want of memory or the like, and
	 * was logged.
	 */
	int (*load)(struct esd_sensor *sensor, const uint64_t types[ES_TYPE_WORDS]);

	/*
	 * Starts what must run before a subscription to these types is in force. 1: not running yet, call again; 0: it
	 * runs, call subscribe() in this turn of the loop; negative errno: it failed, and was logged. NULL: nothing.
	 */
	int (*begin)(struct esd_sensor *sensor, const uint64_t types[ES_TYPE_WORDS]);

	/* Sets the client's subscriptions to `types`, in force on return. After a failure, the old ones remain. */
	int (*subscribe)(struct esd_sensor *sensor, unsigned int slot, const uint64_t types[ES_TYPE_WORDS]);

	/* The pidversion that messages have for this process of a client; 0: not known yet. */
	uint32_t (*pidversion)(struct esd_sensor *sensor, int pidfd);

	/*
	 * Muting, see daemon/sensor/mute.h. First mute() writes one entry with these types, some of them by default;
	 * no types remove it (EDQUOT: there is no room). Then the function below writes the summary, which puts it in
	 * force.
	 */
	int (*mute)(struct esd_sensor *sensor, unsigned int slot, const struct esd_mute *mute,
		    const uint64_t types[ES_TYPE_WORDS], const uint64_t defaults[ES_TYPE_WORDS]);
	void (*mute_summary)(struct esd_sensor *sensor, unsigned int slot, const struct esd_mute_summary *summary);

	/* Is there such an execution, and has it not ended? */
	bool (*process_runs)(struct esd_sensor *sensor, pid_t pid, uint32_t pidversion);

	void (*counters)(struct esd_sensor *sensor, unsigned int slot, struct esd_sensor_counters *ret);
	void (*stats)(struct esd_sensor *sensor, struct esd_sensor_stats *ret);

	/* The cache of answers: empty on return of cache_clear(). The caller of cache_info() sets *ret to zero. */
	void (*cache_clear)(struct esd_sensor *sensor);
	void (*cache_info)(struct esd_sensor *sensor, struct es_cache_info *ret);

	/*
	 * Writes what another daemon needs to go on with the same programs, maps and slots: `kept` of its configuration.
	 * There slot() returns what the client in this slot has. Only if `keeps`.
	 */
	void (*keep)(struct esd_sensor *sensor, struct archive *archive);
	void (*slot)(struct esd_sensor *sensor, unsigned int slot, struct esd_sensor_slot *ret);
};

/* The beginning of each sensor's own struct. */
struct esd_sensor {
	const struct esd_sensor_ops *ops;
	enum es_sensor number;
	bool gate_queues;		/* an operation has no entry in `held` until the client reads it from the gate */
	struct es_sensor_client *clients;	/* by slot; zero but for tgid after client_add() */
	int clients_fd;			/* what that is mapped from */
	int end_fd;			/* ES_CLIENT_FD_END */
	bool keeps;			/* another daemon can go on with it: keep() */
	bool changed;			/* since this was last set to false, keep() would write something else */
	uint64_t own_slots;		/* slots that the sensor itself uses at present: no client can have them */
	int64_t from_monotonic;		/* as in struct es_reply; a replay's only */
	int64_t from_boot;
	struct es_capability_info capabilities[ES_EVENT_TYPES];	/* before load(): as far as is known */
	uint32_t wait_limit_ms;		/* the kernel's limit for a wait; 0: none */
	char reason[256];		/* why this sensor */
};

static inline void esd_sensor_freep(struct esd_sensor **sensor)
{
	if (*sensor)
		(*sensor)->ops->free(*sensor);
}
