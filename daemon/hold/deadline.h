/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Clients have a limited time for an answer. Who waits, and until when, stands in each client's `held` array, which the
 * kernel programs and the client write; watch.h says how one looks at it from outside. A client that let a deadline
 * pass is killed, and everything that waits for it goes on; or, if it wanted it so, it lives, and its operation is
 * answered for it.
 *
 * The timer goes off when something can be late at the earliest: nothing new can be, before the shortest time that any
 * client has is over.
 */

#include <stdint.h>

#include "util/loop.h"

struct esd_daemon;

struct esd_deadline {
	struct loop_source timer;
	int fd;
	uint64_t awaited_ns;		/* when something last waited, or could */
};

void esd_deadline_init(struct esd_deadline *deadline);
void esd_deadline_deinit(struct esd_deadline *deadline, struct loop *loop);

/*
 * Clients, their subscriptions or their settings have changed: starts the timer if a client can be waited for. It stops
 * by itself.
 */
void esd_deadline_rearm(struct esd_daemon *daemon);

/* One round; for the timer and for tests. */
void esd_deadline_check(struct esd_daemon *daemon, uint64_t now_ns);
