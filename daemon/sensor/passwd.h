/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * /etc/passwd, as a list. Skips lines that are no account (comments, incomplete ones, those of NIS, bad numbers), and
 * those that are too long for the kernel programs' maps. Passwords aren't read.
 */

#include <stddef.h>

#include "abi/sensor.h"

struct esd_passwd_entry {
	struct es_account_name name;
	struct es_account account;
	size_t line;			/* if several have the same name or uid, the first line counts */
};

struct esd_passwd {
	struct esd_passwd_entry *entries;	/* by name, each once; owned */
	size_t count;
};

/* -ENOENT and so on, or -EFBIG. */
int esd_passwd_read(struct esd_passwd *ret, const char *path);
void esd_passwd_deinit(struct esd_passwd *passwd);

/* NULL: it has none. */
const struct esd_passwd_entry *esd_passwd_find(const struct esd_passwd *passwd, const struct es_account_name *name);
