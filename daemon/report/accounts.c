/* SPDX-License-Identifier: MIT */

/*
 * The subject of accounts and groups. A file that can't be read, or that has no record, leaves the known content as it
 * is: some programs empty or remove a file before they write it anew.
 */

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/report/difference.h"
#include "daemon/report/reporter.h"
#include "daemon/report/told.h"
#include "util/log.h"
#include "util/macro.h"

enum { SECONDS_A_DAY = 86400 };

enum {
#define ES_EVENT(name, number, ...) TYPE_##name = number,
#include "abi/events.def"
};

static const uint8_t types[] = { TYPE_NOTIFY_CLOSE, TYPE_NOTIFY_RENAME,	  TYPE_NOTIFY_EXCHANGEDATA,
				 TYPE_NOTIFY_LINK,  TYPE_NOTIFY_TRUNCATE, TYPE_NOTIFY_CLONE };

struct accounts {
	struct esd_reporter *reporter;	/* borrowed */
	char *path[ESD_LISTINGS];	/* owned, as are these: */
	char *real[ESD_LISTINGS];	/* where the path leads, if it is a link; else NULL */
	struct esd_listing listing[ESD_LISTINGS];	/* text NULL: not known */
};

/* ---- the files ---- */

static int names_make(struct accounts *accounts, const char *folder)
{
	for (unsigned int i = 0; i < ESD_LISTINGS; i++) {
		char *real;

		if (asprintf(&accounts->path[i], "%s/%s", folder, esd_listing_names[i]) < 0) {
			accounts->path[i] = NULL;
			return -ENOMEM;
		}
		real = realpath(accounts->path[i], NULL);
		if (real && !strcmp(real, accounts->path[i]))
			free(TAKE_POINTER(real));
		accounts->real[i] = real;
	}
	return 0;
}

static void accounts_free(struct accounts *accounts)
{
	for (unsigned int i = 0; i < ESD_LISTINGS; i++) {
		free(accounts->path[i]);
		free(accounts->real[i]);
		esd_listing_deinit(&accounts->listing[i]);
	}
	free(accounts);
}

static int subject_init(struct esd_reporter *reporter, const char *folder)
{
	struct accounts *accounts = calloc(1, sizeof(*accounts));
	int r;

	if (!accounts)
		return -ENOMEM;
	accounts->reporter = reporter;
	r = names_make(accounts, folder);
	if (r < 0) {
		accounts_free(accounts);
		return r;
	}
	reporter->state = accounts;
	return 0;
}

static void subject_deinit(struct esd_reporter *reporter)
{
	accounts_free(reporter->state);
}

static int subject_paths(struct esd_reporter *reporter, esd_reporter_path_f *add, void *owner)
{
	struct accounts *accounts = reporter->state;
	int r = 0;

	for (unsigned int i = 0; r == 0 && i < ESD_LISTINGS; i++) {
		r = add(owner, ES_MUTE_TARGET_LITERAL, accounts->path[i]);
		if (r == 0 && accounts->real[i])
			r = add(owner, ES_MUTE_TARGET_LITERAL, accounts->real[i]);
	}
	return r;
}

/* 0: *ret is the file's present content, which may have changed. There is no shadow file if passwords are elsewhere. */
static int listing_read(struct accounts *accounts, unsigned int kind, struct esd_listing *ret)
{
	const struct esd_listing *known = &accounts->listing[kind];
	int r = esd_listing_read(ret, kind, accounts->path[kind], known->text ? known : NULL,
				 accounts->reporter->key);

	if (r < 0 && r != -EALREADY && r != -ENOENT && r != -ENODATA)
		log_warning("can't read %s: %s; what changes there is told when it can be read again",
			    accounts->path[kind], strerror(-r));
	return r;
}

