/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The keeper: a process that has the daemon for a child, and one table of descriptors with it. What runs in the kernel, the
 * clients' rings, gates and connections are descriptors: they stay when the daemon dies, however it does, and the keeper
 * begins another one, which goes on with them (serve/state.h). Until that serves, clients are asked and answer as before,
 * since the daemon is not on an event's way; the warden sees to deadlines; requests wait in their sockets.
 *
 * To begin another daemon, the keeper executes the daemon's program anew: the installed one if it has the same stamp
 * (sensor/keep.h), which is how a package is upgraded; else its own.
 *
 * All that waits at a gate watches the keeper in place of the daemon (sensor/life.h). So the keeper's end is what the
 * daemon's is without one. It does nothing but wait.
 */

#include "daemon/options.h"

struct esd_state;

/* What a daemon is begun with. */
struct esd_begin {
	struct esd_options *options;
	int passed;			/* the supervisor's socket; negative: none */
	struct esd_state *state;	/* NULL: there is no keeper */
	bool go_on;			/* with what is there */
};

enum {
	ESD_EXIT_HAND_OVER = 75,	/* of a daemon: another one is to go on */
	ESD_EXIT_LOST = 3,		/* of the keeper: no other one can */
};

/* Runs `daemon` in a child, and another one whenever that dies. Returns the status for exit(3). */
int esd_keeper_run(struct esd_begin *begin, char *arguments[], int (*daemon)(struct esd_begin *begin));
