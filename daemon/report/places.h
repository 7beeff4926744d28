/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The places of launch items: folders and files of systemd, cron, init scripts and desktops, of the system and in users'
 * homes. This file knows paths only; items.c reads the files.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "daemon/report/listing.h"

enum esd_place_kind {
	ESD_PLACE_UNITS,
	ESD_PLACE_USER_UNITS,
	ESD_PLACE_AUTOSTART,
	ESD_PLACE_SCRIPTS,		/* init.d */
	ESD_PLACE_PARTS,		/* scripts for run-parts(8), which takes only some names */
	ESD_PLACE_SCRIPT,		/* one file */
	ESD_PLACE_CRONTAB,		/* one file, whose lines have a user */
	ESD_PLACE_CRONTABS,		/* files like it, named as for run-parts */
	ESD_PLACE_SPOOL,		/* files with users' names, whose lines have no user */
};

struct esd_place {
	enum esd_place_kind kind;
	char *path;			/* owned; as the kernel has it, without links if it existed at the time */
	size_t above;			/* length of the path's beginning that isn't selected: the file system's or home's */
	bool of_home;
	uid_t uid;			/* the owner */
};

struct esd_places {
	struct esd_place *place;	/* owned */
	size_t count;
};

/* Homes are those of accounts with a shell, up to ESD_HOMES_MAX. `root`: "" or a folder that stands for it. */
enum { ESD_HOMES_MAX = 4096 };

int esd_places_init(struct esd_places *places, const char *root, const struct esd_listing *passwd);
void esd_places_deinit(struct esd_places *places);

bool esd_place_is_file(const struct esd_place *place);

/* Files in it start only if they are executable. */
bool esd_place_is_of_scripts(const struct esd_place *place);

/* May a file of this name, in the place or in the folder `within` of it (NULL: none), start something? */
bool esd_place_takes(const struct esd_place *place, const char *within, const char *name);

/* Is this name that of a folder in the place which may have such files? */
bool esd_place_takes_folder(const struct esd_place *place, const char *name);
