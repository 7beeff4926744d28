/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Code identity: clients ask about versions of files, the daemon's workers examine them, and clients read the answers
 * in a table (abi/identity.h). No verdict depends on this: a question is a packet that may be lost, and only the
 * client that asks may wait for it.
 *
 *	intake		a thread that reads questions, and notices changes of the database of packages
 *	workers		threads, at the lowest priority, that read files
 *
 *	examine.c	the identity of a file, from:
 *	digest.c	its content, and fs-verity
 *	dpkg.c		the database of packages, and
 *	apt.c		the vendors of their archives, whose signatures
 *	keyring.c	checks
 *	place.c		what file system it is on
 *	table.c		the answers
 *
 * The threads start with the first request for the table. They are part of the daemon, since no client is asked about
 * the daemon's own opens.
 */

#include <stdbool.h>

#include "abi/identity.h"

struct esd_identity;

struct esd_identity_stats {
	bool started;
	uint32_t known, pending, not_known;
	uint64_t dropped, read_bytes, database_files;
};

/* Makes the table. esd_identity_start() starts the threads. `root`: "", for tests a tree. */
int esd_identity_new(struct esd_identity **ret, const char *root);
void *esd_identity_free(struct esd_identity *identity);

/* Only the first call has an effect. */
int esd_identity_start(struct esd_identity *identity);

/* The descriptors for clients, in the order of enum es_identity_fd; borrowed. */
void esd_identity_fds(const struct esd_identity *identity, int ret[ES_IDENTITY_FDS]);

void esd_identity_stats(struct esd_identity *identity, struct esd_identity_stats *ret);
