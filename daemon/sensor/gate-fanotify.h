/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Where operations wait for the tracepoint sensor's clients: a fanotify group for each.
 *
 * The client reads events from its descriptor and writes answers to it; we keep a duplicate, and use it only to place
 * marks and, when the client is done for, to let everything go.
 *
 * An open or exec on a marked mount waits until somebody answers, whoever does it. So nothing in this process opens a
 * file there once there can be a client: descriptors of /proc files that are needed later are opened at the start, and
 * marks are placed through O_PATH descriptors, for which nothing is asked.
 */

#include <stdbool.h>
#include <stdint.h>

#include "daemon/sensor/mounts.h"
#include "daemon/sensor/scope.h"
#include "util/loop.h"

/* Shared by all gates: which mounts there are. */
struct esd_gates {
	struct loop *loop;		/* borrowed */
	const struct esd_scope *scope;	/* borrowed */
	struct esd_mounts mounts;
	struct loop_source mounts_source;	/* in the loop while a gate has marks, and not limited by --scope-mount */
	struct esd_gate *first;
};

struct esd_gate {
	struct esd_gates *gates;
	struct esd_gate *next;
	int fd;
	uint64_t mask;			/* of the marks: FAN_OPEN_PERM, FAN_OPEN_EXEC_PERM */
	bool used;			/* has ever had marks */
};

int esd_gates_init(struct esd_gates *gates, struct loop *loop, const struct esd_scope *scope);
void esd_gates_deinit(struct esd_gates *gates);

/* Can operations be made to wait on this kernel, by us? Found out by trying. 0, or a negative errno. */
int esd_gate_probe(void);

int esd_gate_init(struct esd_gate *gate, struct esd_gates *gates);

/*
 * The client is done for: its marks go, and what waits goes on. The kernel would see to that when the last copy of the
 * descriptor is closed, but the client may have left one in a child. The first function is quick, and reaches what
 * waits under the descriptor numbers that are likely; the second reaches the others, too, and ends the gate.
 */
void esd_gate_let_go(struct esd_gate *gate);
void esd_gate_deinit(struct esd_gate *gate);

/* The quick one, by whoever has a descriptor of the group. */
void esd_gate_release(int fd);

/* Which of the subscribed types wait here: marks that aren't needed go, then missing ones are placed. */
int esd_gate_retain(struct esd_gate *gate, uint64_t mask);
int esd_gate_add(struct esd_gate *gate, uint64_t mask);

uint64_t esd_gate_mask(const uint64_t types[ES_TYPE_WORDS]);
