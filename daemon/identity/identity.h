/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Code identity: clients ask about versions of files, the daemon's workers look at them, and the answers stand in a table
 * that clients read (abi/identity.h). None of this is on the way of a verdict: what is asked is a packet that may be lost,
 * and nobody but the asker waits.
 *
 *	intake		a thread that reads questions, and notices that the database of packages changes
 *	workers		threads, at the lowest priority, that read files
 *
 *	examine.c	what can be known of a file, from:
 *	digest.c	its content, and fs-verity
 *	dpkg.c		the database of packages, and
 *	apt.c		the vendors of their archives, whose signatures
 *	keyring.c	checks
 *	place.c		what file system it is on
 *	table.c		the answers
 *
 * The threads are there from the first client on. They are the daemon's, and not a process of their own, since what the
 * daemon opens is never asked about.
 */

#include <stdbool.h>

#include "abi/identity.h"

struct esd_identity;

struct esd_identity_stats {
	bool started;
	uint32_t known, pending, not_known;
	uint64_t dropped, read_bytes, database_files;
};

/* Makes the table; nothing is looked at before it is started. `root`: "", for tests a tree. */
int esd_identity_new(struct esd_identity **ret, const char *root);
void *esd_identity_free(struct esd_identity *identity);

/* Once; then it does nothing. */
int esd_identity_start(struct esd_identity *identity);

/* What clients are given, in the order of enum es_identity_fd; borrowed. */
void esd_identity_fds(const struct esd_identity *identity, int ret[ES_IDENTITY_FDS]);

void esd_identity_stats(struct esd_identity *identity, struct esd_identity_stats *ret);