static void subject_begin(struct esd_reporter *reporter)
{
	struct accounts *accounts = reporter->state;

	for (unsigned int kind = 0; kind < ESD_LISTINGS; kind++) {
		struct esd_listing now;

		if (listing_read(accounts, kind, &now) < 0)
			continue;
		esd_listing_deinit(&accounts->listing[kind]);
		accounts->listing[kind] = now;
	}
}

/* ---- what has changed ---- */

struct change_of {
	struct accounts *accounts;
	const struct es_record *seen;
	const char *path;		/* of the file */
};

static void tell(void *owner, const struct esd_change *change)
{
	const struct change_of *of = owner;
	struct esd_reporter *reporter = of->accounts->reporter;
	struct es_record *told = reporter->told;

	if (!esd_reporter_tell(reporter, change->number, of->seen))
		return;
	told->num[ES_OD_RECORD_TYPE] = change->record;
	esd_told_string(told, 0, change->name);
	esd_told_string(told, 1, of->path);
	esd_told_string(told, 2, change->detail);
	esd_told_values(told, change->values, change->values_bytes);
	esd_reporter_send(reporter, change->number, of->seen);
}

/* If the old content isn't known, there is nothing to compare: just takes the new one. */
static void compare(struct accounts *accounts, unsigned int kind, const struct es_record *seen)
{
	const struct change_of of = { accounts, seen, accounts->path[kind] };
	const struct esd_difference difference = {
		.passwd = accounts->listing[ESD_LISTING_PASSWD].text ? &accounts->listing[ESD_LISTING_PASSWD] : NULL,
		.today = time(NULL) / SECONDS_A_DAY,
		.changed = tell,
		.owner = (void *)&of,
	};
	struct esd_listing now;

	if (listing_read(accounts, kind, &now) < 0)
		return;
	if (accounts->listing[kind].text)
		esd_difference_tell(&difference, kind, &accounts->listing[kind], &now);
	esd_listing_deinit(&accounts->listing[kind]);
	accounts->listing[kind] = now;
}

/* ---- what has been seen ---- */

static bool is_named(const struct accounts *accounts, unsigned int kind, const char *path)
{
	return !strcmp(path, accounts->path[kind]) || (accounts->real[kind] && !strcmp(path, accounts->real[kind]));
}

/* Adds the files that have this path, or this name in the folder with this path, to a set. */
static unsigned int add_named(const struct accounts *accounts, const char *path, const char *name, unsigned int set)
{
	_cleanup_free_ char *both = NULL;

	if (!path)
		return set;
	if (name && asprintf(&both, "%s/%s", path, name) < 0)
		both = NULL;
	for (unsigned int kind = 0; kind < ESD_LISTINGS; kind++)
		if (is_named(accounts, kind, path) || (both && is_named(accounts, kind, both)))
			set |= 1u << kind;
	return set;
}

/* The files that the record is about; all, if that isn't known. */
static unsigned int files_of(const struct accounts *accounts, const struct es_record *seen)
{
	unsigned int set = 0;

	for (unsigned int i = 0; i < ES_RECORD_FILES; i++)
		if (seen->file[i])
			set = add_named(accounts, esd_told_path(seen, i), esd_told_text(seen, 0), set);
	return set ?: UINT_MAX;
}

static void subject_compare(struct esd_reporter *reporter, const struct es_record *seen, bool all)
{
	struct accounts *accounts = reporter->state;
	unsigned int set = all ? UINT_MAX : files_of(accounts, seen);

	for (unsigned int kind = 0; kind < ESD_LISTINGS; kind++)
		if (set >> kind & 1)
			compare(accounts, kind, seen);
}

const struct esd_subject esd_subject_accounts = {
	.name = "the files of accounts",
	.first = ES_REPORT_OD_GROUP_ADD,
	.last = ES_REPORT_OD_DELETE_GROUP,
	.types = types,
	.type_count = ARRAY_SIZE(types),
	.init = subject_init,
	.deinit = subject_deinit,
	.paths = subject_paths,
	.begin = subject_begin,
	.compare = subject_compare,
};
