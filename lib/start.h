/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Starts a private daemon, when a program needs one and none listens. It isn't our child (no SIGCHLD, nothing for the
 * program's own wait() to find), has a session of its own, and none of our descriptors but stderr. It ends when its
 * last client has gone.
 *
 * It gets a pipe (--ready-fd). It writes one byte there when it listens, or a longer text that says why it can't.
 */

#include <stdbool.h>

enum { ESL_READY_MS = 60000 };			/* to load and attach everything, on a slow machine */

struct esl_start {
	unsigned int ready_ms;			/* how long to wait; set by the caller */
	char path[4096];			/* of the daemon's file */
	char reason[8192];			/* why not */
	bool may_be_listening;			/* it didn't start, perhaps because another one did */
};

/* Sets start->path. False: start->reason lists the paths that were tried. */
bool esl_find_daemon(struct esl_start *start);

/* 0: it listens. A negative errno: start->reason says what happened. */
int esl_start_daemon(struct esl_start *start);
