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

#include <stdbool.h>
#include <stdint.h>

#include "abi/control.h"
#include "daemon/hold/warden.h"
#include "daemon/hold/watch.h"
#include "util/loop.h"

/* What a client does about it. */
struct esd_deadline_ops {
	/* It missed one, or leaves its gate alone, and this became of it: `mode`. */
	void (*missed)(struct esd_watch *watch, enum es_note_kind kind, const struct esd_late *late, uint32_t mode);

	/* It is to be killed. It leaves when the loop comes to it, and is not looked at any more. */
	void (*kill)(struct esd_watch *watch);
};

struct esd_deadline_client {
	struct esd_watch *watch;	/* borrowed; NULL: no client */
	const struct esd_deadline_ops *ops;
	bool asked;			/* it is subscribed to AUTH types */
	bool killed;
};

struct esd_deadline {
	struct loop *loop;		/* borrowed, as the warden */
	struct esd_warden *warden;
	struct loop_source timer;
	int fd;
	uint64_t awaited_ns;		/* when something last waited, or could */
	struct esd_deadline_client clients[ES_CLIENTS_MAX];	/* by slot */
	unsigned int count;
};

void esd_deadline_init(struct esd_deadline *deadline, struct loop *loop, struct esd_warden *warden);
void esd_deadline_deinit(struct esd_deadline *deadline);

/* From now on this client can be late; until it leaves. */
void esd_deadline_join(struct esd_deadline *deadline, struct esd_watch *watch, const struct esd_deadline_ops *ops);
void esd_deadline_leave(struct esd_deadline *deadline, unsigned int slot);

/* Its subscriptions have changed: is it asked about anything? */
void esd_deadline_asked(struct esd_deadline *deadline, unsigned int slot, bool asked);

/* Or its settings have: starts the timer if a client can be waited for. It stops by itself. */
void esd_deadline_rearm(struct esd_deadline *deadline);

/* One round; for the timer and for tests. */
void esd_deadline_check(struct esd_deadline *deadline, uint64_t now_ns);
