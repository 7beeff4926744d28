/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What the library looks up for a client, say in /proc, makes no events for the clients of this process. Otherwise a
 * handler that looks up a pid would get events about that, look those up, and never end. Clients of other processes
 * get these events.
 *
 * The thread is marked by its timer slack: each thread has its own, the kernel programs see it
 * (bpf/select/select.bpf.h), and it means nothing to a thread that doesn't sleep. Threads with a real-time policy
 * have none, so they can't be marked.
 */

#include <stdint.h>
#include <sys/prctl.h>

#include "abi/sensor.h"

/* Returns what unseen_end() needs. 0: there is nothing to undo, for example since the thread was marked already. */
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
