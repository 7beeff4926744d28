/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The file system of a file, and whether its versions are reliable.
 *
 * A version identifies a file's content only if every change of the content changes the version. ext4 and similar file
 * systems do so: they write back pages that are mapped for writing, so the next writer faults, and the kernel notes the
 * time. tmpfs doesn't: a page that was mapped before can be changed without a trace. Nor does overlayfs, whose inodes
 * don't see the change, nor do network file systems. And a file system that a process serves may never answer. So only
 * files on the listed file systems are read.
 */

#include <stdbool.h>
#include <stdint.h>

struct esd_place {
	uint64_t dev;			/* the kernel's number of it */
	bool trusted;			/* in the list, and not mounted nosuid */
};

/* Is the file system with this number, as in records, mounted here and in the list? */
bool esd_place_readable(uint64_t dev);

/*
 * The numbers of all that are mounted here and in the list, at most `max`; returns how many. After an unmount, another
 * file system can get the number, and even have other files with the same versions.
 */
unsigned int esd_place_list(uint64_t *devs, unsigned int max);

/* The place of an open file. False: its mount isn't in this namespace, and its file system isn't in the list. */
bool esd_place_of(int fd, struct esd_place *ret);

/* Can only root change the file at that path, and the path itself? */
bool esd_place_is_roots(const char *path);
