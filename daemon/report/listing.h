/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A file of accounts or groups: passwd(5), shadow(5), group(5), gshadow(5). A line is a record, with colons between
 * its fields. Skips other lines (comments, incomplete ones, those of NIS). If several have one name, the first counts,
 * as in the C library.
 *
 * Passwords are not kept. Each is replaced by a hash with a key of this process, which is enough to see a change.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "abi/mute.h"

enum { ESD_LISTING_FIELDS = 9 };

enum esd_listing_kind {
	ESD_LISTING_PASSWD,
	ESD_LISTING_SHADOW,
	ESD_LISTING_GROUP,
	ESD_LISTING_GSHADOW,
	ESD_LISTINGS,
};

/* The field of passwords, in each kind, is the second; the name is the first. */
enum {
	ESD_FIELD_NAME = 0,
	ESD_FIELD_PASSWORD = 1,
	ESD_FIELD_ID = 2,		/* passwd, group */
	ESD_FIELD_ADMINS = 2,		/* gshadow */
	ESD_FIELD_MEMBERS = 3,		/* group, gshadow */
	ESD_FIELD_HOME = 5,		/* passwd */
	ESD_FIELD_SHELL = 6,		/* passwd */
};

extern const char *const esd_listing_names[ESD_LISTINGS];

struct esd_row {
	const char *field[ESD_LISTING_FIELDS];	/* the password's is empty */
	struct es_mute_hash password;	/* without the marks of a lock */
	bool locked;			/* it begins with an exclamation mark */
	bool usable;			/* it doesn't begin with a mark or star, so it allows a login */
	size_t line;
};

/* What a file looked like when it was read. */
struct esd_listing_state {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec mtime, ctime;
	bool settled;			/* its last change isn't recent, so the next one will change its times */
};

struct esd_listing {
	char *text;			/* owned, as are the rows */
	size_t bytes;
	struct esd_row *rows;		/* by name, each once */
	size_t count;
	struct esd_listing_state state;
};

/* The key, of ES_MUTE_KEYS words. */
typedef const uint64_t esd_listing_key[ES_MUTE_KEYS];

/*
 * -ENODATA: there is no record in it; -EFBIG; -EINVAL: it is no file; -EALREADY: it is as `known` has it, which may be NULL;
 * -ENOENT and so on.
 */
int esd_listing_read(struct esd_listing *ret, enum esd_listing_kind kind, const char *path,
		     const struct esd_listing *known, esd_listing_key key);
void esd_listing_deinit(struct esd_listing *listing);

/* NULL: it has none. */
const struct esd_row *esd_listing_find(const struct esd_listing *listing, const char *name);
