/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * (A7, F4) The gate: where tasks wait for this client. Each sensor has its kind of gate, chosen when the client is
 * made:
 *
 *	gate-fanotify.c	tracepoint sensor: permission events of a fanotify group, and a program that asks about each
 *	gate-fuse.c	lsm sensor: the kernel program has asked already, and its task sleeps in a request to a FUSE
 *			file; replay sensor: the same requests through a socket
 *
 * Each waiting task has an entry in the shared array held[] (abi/sensor.h), whose index is part of auth_id. Any
 * thread may answer, with es_respond_*().
 *
 * One thread calls esl_gate_read(), and what it reads may be about this very process. So it must never open a file,
 * nor wait for a thread that may. It allocates nothing (malloc reads /proc and /sys), doesn't translate error texts,
 * and takes `lock` only. No thread opens a file or waits while it holds `lock`.
 */

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "abi/control.h"
#include "abi/sensor.h"

struct esl_gate;

/* A kind's part of the functions below. next_ns may be NULL: nothing is ever due. may_read may be NULL: always. */
struct esl_gate_ops {
	bool (*may_read)(struct esl_gate *gate);
	bool (*next_ns)(struct esl_gate *gate, uint64_t *ret_ns);
	int (*read)(struct esl_gate *gate);
	int (*answer)(struct esl_gate *gate, uint64_t auth_id, bool allow, uint32_t keep);
	void (*let_go)(struct esl_gate *gate, const uint64_t *types);	/* NULL: all */
	void (*let_all_go)(struct esl_gate *gate);	/* also what isn't read yet */
	void (*finish)(struct esl_gate *gate);	/* the last step before fd is closed; may be NULL */
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
	_Atomic uint64_t busy_until_ns;		/* deadline of the handler's present message; 0: none */
	_Atomic uint64_t span_ns;		/* how long it may take for that message */
	/* The handler's thread's own. */
	uint64_t free_ns;			/* when the handler last returned */
	uint64_t put_off_ns;			/* when waiting deadlines were last put off */
	pthread_mutex_t lock;			/* for the kind's data, writes to fd, and closing it */
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

/* For the kinds: maps held[] and sets up what is common, in a block from calloc(). */
int esl_gate_init(struct esl_gate *gate, const struct esl_gate_ops *ops, const struct esl_gate_source *source);

/* Sets what happens to late answers from now on. The caller has set it in the daemon before. */
void esl_gate_set_miss_mode(struct esl_gate *gate, uint32_t mode);

/* False: wait for wake_fd before the next esl_gate_read(). */
bool esl_gate_may_read(struct esl_gate *gate);

/* True: call esl_gate_read() at *ret_ns (CLOCK_MONOTONIC) at the latest, though nothing may be there to read. */
bool esl_gate_next_ns(struct esl_gate *gate, uint64_t *ret_ns);

/*
 * Handles a few events at most, and all that is due. Returns the number of events, or a negative errno. -EPROTO: the
 * gate will never be readable again.
 */
int esl_gate_read(struct esl_gate *gate);

/*
 * -ENOENT: no task waits for this answer (any more). -EALREADY: there is an answer already. -ESHUTDOWN: the gate is
 * closed. `keep` is 0, or what the kernel caches with the answer (ES_VERDICT_KEEP in abi/sensor.h); the fanotify gate
 * ignores it.
 */
int esl_gate_answer(struct esl_gate *gate, uint64_t auth_id, bool allow, uint32_t keep);

/*
 * esl_gate_begin(): the handler begins with a question that was asked at time_ns and had until deadline_ns then.
 * Returns the question's final deadline. The time for an answer counts from when the handler could have begun: from
 * time_ns, or from when the handler last returned, if it was busy then. So a client that answers each question in
 * time isn't late because many are asked. The entry's limit_ns is the upper bound. esl_gate_done(): the handler has
 * returned, from any message. Both only by the handler's thread.
 */
uint64_t esl_gate_begin(struct esl_gate *gate, uint64_t auth_id, uint64_t time_ns, uint64_t deadline_ns);
void esl_gate_done(struct esl_gate *gate);

/* A task has come to wait. If the handler is busy with another question, the task's deadline is put off. */
void esl_gate_queue(struct esl_gate *gate, struct es_held *entry);

/* Allows all waiting tasks whose events are of these types. NULL: all. */
void esl_gate_let_go(struct esl_gate *gate, const uint64_t *types);

/*
 * Allows all tasks that wait, that haven't been read yet, or that come later, since the daemon ends. The gate must
 * still be read until it is closed: a task that was about to wait still comes to it. Only by the gate's thread.
 */
void esl_gate_let_all_go(struct esl_gate *gate);

/* Allows all tasks that wait or haven't been read yet, then closes the gate. Only by the gate's thread. */
void esl_gate_close(struct esl_gate *gate);
