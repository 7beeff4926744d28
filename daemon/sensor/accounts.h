/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Puts the accounts of /etc/passwd into the kernel programs' maps, for messages that name one: name to uid and shell,
 * uid to name. Reads the file when a client first wants such messages, and again when it changes. Doesn't ask other
 * sources of accounts (LDAP, NIS): that may take long, and may wait for an operation that a client holds.
 *
 * Used by bpf-reports.c.
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

/* The first call starts it; later ones do nothing. A failure is logged, and leaves accounts unknown. */
void esd_accounts_start(struct esd_accounts *accounts, struct loop *loop, int accounts_fd, int names_fd);
void esd_accounts_deinit(struct esd_accounts *accounts);
