/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The warden: a second process that enforces deadlines if the daemon hangs or is dead.
 *
 * The daemon sends it each client that operations can wait for, and the descriptors that release them (watch.h). While
 * the daemon lives, the warden makes the same checks ESD_WARDEN_GRACE_MS later. So deadlines hold even if the daemon is
 * stopped or stuck, and tasks that wait for a dead client go on. The warden reports its actions to the daemon's log.
 *
 * When the daemon dies, the kernel programs first notify the warden and each client's library (daemon_gone() in
 * bpf/hold/pending.bpf.h). Both allow all that waits: a stopped client can't do so, and a killer of the daemon may kill
 * the warden as well. Then the warden ends.
 *
 * The daemon forks it before anything else, so the warden holds only the socket and what the daemon sends it.
 */

#include <stdbool.h>

#include "abi/control.h"
#include "daemon/hold/watch.h"
#include "util/loop.h"

enum { ESD_WARDEN_GRACE_MS = 50 };

struct esd_warden {
	int fd;				/* -1: none */
	bool lost;			/* the socket doesn't work any more */
};

#define ESD_WARDEN_NONE (struct esd_warden){ .fd = -1 }

int esd_warden_start(struct esd_warden *warden);
void esd_warden_end(struct esd_warden *warden);

/* Before the first client: sends the map of all settings, and a descriptor that is readable once the daemon ends. */
void esd_warden_settings(struct esd_warden *warden, int clients_fd, int end_fd);

/* A client's name, for the log. */
struct esd_warden_name {
	int32_t pid;
	char executable[256];
};

/*
 * The warden starts to watch this client, or starts again. If it can't be reached, logs that; the client then has no
 * warden. `held_fd` is what watch->held is mapped from.
 */
void esd_warden_watch(struct esd_warden *warden, const struct esd_watch *watch, const struct esd_warden_name *name,
		      int pidfd, int held_fd);
void esd_warden_forget(struct esd_warden *warden, unsigned int slot);

/* 1: *ret is an action of the warden; 0: no report. Negative errno: the warden is gone. */
int esd_warden_hear(struct esd_warden *warden, struct es_note_info *ret);
