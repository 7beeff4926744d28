/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A second process for what the daemon can't do any more once it is dead.
 *
 * When the daemon dies, its duplicates of the gates close, and each client's library closes its own, which lets
 * everything go. A client that is stopped can't: it would keep others waiting until somebody continues it. So the
 * warden is told of each client that operations can wait for, by a pidfd. When its socket to the daemon closes, however
 * that came about, it kills those clients that are stopped, or become so within a second, and ends.
 *
 * It is forked first of all: it holds nothing but the socket and the pidfds.
 */

struct esd_warden {
	int fd;				/* -1: none */
};

#define ESD_WARDEN_NONE (struct esd_warden){ .fd = -1 }

int esd_warden_start(struct esd_warden *warden);
void esd_warden_end(struct esd_warden *warden);

/* If it can't be told, that is logged, and the client goes without. */
void esd_warden_watch(struct esd_warden *warden, unsigned int slot, int pidfd);
void esd_warden_forget(struct esd_warden *warden, unsigned int slot);
