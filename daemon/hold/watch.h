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
 *	a FUSE request is named by a number that never comes again, so any number may reply to it
 *
 * With the lsm sensor every operation that waits has an entry from the start. With fanotify it is the client that makes
 * the entries. It claims one, and what it reads the kernel writes there; the program that it then runs sets the deadline.
 * One that is stopped meanwhile shows in that the entry has an event and no deadline. One that doesn't even read its gate
 * shows in that this stays readable, nothing is asked, and its queue never gets shorter.
 *
 * With the lsm sensor it is the task that frees the entry. So one that was answered stays while its task is stopped, or
 * in a signal handler: nobody is late. But if the task still sleeps at the gate, the client was stopped before it woke it.
 */

#include <stdbool.h>
#include <stdint.h>

#include "abi/control.h"
#include "abi/sensor.h"

/* An entry, and since when it is known to be in the state in question. auth_id 0: none. */
struct esd_watch_seen {
	uint64_t auth_id;
	uint64_t since_ns;
};

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
	struct esd_watch_seen claim;	/* an event without a deadline */
	struct esd_watch_seen asleep;	/* a task that sleeps on, though it was answered */
};

/* An operation whose answer is late, copied: what a client writes may change at any time. */
struct esd_late {
	unsigned int index;
	uint64_t auth_id;
	uint64_t late_ns;
	bool answered;			/* but not woken: that is all that is left to do */
	bool lost;			/* and waking it has done nothing: who read its request has taken it along */
	uint32_t number;		/* of the event's descriptor, plus one, if it isn't in the entry yet */
	uint32_t type;			/* may be no type at all */
	uint32_t tid;
	uint32_t tgid;
	char path[ES_HELD_PATH_BYTES];
};

/* The next one from *index on that is late by more than spare_ns; *index 0 begins. */
bool esd_watch_late(struct esd_watch *watch, uint64_t now_ns, uint64_t spare_ns, unsigned int *index,
		    struct esd_late *ret);

/*
 * Has the client to be killed for this? Not if it has answered, and need only be helped to wake the task; but in any mode
 * if that is beyond help.
 */
bool esd_watch_kills(const struct esd_late *late, uint32_t mode);

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
