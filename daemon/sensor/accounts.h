/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The accounts of /etc/passwd in the kernel programs' maps, for the messages that name one: by name its uid and shell, by
 * uid its name. Read when a client first wants such messages, and again whenever the file is another. Other sources of
 * accounts (LDAP, NIS) aren't asked: that may take long, and may wait for what a client holds.
 *
 * Used by bpf.c.
 */

#include "daemon/sensor/passwd.h"
#include "util/loop.h"

struct esd_accounts {
	struct loop *loop;		/* borrowed; NULL: not started */
	struct loop_source changes;	/* inotify, of the folder */
	int inotify_fd;
	int accounts_fd, names_fd;	/* maps, borrowed */
	struct esd_passwd passwd;	/* as in the maps */
};

/* Once; later calls do nothing. What fails is logged, and then accounts aren't known. */
void esd_accounts_start(struct esd_accounts *accounts, struct loop *loop, int accounts_fd, int names_fd);
void esd_accounts_deinit(struct esd_accounts *accounts);
