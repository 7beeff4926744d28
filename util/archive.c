/* SPDX-License-Identifier: MIT */
#include "util/archive.h"

#include <fcntl.h>
#include <string.h>

void archive_bytes(struct archive *archive, void *value, size_t size)
{
	if (archive->bad || archive->size - archive->used < size) {
		archive->bad = true;
		if (archive->reading)
			memset(value, 0, size);
		return;
	}
	if (archive->reading)
		memcpy(value, archive->data + archive->used, size);
	else
		memcpy(archive->data + archive->used, value, size);
	archive->used += size;
}

static void fd_read(struct archive *archive, int *fd)
{
	archive_bytes(archive, fd, sizeof(*fd));
	if (archive->bad)
		*fd = -1;
	else if (*fd >= 0 && fcntl(*fd, F_SETFD, FD_CLOEXEC) < 0)
		archive->bad = true;
}

void archive_fd(struct archive *archive, int *fd)
{
	if (archive->reading) {
		fd_read(archive, fd);
		return;
	}
	archive_bytes(archive, fd, sizeof(*fd));
	if (*fd >= ARCHIVE_FDS)
		archive->bad = true;
	else if (*fd >= 0)
		archive->fds[*fd / 64] |= UINT64_C(1) << *fd % 64;
}
