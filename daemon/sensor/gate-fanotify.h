/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The gate of the tracepoint sensor: operations wait in a fanotify group, one for each client.
 *
 * The client reads events from its descriptor and writes answers to it. The daemon keeps a duplicate, and uses it only
 * to place marks and, when the client ends, to allow all that waits.
 *
 * Any process that opens or executes a file on a marked mount waits for an answer, the daemon too. So the daemon opens
 * no file there once a client can exist: it opens the /proc files that it needs later at the start, and places marks
 * through O_PATH descriptors, which cause no event.
 */

#include <stdbool.h>
#include <stdint.h>

#include "daemon/sensor/mounts.h"
#include "daemon/sensor/scope.h"
#include "util/loop.h"

/* Shared by all gates: the list of mounts. */
struct esd_gates {
	struct loop *loop;		/* borrowed */
	const struct esd_scope *scope;	/* borrowed */
	struct esd_mounts mounts;
	struct loop_source mounts_source;	/* in the loop while a gate has marks; unused with --scope-mount */
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

/* Tries whether fanotify can make operations wait, on this kernel and with our privileges. 0, or a negative errno. */
int esd_gate_probe(void);

int esd_gate_init(struct esd_gate *gate, struct esd_gates *gates);

/*
 * For a client that ends: remove its marks and allow all that waits. The kernel does so when the last copy of the
 * descriptor is closed, but a child of the client may have a copy. The first function is quick, and tries only the
 * likely descriptor numbers. The second tries the others too, and ends the gate.
 */
void esd_gate_let_go(struct esd_gate *gate);
void esd_gate_deinit(struct esd_gate *gate);

/* The same as esd_gate_let_go(), for any holder of a descriptor of the group. */
void esd_gate_release(int fd);

/* Called when subscriptions change: first _retain() removes unneeded marks, then _add() places missing ones. */
int esd_gate_retain(struct esd_gate *gate, uint64_t mask);
int esd_gate_add(struct esd_gate *gate, uint64_t mask);

uint64_t esd_gate_mask(const uint64_t types[ES_TYPE_WORDS]);
