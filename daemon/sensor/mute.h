/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A client's mutes: a set of tuples (kind, path or execution, event type), stored as entries with a set of types each,
 * and for each stage whether it is inverted. Editing compares entries exactly; only the kernel programs
 * (bpf/select/mute.bpf.h) match them against events.
 *
 * Each change goes to the sensor: first the changed entries, then the summary of all. When a function returns, the
 * change is in force. Entries of executions that have ended can't match any more. They are removed when the list is
 * read, and when there are many of them.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "abi/mute.h"

enum {
	ESD_MUTES_MAX = 65536,		/* entries of a client */
	ESD_MUTES_SWEEP = 1024,		/* entries of executions before the first search for those that have ended */
};

struct esd_sensor;

struct esd_mute {
	TAILQ_ENTRY(esd_mute) link;
	uint64_t id;			/* grows along the list */
	uint64_t types[ES_TYPE_WORDS];	/* never empty */
	uint64_t defaults[ES_TYPE_WORDS];	/* those of the default set: only for processes that init started */
	struct es_token token;		/* ES_MUTE_PROCESS: as it was given */
	uint32_t kind;			/* enum es_mute_kind */
	uint32_t length;
	const char *path;		/* not of a process; no NUL */
};

TAILQ_HEAD(esd_mute_list, esd_mute);

/* The summary of all entries. */
struct esd_mute_summary {
	uint64_t actor[ES_TYPE_WORDS];	/* types for which process and executable matter, */
	uint64_t target[ES_TYPE_WORDS];	/* and targets */
	struct es_mute_client client;	/* all but its generation */
};

struct esd_mutes {
	struct esd_sensor *sensor;	/* borrowed */
	unsigned int slot;
	struct esd_mute_list list;
	void *tree;			/* the same entries, for tsearch(3) */
	uint64_t last_id;
	size_t count;
	size_t processes;		/* of them */
	size_t sweep_at;
	uint32_t users[2][ES_EVENT_TYPES];	/* entries per type: of processes and executables, of targets */
	uint32_t lengths[ES_MUTE_PATH_KINDS][ES_MUTE_PATH_BYTES];	/* entries by length of their path */
	struct esd_mute_summary summary;
};

/* With the default set (daemon/sensor/mute-default.c). On failure there is nothing to deinit. */
int esd_mutes_init(struct esd_mutes *mutes, struct esd_sensor *sensor, unsigned int slot);
void esd_mutes_deinit(struct esd_mutes *mutes);

/*
 * `data` is a path, or a struct es_token. 0; negative: the daemon failed; positive, for the client:
 *	EINVAL	no such kind, no path, no token
 *	ESRCH	that execution isn't running
 *	EDQUOT	too many
 */
int esd_mutes_add(struct esd_mutes *mutes, uint32_t kind, const void *data, size_t size,
		  const uint64_t types[ES_TYPE_WORDS]);
int esd_mutes_remove(struct esd_mutes *mutes, uint32_t kind, const void *data, size_t size,
		     const uint64_t types[ES_TYPE_WORDS]);

/* EINVAL: no such stage, or the stage of processes. */
int esd_mutes_remove_all(struct esd_mutes *mutes, uint32_t stage);
int esd_mutes_invert(struct esd_mutes *mutes, uint32_t stage);

/*
 * Returns the first of these types that can deliver no event, -1: none. This is so if targets are inverted, and one is
 * listed for another of the types but none for this one. It is seldom meant.
 */
int esd_mutes_silent(const struct esd_mutes *mutes, const uint64_t types[ES_TYPE_WORDS]);

/* The first entry with an id above `cursor`, NULL: none; go on by `link`. Cursor 0 first removes ended executions. */
const struct esd_mute *esd_mutes_after(struct esd_mutes *mutes, uint64_t cursor);

/* For another daemon: a reader gets a set like esd_mutes_init()'s, with the entries of the one that was written. */
struct archive;
void esd_mutes_keep(struct esd_mutes *mutes, struct archive *archive);
int esd_mutes_go_on(struct esd_mutes *mutes, struct esd_sensor *sensor, unsigned int slot, struct archive *archive);

/* The paths that a new client has muted, and for which types; NULL ends it. */
extern const char *const esd_mute_defaults[];
void esd_mute_default_types(uint64_t ret[ES_TYPE_WORDS]);

/* They apply to processes of root and of system accounts. Returns the last uid of those, from a login.defs(5) file. */
uint32_t esd_mute_default_uid_max(const char *path);
