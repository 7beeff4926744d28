/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The keeper is the daemon's parent process, and shares its table of descriptors. Kernel programs, rings, gates and
 * connections are descriptors, so they stay open when the daemon dies, however it dies. The keeper then starts another
 * daemon, which takes them over (serve/state.h). Until that serves, the kernel asks clients and they answer as before,
 * since no event passes through the daemon; the warden checks deadlines; requests wait in their sockets.
 *
 * To start another daemon, the keeper executes the daemon's program anew: the installed one if it has the same stamp
 * (sensor/keep.h), as after an upgrade of the package; else the one that it runs itself.
 *
 * Whatever lets waiting tasks go at the daemon's end watches the keeper instead (sensor/life.h). So the keeper's death has
 * the effect that the daemon's has without a keeper. The keeper only waits.
 */

#include "daemon/options.h"

struct esd_state;

/* With what a daemon starts. */
struct esd_begin {
	struct esd_options *options;
	int passed;			/* the supervisor's socket; negative: none */
	struct esd_state *state;	/* NULL: there is no keeper */
	bool go_on;			/* take over what another daemon has left */
};

enum {
	ESD_EXIT_HAND_OVER = 75,	/* of a daemon: the keeper should start another one */
	ESD_EXIT_LOST = 3,		/* of the keeper: no other daemon can take over */
};

/* Runs `daemon` in a child, and starts another one if that dies. Returns the status for exit(3). */
int esd_keeper_run(struct esd_begin *begin, char *arguments[], int (*daemon)(struct esd_begin *begin));
