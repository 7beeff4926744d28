/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Where a file is: what file system, and whether that can be relied on.
 *
 * A version of a file is its content only where whatever changes the content changes the version. That is so where pages
 * that are mapped for writing are written back, which makes the next writer fault, and the kernel note the time: ext4 and
 * its like. It isn't on tmpfs, where what was mapped before can be changed ever after without a trace; nor on overlayfs,
 * whose inodes don't hear of it; nor over a network. A file system that a process serves may, besides, never answer. Of
 * those that aren't in the list nothing is read.
 */

#include <stdbool.h>
#include <stdint.h>

struct esd_place {
	uint64_t dev;			/* the kernel's number of it */
	bool trusted;			/* in the list, and not mounted nosuid */
};

/* Is the file system with this number, as the kernel has it in records, mounted here, and one in the list? */
bool esd_place_readable(uint64_t dev);

/*
 * The numbers of all that are mounted here and in the list, at most `max`; how many. When one has gone another file
 * system, with other files of the same versions even, can get its number.
 */
unsigned int esd_place_list(uint64_t *devs, unsigned int max);

/* Of an open file. False: its mount isn't in this namespace, and its file system is none of the list. */
bool esd_place_of(int fd, struct esd_place *ret);

/* Can nobody but root change the file of that path, or what the path leads to? */
bool esd_place_is_roots(const char *path);
