/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The gate of the tracepoint sensor: a fanotify group. The gate's thread reads an event and runs the kernel's ask
 * program for it. The program decides at once, or puts an AUTH record into the client's ring. The answer is one write
 * to the group.
 *
 * A waiting task has an entry in waiting[] and, at the same index, in held[], where the daemon watches deadlines. The
 * gate's thread claims the entry before it reads, and reads the event into it. The thread that answers frees the
 * entry. While no entry is free, events stay in the group. If an outsider (abi/sensor.h) answered at the deadline,
 * the gate's thread frees the entry a moment later.
 *
 * This process's own opens come through the group too: see gate.h for what the gate's thread must not do.
 */

#include "gate.h"

struct esl_waiting {
	uint64_t auth_id;			/* 0: free */
	int fd;					/* of the event; names it in the answer; -1: none is read yet */
	uint32_t tid;
	uint32_t type;
	bool asking;				/* the ask program runs: fd is in use */
	bool let_go;				/* answer with ALLOW when it has run */
	bool lingers;				/* answered; but an outsider (abi/sensor.h) still uses fd */
};

struct esl_fanotify_gate {
	struct esl_gate gate;
	int (*ask)(struct esl_fanotify_gate *gate, struct es_ask *ask);
	bool said_ask, said_read;		/* these errors are logged only once */

	/* Under the gate's lock. */
	uint64_t generation;
	bool starved;				/* the thread doesn't read until an entry is free */
	uint32_t lingering;
	uint32_t free_count;
	uint16_t free[ES_HELD_MAX];
	struct esl_waiting waiting[ES_HELD_MAX];
};

int esl_fanotify_gate_new(const struct esl_gate_source *source, struct esl_gate **ret_gate);
