/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Starting a private daemon, for the program that needs one and finds none. It belongs to nobody: not our child (no
 * SIGCHLD, nothing for the program's own wait() to find), in a session of its own, with none of our descriptors but
 * stderr. It ends when its last client has gone.
 *
 * It is told a pipe (--ready-fd) and writes one byte there when it listens, or a longer text that says why it can't.
 */

#include <stdbool.h>

struct esl_start {
	char path[4096];			/* of the daemon's file */
	char reason[8192];			/* why not */
	bool may_be_listening;			/* it didn't come up, but perhaps because another one did */
};

/* Sets start->path. False: start->reason lists where it was looked for. */
bool esl_find_daemon(struct esl_start *start);

/* 0: it listens. A negative errno: start->reason says what happened. */
int esl_start_daemon(struct esl_start *start);
