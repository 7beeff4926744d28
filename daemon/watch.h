/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A client seen from outside: has it missed a deadline, and how is an operation let go without its help?
 *
 * Two processes look, with the same code: the daemon (deadline.c), and a little later, for the case that the daemon
 * hangs, the warden (warden.c). What they share with the client and the kernel programs is memory: `held`, where every
 * operation that waits stands, and `settings`. So it doesn't matter who is first, nor who hangs at which step:
 *
 *	who changes ES_VERDICT_NONE in an entry's `verdict` has answered; any outsider may then wake the task
 *	with fanotify, a task is named by the number of a descriptor of the client's. While an outsider has its bit in
 *	`outside` the client leaves the number alone
 *	a FUSE request is named by a number that never comes again
 *
 * With the lsm sensor every operation that waits has an entry from the start. With fanotify it is the client that makes
 * the entries: one that doesn't even read its gate (one that is stopped) has none. It shows in that its gate stays
 * readable, nothing is asked, and its queue never gets shorter.
 */

#include <stdbool.h>
#include <stdint.h>

#include "abi/control.h"
#include "abi/sensor.h"

struct esd_watch {
	enum es_sensor sensor;
	bool queues;			/* the gate can hold what has no entry */
	uint32_t bit;			/* ES_OUTSIDE_*: who looks */
	unsigned int slot;
	int gate_fd;			/* borrowed, like the rest */
	int ask_fd;			/* to note a denial; -1: it isn't noted */
	int abort_fd;			/* of a FUSE connection; -1: none */
	struct es_held *held;
	struct es_sensor_client *settings;
	uint64_t stalled_ns;		/* the stall that may be going on: since when, 0: none */
	uint64_t moved;			/* how much had gone through the gate then */
	int queued;			/* bytes in the gate's queue when last looked at */
};

/* An operation whose answer is late, copied: what a client writes may change at any time. */
struct esd_late {
	unsigned int index;
	uint64_t auth_id;
	uint64_t late_ns;
	uint32_t type;			/* may be no type at all */
	uint32_t tid;
	uint32_t tgid;
	char path[ES_HELD_PATH_BYTES];
};

/* The next one from *index on that is late by more than spare_ns; *index 0 begins. */
bool esd_watch_late(const struct esd_watch *watch, uint64_t now_ns, uint64_t spare_ns, unsigned int *index,
		    struct esd_late *ret);

/* Has it left its gate alone for longer than it has for an answer, and spare_ns more? *ret_since_ns: since when. */
bool esd_watch_stalled(struct esd_watch *watch, uint64_t now_ns, uint64_t spare_ns, uint64_t *ret_since_ns);

/*
 * Answers for the client what is late: true if it was we who did. The task goes on in any case, also if the other
 * outsider has answered and not got further.
 */
bool esd_watch_settle(const struct esd_watch *watch, const struct esd_late *late, bool allow);

/* The same for one that the client hasn't read: false when there is none left. Counts as lost for the client. */
bool esd_watch_settle_unread(const struct esd_watch *watch, bool allow, struct esd_late *ret);

/* The client is done for: everything goes on, and nobody asks it again. Quick, and harmless if it was done before. */
void esd_watch_let_go(const struct esd_watch *watch);

/* When to look again at the latest, if nobody's subscriptions or settings change. UINT64_MAX: nothing can be late. */
uint64_t esd_watch_next_ns(const struct esd_watch *watch, uint64_t now_ns, uint64_t spare_ns);

/* Does something wait? */
bool esd_watch_any(const struct esd_watch *watch);
