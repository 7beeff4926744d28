/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Values in a block of memory, one after the other. The same code writes and reads them, so that the order of both is one:
 * each function below either appends the value to the block, or sets it from there.
 *
 * Descriptors are written by their numbers, for a process that has the same table of them. The writer marks them in a set;
 * the reader makes each close-on-exec again.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ARCHIVE_FDS = 16384 };		/* descriptors with higher numbers make the archive bad */

struct archive {
	char *data;			/* borrowed, as is the set */
	size_t size, used;
	uint64_t *fds;			/* ARCHIVE_FDS bits; only a writer's */
	bool reading;
	bool bad;			/* no room, or nothing left to read: what was set since is zero, or -1 */
};

void archive_bytes(struct archive *archive, void *value, size_t size);
void archive_fd(struct archive *archive, int *fd);

#define ARCHIVE(archive, value) archive_bytes(archive, &(value), sizeof(value))
