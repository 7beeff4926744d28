/* SPDX-License-Identifier: MIT */
#pragma once

/* What tests/kernel/objects.c does to a file, by each way to it: every type of event that has a path. */

#include <stddef.h>

enum {
	NOFOLLOW = 1 << 0,		/* a link in the last component is itself what is meant */
	NO_AT = 1 << 1,			/* there is no such call with a descriptor */
	BEFORE = 1 << 2,		/* stat is as before the call */
	FRESH = 1 << 3,			/* it isn't there before the call */
	NO_STAT = 1 << 4,
	FOLDER = 1 << 5,		/* it is one */
	SYMLINK = 1 << 6,
	SOCKET = 1 << 7,
	NO_CHROOT = 1 << 8,
	ATTRIBUTE = 1 << 9,		/* it has one */
	PROGRAM = 1 << 10,		/* it can be executed */
	MOUNTED = 1 << 11,		/* a tmpfs is mounted there */
	PLACE = 1 << 12,		/* what is meant is a place: only the daemon's own mounts can be there */
	FROM = 1 << 13,			/* there is another one, whose name ends in -from */
	REFLINK = 1 << 14,		/* only file systems that share blocks can do it */
	RING = 1 << 15,			/* io_uring does it; not on every kernel */
	NEW = 1 << 16,			/* it makes another one, whose name ends in -new */
	DESCRIPTOR = 1 << 17,		/* the path is opened first, the rest is by descriptor */
	BOUND = 1 << 18,			/* the message has its folder and its name */
};

struct named_act {
	const char *name;
	int type;
	int flags;
	int (*act)(int dir, const char *path);	/* 0, or errno; by a path that begins in the folder `dir` */
};

extern const struct named_act named_acts[];
extern const size_t named_acts_count;

/* A path beside another one, which ends with a digit or a letter. */
const char *beside(const char *path, const char *suffix);
