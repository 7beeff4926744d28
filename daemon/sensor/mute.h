/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What one client has muted: a set of tuples (kind, path or execution, event type), kept as entries with a set of types
 * each, and for each stage whether it is inverted. Editing is exact: what an entry would match doesn't matter here, only
 * in the kernel programs (bpf/select/mute.bpf.h).
 *
 * The sensor is told of each changed entry, and then of what follows from all of them; when a function returns, the
 * change is in force. Executions that have ended are not muted any more: they are thrown out when the list is looked at
 * and before there would be too many, since nothing in the kernel ever matches them again.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "abi/mute.h"

enum {
	ESD_MUTES_MAX = 65536,		/* entries of a client */
	ESD_MUTES_SWEEP = 1024,		/* executions, before those that have ended are looked for */
};

struct esd_sensor;

struct esd_mute {
	TAILQ_ENTRY(esd_mute) link;
	uint64_t id;			/* grows along the list */
	uint64_t types[ES_TYPE_WORDS];	/* never empty */
	uint64_t defaults[ES_TYPE_WORDS];	/* of them: from the default set, for processes that init started */
	struct es_token token;		/* ES_MUTE_PROCESS: as it was given */
	uint32_t kind;			/* enum es_mute_kind */
	uint32_t length;
	const char *path;		/* not of a process; no NUL */
};

TAILQ_HEAD(esd_mute_list, esd_mute);

/* What follows from all entries. */
struct esd_mute_summary {
	uint64_t actor[ES_TYPE_WORDS];	/* types for which process and executable matter, */
	uint64_t target[ES_TYPE_WORDS];	/* and targets */
	struct es_mute_client client;	/* but for its generation */
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
	uint32_t users[2][ES_EVENT_TYPES];	/* entries that have a type: of processes and executables, of targets */
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

/* EINVAL: no such stage, or that of processes. */
int esd_mutes_remove_all(struct esd_mutes *mutes, uint32_t stage);
int esd_mutes_invert(struct esd_mutes *mutes, uint32_t stage);

/*
 * The first of these types of which nothing can come: targets are inverted, and none is listed for it, though one is for
 * another of them. That is seldom meant. -1: none.
 */
int esd_mutes_silent(const struct esd_mutes *mutes, const uint64_t types[ES_TYPE_WORDS]);

/* The first entry with an id above `cursor`, NULL: none; `link` leads on. If `cursor` is 0, those that ended have gone. */
const struct esd_mute *esd_mutes_after(struct esd_mutes *mutes, uint64_t cursor);

/* The paths that a new client has muted, and for which types; NULL ends it. */
extern const char *const esd_mute_defaults[];
void esd_mute_default_types(uint64_t ret[ES_TYPE_WORDS]);

/* They are for processes of root and of system accounts: the last uid of those, as the file of login.defs(5) has it. */
uint32_t esd_mute_default_uid_max(const char *path);
