/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The gate of the tracepoint sensor: a fanotify group. Each event read from it is put to the kernel's ask program. This
 * says that nobody need be asked, or puts an AUTH record into the client's ring. The answer is one write to the group.
 *
 * What waits stands in waiting[], and, for the daemon, which watches deadlines, in held[]. An entry is taken by the
 * gate's thread before it reads, and what it reads is written there; it is given back by whoever answers. When none is
 * free, events are left in the group until one is. What its deadline has answered, from outside, the gate's thread takes back a moment later.
 *
 * All opens of this very process come through the group too: see gate.h for what its thread must not do.
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
	bool said_ask, said_read;		/* these troubles were told on stderr once */

	/* Under the gate's lock. */
	uint64_t generation;
	bool starved;				/* the thread doesn't read until an entry is free */
	uint32_t lingering;
	uint32_t free_count;
	uint16_t free[ES_HELD_MAX];
	struct esl_waiting waiting[ES_HELD_MAX];
};

int esl_fanotify_gate_new(const struct esl_gate_source *source, struct esl_gate **ret_gate);
