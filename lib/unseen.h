/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What a library looks up on behalf of a client, say in /proc, makes no events for the clients of its process: a handler
 * that asks who a pid is would otherwise be told of that, and ask again, for ever. Other processes' clients are told.
 *
 * The thread is marked by its timer slack, which is its own, is seen by the kernel programs (bpf/select/select.bpf.h), and
 * means nothing to a thread that doesn't sleep. Threads with a real-time policy have none, so they can't be marked.
 */

#include <stdint.h>
#include <sys/prctl.h>

#include "abi/sensor.h"

/* What to hand to unseen_end(). Where it is marked already, nothing is to be undone. */
static inline long unseen_begin(void)
{
	long before = prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0);

	if (before == ES_UNSEEN_SLACK_NS || prctl(PR_SET_TIMERSLACK, ES_UNSEEN_SLACK_NS, 0, 0, 0) < 0)
		return 0;
	return before;
}

static inline void unseen_end(const long *before)
{
	if (*before > 0)
		(void)prctl(PR_SET_TIMERSLACK, *before, 0, 0, 0);
}

#define UNSEEN() _cleanup_(unseen_end) __attribute__((unused)) long unseen_ = unseen_begin()
