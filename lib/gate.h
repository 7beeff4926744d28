/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * (A7, F4) The gate: where tasks wait for this client. There is one kind for each sensor, chosen when the client is
 * made:
 *
 *	gate-fanotify.c	tracepoint sensor: permission events of a fanotify group, a program that asks for each
 *	gate-fuse.c	lsm sensor: the kernel has asked already, and its task sleeps in a request to a FUSE file; replay
 *			sensor: the same requests through a socket
 *
 * What waits stands in the shared array held[] (abi/sensor.h), whose index is part of auth_id. The answer comes from
 * whichever thread calls es_respond_*().
 *
 * One thread calls esl_gate_read(), and what it reads may be about this very process. So it must never open a file, nor
 * wait for a thread that may: it allocates nothing (malloc looks into /proc and /sys), doesn't translate error texts,
 * and takes `lock` only, which is never held across anything that opens or waits.
 */

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "abi/control.h"
#include "abi/sensor.h"

struct esl_gate;

/* What the functions below do; `next_ns` and `may_read` may be NULL: no time is set, and it may always be read. */
struct esl_gate_ops {
	bool (*may_read)(struct esl_gate *gate);
	bool (*next_ns)(struct esl_gate *gate, uint64_t *ret_ns);
	int (*read)(struct esl_gate *gate);
	int (*answer)(struct esl_gate *gate, uint64_t auth_id, bool allow, uint32_t keep);
	void (*let_go)(struct esl_gate *gate, const uint64_t *types);	/* NULL: all */
	void (*let_all_go)(struct esl_gate *gate);	/* what has yet to be read as well */
	void (*finish)(struct esl_gate *gate);	/* nothing will be read any more; may be NULL */
};

/* The part that all kinds have in common, at the beginning of each. A kind that needs no wake_fd has -1 there. */
struct esl_gate {
	const struct esl_gate_ops *ops;
	int fd;					/* -1: closed, nothing waits */
	int ask_fd;				/* program to run for an event that was read; fanotify only */
	int wake_fd;				/* eventfd: it may be read again */
	uint32_t slot;
	_Atomic uint32_t miss_mode;		/* enum es_miss_mode */
	struct es_held *held;
	bool held_is_mapped;
	_Atomic uint64_t busy_until_ns;		/* the deadline of what the handler is busy with; 0: nothing */
	_Atomic uint64_t span_ns;		/* how long it may take for that */
	/* The handler's thread's own. */
	uint64_t free_ns;			/* when the handler last returned */
	uint64_t put_off_ns;			/* when what waits was last put off */
	pthread_mutex_t lock;			/* what the kind says, writes to fd, and closing it */
};

/* Where a gate comes from. */
struct esl_gate_source {
	enum es_sensor sensor;
	uint32_t slot;
	int fd;
	int ask_fd;
	int held_fd;				/* stays the caller's */
	struct es_held *held;			/* in tests: not NULL, and held_fd isn't mapped */
};

/* NULL is no gate. */
void esl_gate_free(struct esl_gate *gate);

/* In the child of a fork(): closes its copies of the descriptors, and touches nothing else. */
void esl_gate_disown(struct esl_gate *gate);

/* CLOCK_MONOTONIC. */
uint64_t esl_gate_now_ns(void);

/* For the kinds: maps held[] and sets up what is common, in a block from calloc(). */
int esl_gate_init(struct esl_gate *gate, const struct esl_gate_ops *ops, const struct esl_gate_source *source);

/* What happens to late answers from now on; the daemon has been told before. */
void esl_gate_set_miss_mode(struct esl_gate *gate, uint32_t mode);

/* False: wait for wake_fd before the next esl_gate_read(). */
bool esl_gate_may_read(struct esl_gate *gate);

/* Is there something to do without being told? When (CLOCK_MONOTONIC) to call esl_gate_read() at the latest. */
bool esl_gate_next_ns(struct esl_gate *gate, uint64_t *ret_ns);

/*
 * Handles what there is, a few events at most, and what is due: the number of events, 0 or a negative errno. -EPROTO:
 * nothing sensible will ever come from it again.
 */
int esl_gate_read(struct esl_gate *gate);

/*
 * -ENOENT: nothing waits for this answer (any more). -EALREADY: somebody else has answered. -ESHUTDOWN: the gate is
 * closed. `keep` is 0, or what goes into the cache with it (ES_VERDICT_KEEP in abi/sensor.h); gates without one ignore it.
 */
int esl_gate_answer(struct esl_gate *gate, uint64_t auth_id, bool allow, uint32_t keep);

/*
 * The handler begins with a question, which was asked at time_ns and had until deadline_ns then; and it has returned, from
 * whatever message. The time for an answer counts from when the handler could have begun: if it was busy then, from when
 * it returned. So a client that answers each in time isn't late because many ask; up to the entry's limit_ns. Returns the
 * question's deadline, which is put off no more. By the handler's thread only.
 */
uint64_t esl_gate_begin(struct esl_gate *gate, uint64_t auth_id, uint64_t time_ns, uint64_t deadline_ns);
void esl_gate_done(struct esl_gate *gate);

/* A task has come to wait while the handler is busy with another. */
void esl_gate_queue(struct esl_gate *gate, struct es_held *entry);

/* Allows all that waits and is of these types. */
void esl_gate_let_go(struct esl_gate *gate, const uint64_t *types);

/*
 * Allows all that waits, has yet to be read, or comes later, since the daemon ends. The gate is still to be read until it
 * is closed: who was about to wait just then comes to it. By the gate's thread only.
 */
void esl_gate_let_all_go(struct esl_gate *gate);

/* Allows all that waits or has yet to be read, closes the gate. By the gate's thread only. */
void esl_gate_close(struct esl_gate *gate);
