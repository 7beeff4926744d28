/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Launch items: programs that start by themselves. A file of a place (places.h) is one item; a crontab has one item a
 * line. Reads a file, or the files of a folder, into a list of items.
 *
 * Users can change files in their homes. So this opens only regular files, or links to them, and reads no long ones.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "abi/mute.h"
#include "daemon/report/places.h"

enum { ESD_ITEMS_MAX = 65536 };		/* in one reading; leaves out more */

/* es_btm_item_type_t */
enum esd_item_type {
	ESD_ITEM_LOGIN_ITEM = 2,
	ESD_ITEM_AGENT = 3,
	ESD_ITEM_DAEMON = 4,
};

struct esd_item {
	char *path;			/* owned, as are these; of the file */
	char *line;			/* of a crontab; else "" */
	char *program;			/* "": not known */
	struct es_mute_hash content;	/* of the file's whole content; not for a crontab's line */
	enum esd_item_type type;
	bool legacy;			/* of cron, or an init script */
	uid_t uid;			/* the home's owner; of a crontab's line: the account it runs as; -2: no such account */
};

struct esd_items {
	struct esd_item *item;		/* owned; by path, then by line */
	size_t count;
};

/* Data needed to read items; borrowed. */
struct esd_items_from {
	const char *root;		/* "" or a folder that stands for it */
	const struct esd_places *places;
	const struct esd_listing *passwd;	/* NULL: not known */
	const uint64_t *keys;		/* ES_MUTE_KEYS */
};

/* Reads the items of a place, or of this file or folder in it. There may be none. -ENOMEM. */
int esd_items_read(struct esd_items *ret, const struct esd_items_from *from, const struct esd_place *place,
		   const char *path);
void esd_items_deinit(struct esd_items *items);

/* Compares by path, then by line. */
int esd_items_order(const void *a, const void *b);

/* Is the content the same? Content of other files, such as a timer's service, doesn't count. */
bool esd_item_same(const struct esd_item *a, const struct esd_item *b);
