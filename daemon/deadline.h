/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Clients have a limited time for an answer. Who waits, and until when, stands in each client's `held` array
 * (abi/sensor.h), which the kernel programs and the client write and we only read. While anything can wait it is gone
 * through every 50 ms; one that let a deadline pass is killed, and everything that waits for it goes on.
 *
 * With the lsm sensor every operation that waits has an entry there from the start. With fanotify it is the client that
 * makes the entries: one that doesn't even read its gate (one that is stopped) has none. It shows in that its gate
 * stays readable, nothing is asked, and its queue never gets shorter.
 */

#include <stdint.h>

#include "util/loop.h"

struct esd_client;
struct esd_daemon;

struct esd_deadline {
	struct loop_source timer;
	int fd;
	uint64_t awaited_ns;		/* when something last waited, or could */
};

/* In a client: the stall that may be going on. */
struct esd_deadline_watch {
	uint64_t since_ns;		/* 0: it isn't stalled */
	uint64_t asked;			/* as it was then */
	int queued;			/* bytes in the gate's queue when last looked at */
};

void esd_deadline_init(struct esd_deadline *deadline);
void esd_deadline_deinit(struct esd_deadline *deadline, struct loop *loop);

/* Clients or their subscriptions have changed: starts the timer if a client can be waited for. It stops by itself. */
void esd_deadline_rearm(struct esd_daemon *daemon);

/* One round; for the timer and for tests. */
void esd_deadline_check(struct esd_daemon *daemon, uint64_t now_ns);
