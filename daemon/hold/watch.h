/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * An outside view of a client: has it missed a deadline, and how can an operation proceed without its help?
 *
 * Two processes ("outsiders") watch with the same code: the daemon (deadline.c), and a little later the warden
 * (warden.c), in case the daemon hangs. They share memory with the client and the kernel programs: `held`, with every
 * operation that waits, and `settings`. Neither the order in which they act nor a hang at any step matters:
 *
 *	the first to replace ES_VERDICT_NONE in an entry's `verdict` has answered; any outsider may then wake the task
 *	fanotify names a waiting task by a descriptor number of the client. The client doesn't reuse that number while an
 *	outsider has its bit set in `outside`
 *	FUSE names a request by a number that is never reused, so the client and both outsiders may all reply to it
 *
 * With the lsm sensor, every operation that waits has an entry from the start. With fanotify, the client makes the
 * entries: it claims one, reads an event into it, and then runs a kernel program that sets the deadline. If the client
 * is stopped in between, its entry has an event but no deadline. If it doesn't read its gate at all, the gate stays
 * readable, no question is asked, and the queue never gets shorter.
 *
 * With the lsm sensor, the task frees the entry. An answered entry therefore persists while its task is stopped or in a
 * signal handler. That is not a missed deadline. But if the task still sleeps at the gate, the client didn't wake it.
 */

#include <stdbool.h>
#include <stdint.h>

#include "abi/control.h"
#include "abi/sensor.h"

/* An entry, and when it was first seen in a certain state. auth_id 0: none. */
struct esd_watch_seen {
	uint64_t auth_id;
	uint64_t since_ns;
};

struct esd_watch {
	enum es_sensor sensor;
	bool queues;			/* operations can wait in the gate without an entry */
	uint32_t bit;			/* ES_OUTSIDE_*: this outsider's */
	unsigned int slot;
	int gate_fd;			/* borrowed, like the rest */
	int ask_fd;			/* the program that reports a denial; -1: don't report */
	int abort_fd;			/* of a FUSE connection; -1: none */
	struct es_held *held;
	struct es_sensor_client *settings;
	uint64_t stalled_ns;		/* start of a possible stall; 0: none */
	uint64_t moved;			/* progress() at that time */
	int queued;			/* bytes in the gate's queue at the last check */
	struct esd_watch_seen claim;	/* an event without a deadline */
	struct esd_watch_seen asleep;	/* a task that still sleeps although its entry was answered */
};

/* A copy of an operation whose answer is late. It is a copy because the client can change the entry at any time. */
struct esd_late {
	unsigned int index;
	uint64_t auth_id;
	uint64_t late_ns;
	bool answered;			/* but not woken: only the wake-up is missing */
	bool lost;			/* waking had no effect: its request was read, but its number is lost */
	uint32_t number;		/* the event's descriptor plus one, if the entry doesn't have it yet */
	uint32_t type;			/* may be invalid */
	uint32_t tid;
	uint32_t tgid;
	char path[ES_HELD_PATH_BYTES];
};

/* Finds the next operation, from *index on, that is late by more than spare_ns. Start with *index 0. */
bool esd_watch_late(struct esd_watch *watch, uint64_t now_ns, uint64_t spare_ns, unsigned int *index,
		    struct esd_late *ret);

/*
 * Must the client be killed for this? Not if it has answered and an outsider can still wake the task. If nobody can,
 * yes, in every mode.
 */
bool esd_watch_kills(const struct esd_late *late, uint32_t mode);

/* Has the client not read its gate for its shortest deadline plus spare_ns? *ret_since_ns: since when. */
bool esd_watch_stalled(struct esd_watch *watch, uint64_t now_ns, uint64_t spare_ns, uint64_t *ret_since_ns);

/*
 * Answers a late operation for the client. True if this call gave the answer. Wakes the task in any case, also if the
 * other outsider has answered and then hung.
 */
bool esd_watch_settle(const struct esd_watch *watch, const struct esd_late *late, bool allow);

/* The same for an operation that the client hasn't read. False: none is left. Counts as lost for the client. */
bool esd_watch_settle_unread(const struct esd_watch *watch, bool allow, struct esd_late *ret);

/* Gives the client up: allows all that waits for it, and stops new questions to it. Quick, and harmless if repeated. */
void esd_watch_let_go(const struct esd_watch *watch);

/* The latest time for the next check, if no subscriptions or settings change. Always later than now_ns. */
uint64_t esd_watch_next_ns(const struct esd_watch *watch, uint64_t now_ns, uint64_t spare_ns);

/* Does any operation have an entry? */
bool esd_watch_any(const struct esd_watch *watch);
