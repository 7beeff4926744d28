/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Finds the identity of a file, from the best source that has it: fs-verity, which the kernel enforces; the database of
 * packages, with the vendors of their archives; and the file's content. The file is examined by descriptor. If it isn't
 * the requested version both before and after it is read, its identity is unknown.
 */

#include "abi/identity.h"

struct esd_sources;

/* The sources of a system whose root directory is `root`. Only tests pass another one than "". */
int esd_sources_new(struct esd_sources **ret, const char *root);
void *esd_sources_free(struct esd_sources *sources);

/* Reads the database of packages, if there is one and it has changed. On any thread; others wait. */
void esd_sources_update(struct esd_sources *sources);

/* Stops reading of files: they stay unknown. On any thread. */
void esd_sources_stop(struct esd_sources *sources);

/* The number of files of all packages, 0: not read; and how often the database was read. */
void esd_sources_counts(struct esd_sources *sources, uint64_t *ret_files, uint64_t *ret_reads);

/*
 * On any thread. Opens and reads the file, and adds the number of bytes to *read_bytes. The state is
 * ES_IDENTITY_PENDING if the file or the database is just changing: call again after a second.
 */
void esd_examine(struct esd_sources *sources, const struct es_identity_want *want, struct es_identity *ret,
		 uint64_t *read_bytes);

/* The same for an open file; for esd_examine(), and tests. */
void esd_examine_fd(struct esd_sources *sources, int fd, const struct es_file_version *version, struct es_identity *ret,
		    uint64_t *read_bytes);
