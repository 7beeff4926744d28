/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Who, of those who run as root, may be a client: the administrator's list, the files clients.d/ *.conf beside
 * daemon.conf. It keeps programs in order that are what they say; it is no fence around somebody who is root.
 *
 *	client "/usr/sbin/guardd" { permit = yes }	this program; a path that ends in / means all below it
 *	group "security" { permit = no }		processes that have this group
 *
 * Decided is so: a rule that fits and says no: EACCES. Else one that fits: may. Else, if only who is listed may:
 * ENOKEY. The order of files and rules doesn't matter.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct esd_access_rule {
	char *path;			/* NULL: it is about a group */
	gid_t group;
	bool permit;
};

struct esd_access {
	bool listed_only;
	struct esd_access_rule *rules;
	size_t count;
};

void esd_access_deinit(struct esd_access *access);

/*
 * Reads the folder; it may be missing. A negative errno: what is wrong, and where, was logged, and *ret is as it was, so
 * that a list in force stays.
 */
int esd_access_read(struct esd_access *ret, const char *folder, bool listed_only);

/* 0, EACCES or ENOKEY. */
int esd_access_decide(const struct esd_access *access, const char *executable, const gid_t *groups, size_t count);
