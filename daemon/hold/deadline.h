/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The daemon enforces deadlines. Each client's `held` array has the tasks that wait and their deadlines; the kernel
 * programs and the client write it, and watch.h reads it. A client that misses a deadline is killed, and all tasks that
 * wait for it go on. If it chose so (its miss mode), it lives, and the daemon answers the operation for it.
 *
 * The timer fires when an operation can first be late. A new operation can't be late before the shortest deadline of
 * any client has passed.
 */

#include <stdbool.h>
#include <stdint.h>

#include "abi/control.h"
#include "daemon/hold/warden.h"
#include "daemon/hold/watch.h"
#include "util/loop.h"

/* Called for a client that is late. */
struct esd_deadline_ops {
	/* It missed a deadline (or doesn't read its gate), and `mode` was applied. */
	void (*missed)(struct esd_watch *watch, enum es_note_kind kind, const struct esd_late *late, uint32_t mode);

	/* Kill it. It leaves later, from the loop; until then esd_deadline_check() skips it. */
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
	uint64_t awaited_ns;		/* when an operation last waited, or could have */
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

/* Call when settings have changed: starts the timer if operations can wait for a client. It stops by itself. */
void esd_deadline_rearm(struct esd_deadline *deadline);

/* One round; for the timer and for tests. */
void esd_deadline_check(struct esd_deadline *deadline, uint64_t now_ns);
