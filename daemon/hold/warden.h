/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A second process for what the daemon doesn't do: since it hangs, or is dead.
 *
 * It is told of each client that operations can wait for, and given what it takes to let them go (watch.h). While the
 * daemon lives it looks as the daemon does, ESD_WARDEN_GRACE_MS later: so if the daemon is stopped or stuck, deadlines
 * hold all the same, and who waits for a client that has died goes on. What it did it tells the daemon, for its log.
 *
 * When the daemon dies, the kernel programs tell the warden and each client's library before anything else is done
 * (daemon_gone() in bpf/hold/pending.bpf.h). Both let everything go: a client that is stopped can't, and who kills the daemon
 * may kill the warden as well. Then the warden ends.
 *
 * It is forked first of all: it holds nothing but the socket and what it is given.
 */

#include <stdbool.h>

#include "abi/control.h"
#include "daemon/hold/watch.h"
#include "util/loop.h"

enum { ESD_WARDEN_GRACE_MS = 50 };

struct esd_warden {
	int fd;				/* -1: none */
	bool lost;			/* it can't be told anything any more */
};

#define ESD_WARDEN_NONE (struct esd_warden){ .fd = -1 }

int esd_warden_start(struct esd_warden *warden);
void esd_warden_end(struct esd_warden *warden);

/* The map with all clients' settings, and what is readable as soon as the daemon ends: before the first client. */
void esd_warden_settings(struct esd_warden *warden, int clients_fd, int end_fd);

/* Of a client, for the log. */
struct esd_warden_name {
	int32_t pid;
	char executable[256];
};

/*
 * If it can't be told, that is logged, and the client goes without. A client that is watched already is so anew.
 * `held_fd` is what watch->held is mapped from.
 */
void esd_warden_watch(struct esd_warden *warden, const struct esd_watch *watch, const struct esd_warden_name *name,
		      int pidfd, int held_fd);
void esd_warden_forget(struct esd_warden *warden, unsigned int slot);

/* 1: something that it did; 0: nothing. Negative errno: it is gone. */
int esd_warden_hear(struct esd_warden *warden, struct es_note_info *ret);
