/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * (7) The gate: a fanotify group at which tasks wait for this client. Each event read from it is put to the kernel's
 * ask program, which either says that nobody need be asked, or puts an AUTH record into the client's ring. The answer is
 * one write to the group; it comes from whichever thread calls es_respond_*().
 *
 * What waits stands in waiting[], whose index is part of auth_id, and, for the daemon, which watches deadlines, in the
 * shared array held[]. An entry is taken by the gate's thread before it asks; it is given back by whoever answers. When
 * none is free, events are left in the group until one is.
 *
 * One thread calls esl_gate_read(), and with it all opens of this very process are let through too. So it must never
 * open a file, nor wait for a thread that may: it allocates nothing (malloc looks into /proc and /sys), doesn't
 * translate error texts, and takes `lock` only, which is never held across anything that opens or waits.
 */

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "abi/control.h"
#include "abi/sensor.h"

struct esl_waiting {
	uint64_t auth_id;			/* 0: free */
	int fd;					/* of the event; names it in the answer */
	uint32_t tid;
	uint32_t type;
	bool asking;				/* the ask program runs: fd is in use */
	bool let_go;				/* answer with ALLOW when it has run */
};

struct esl_gate {
	int fd;					/* -1: closed, nothing waits */
	int ask_fd;
	int wake_fd;				/* eventfd: an entry is free again */
	uint32_t slot;
	struct es_held *held;
	bool held_is_mapped;
	int (*ask)(struct esl_gate *gate, struct es_ask *ask);
	bool said_ask, said_read;		/* these troubles were told on stderr once */

	pthread_mutex_t lock;			/* everything below, writes to fd, and closing it */
	uint64_t generation;
	bool starved;				/* the thread doesn't read until an entry is free */
	uint32_t free_count;
	uint16_t free[ES_HELD_MAX];
	struct esl_waiting waiting[ES_HELD_MAX];
};

/* Takes the two descriptors. held: not NULL in tests only, else it is mapped from held_fd, which stays the caller's. */
int esl_gate_init(struct esl_gate *gate, int fd, int ask_fd, int held_fd, struct es_held *held, uint32_t slot);
void esl_gate_fini(struct esl_gate *gate);

/* False: wait for wake_fd before the next esl_gate_read(). */
bool esl_gate_may_read(struct esl_gate *gate);

/* Handles what there is, a few events at most: their number, 0 or a negative errno. */
int esl_gate_read(struct esl_gate *gate);

/* -ENOENT: nothing waits for this answer (any more). -ESHUTDOWN: the gate is closed. */
int esl_gate_answer(struct esl_gate *gate, uint64_t auth_id, bool allow);

/* Allows all that waits, or what is of these types. */
void esl_gate_let_go(struct esl_gate *gate, const uint64_t *types);

/* Takes all marks away, allows all that waits or has yet to be read, closes the group. By the gate's thread only. */
void esl_gate_close(struct esl_gate *gate);
