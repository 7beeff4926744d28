/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The administrator's list of the root processes that may be clients: the files clients.d/ *.conf beside daemon.conf.
 * It restrains honest programs; it can't stop an attacker who is root.
 *
 *	client "/usr/sbin/guardd" { permit = yes }	this program; a path that ends in / means all below it
 *	group "security" { permit = no }		processes that have this group
 *
 * If any matching rule says no: EACCES. Else, if a rule matches: permitted. Else, if only listed processes are
 * permitted: ENOKEY. The order of files and rules doesn't matter.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct esd_access_rule {
	char *path;			/* NULL: the rule is for a group */
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
 * Reads the folder, which may be missing. After a negative errno, the error and its place have been logged, and *ret is
 * unchanged, so a list in force stays.
 */
int esd_access_read(struct esd_access *ret, const char *folder, bool listed_only);

/* 0, EACCES or ENOKEY. */
int esd_access_decide(const struct esd_access *access, const char *executable, const gid_t *groups, size_t count);
