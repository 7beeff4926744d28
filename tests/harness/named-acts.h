/* SPDX-License-Identifier: MIT */
#pragma once

/* Operations on a file, for each type with a path. tests/kernel/objects.c does them by each way to reach the file. */

#include <stddef.h>

enum {
	NOFOLLOW = 1 << 0,		/* acts on a symbolic link itself */
	NO_AT = 1 << 1,			/* no such call takes a directory's descriptor */
	BEFORE = 1 << 2,		/* the message has the stat from before the call */
	FRESH = 1 << 3,			/* the file doesn't exist before the call */
	NO_STAT = 1 << 4,
	FOLDER = 1 << 5,		/* the file is one */
	SYMLINK = 1 << 6,
	SOCKET = 1 << 7,
	NO_CHROOT = 1 << 8,
	ATTRIBUTE = 1 << 9,		/* the file has one */
	PROGRAM = 1 << 10,		/* the file can be executed */
	MOUNTED = 1 << 11,		/* a tmpfs is mounted there */
	PLACE = 1 << 12,		/* acts on a place in the tree: the daemon has to see its mount */
	FROM = 1 << 13,			/* needs another file, whose name ends in -from */
	REFLINK = 1 << 14,		/* only file systems that share blocks can do it */
	RING = 1 << 15,			/* io_uring does it; not on every kernel */
	NEW = 1 << 16,			/* makes another file, whose name ends in -new */
	DESCRIPTOR = 1 << 17,		/* opens the path first, and acts by the descriptor */
	BOUND = 1 << 18,			/* the message has the file's folder and name */
};

struct named_act {
	const char *name;
	int type;
	int flags;
	int (*act)(int dir, const char *path);	/* 0, or errno; `path` is relative to the folder `dir` */
};

extern const struct named_act named_acts[];
extern const size_t named_acts_count;

/* `path` with `suffix` appended; valid until the next call. */
const char *beside(const char *path, const char *suffix);
