/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * /proc/self/mountinfo. Open it once, before any operation is held, and read it again through the same descriptor.
 * EPOLLPRI on it reports each mount and unmount.
 */
struct esd_mounts {
	int fd;
	char *text;			/* as last read */
	size_t size;
};

/* One line of it. The strings are in the text that was parsed. */
struct esd_mount {
	int id;
	char *root;			/* of the mount in its file system */
	char *point;
	char *type;
};

int esd_mounts_open(struct esd_mounts *mounts);
void esd_mounts_close(struct esd_mounts *mounts);

/* Reads it anew. Then `next` gives the mounts one by one; *cursor starts as NULL. */
int esd_mounts_read(struct esd_mounts *mounts);
bool esd_mounts_next(struct esd_mounts *mounts, char **cursor, struct esd_mount *ret);

/* One line, without its newline; it is changed. Not a line of mountinfo: -EINVAL. */
int esd_mount_parse(char *line, struct esd_mount *ret);

/* NULL: opens on this type of file system can be held. Otherwise, the reason why they aren't. */
const char *esd_mount_exempt(const char *type);
