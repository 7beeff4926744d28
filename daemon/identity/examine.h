/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What can be known of a file, from all sources, best first: what the kernel enforces (fs-verity), the database of
 * packages with the vendors of their archives, and what the file contains. The file is looked at by descriptor. If that
 * isn't the version that was asked about, before and after it was read, nothing is known.
 */

#include "abi/identity.h"

struct esd_sources;

/* Of a system whose root directory is `root`: for tests another than "". */
int esd_sources_new(struct esd_sources **ret, const char *root);
void *esd_sources_free(struct esd_sources *sources);

/* Reads the database of packages, if that is there, and not as it was. Any thread; others wait. */
void esd_sources_update(struct esd_sources *sources);

/* What is being read is given up: the file can't be known. Any thread. */
void esd_sources_stop(struct esd_sources *sources);

/* The files that packages have, 0: not read; and how often it was read. */
void esd_sources_counts(struct esd_sources *sources, uint64_t *ret_files, uint64_t *ret_reads);

/*
 * Any thread. Opens and reads the file, and adds to *read_bytes what was read. The state is ES_IDENTITY_PENDING if it, or
 * the database, is just changing: ask again after a second.
 */
void esd_examine(struct esd_sources *sources, const struct es_identity_want *want, struct es_identity *ret,
		 uint64_t *read_bytes);

/* What is known of an open file; for esd_examine(), and tests. */
void esd_examine_fd(struct esd_sources *sources, int fd, const struct es_file_version *version, struct es_identity *ret,
		    uint64_t *read_bytes);
