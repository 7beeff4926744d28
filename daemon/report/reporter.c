/* SPDX-License-Identifier: MIT */
#include "daemon/report/reporter.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "daemon/report/told.h"
#include "util/log.h"
#include "util/macro.h"

enum { SECONDS_A_DAY = 86400 };

enum {
#define ES_EVENT(name, number, ...) TYPE_##name = number,
#include "abi/events.def"
};

static const uint8_t type_of[ES_REPORT_COUNT] = {
#define REPORT_TYPE(name) [ES_REPORT_##name] = TYPE_NOTIFY_##name,
	ES_REPORTS(REPORT_TYPE)
#undef REPORT_TYPE
};

const uint8_t esd_reporter_types[] = { TYPE_NOTIFY_CLOSE, TYPE_NOTIFY_RENAME, TYPE_NOTIFY_EXCHANGEDATA,
				       TYPE_NOTIFY_LINK,  TYPE_NOTIFY_TRUNCATE, TYPE_NOTIFY_CLONE };
const size_t esd_reporter_type_count = ARRAY_SIZE(esd_reporter_types);

/* ---- the files ---- */

static int names_make(struct esd_reporter *reporter, const char *folder)
{
	for (unsigned int i = 0; i < ESD_LISTINGS; i++) {
		char *real;

		if (asprintf(&reporter->path[i], "%s/%s", folder, esd_listing_names[i]) < 0) {
			reporter->path[i] = NULL;
			return -ENOMEM;
		}
		real = realpath(reporter->path[i], NULL);
		if (real && !strcmp(real, reporter->path[i]))
			free(TAKE_POINTER(real));
		reporter->real[i] = real;
	}
	return 0;
}

int esd_reporter_init(struct esd_reporter *reporter, const char *folder)
{
	int r;

	*reporter = (struct esd_reporter){};
	r = names_make(reporter, folder);
	if (r == 0 && getrandom(reporter->key, sizeof(reporter->key), 0) != sizeof(reporter->key))
		r = -EIO;
	if (r < 0)
		esd_reporter_deinit(reporter);
	return r;
}

void esd_reporter_deinit(struct esd_reporter *reporter)
{
	free(reporter->last);
	for (unsigned int i = 0; i < ESD_LISTINGS; i++) {
		free(reporter->path[i]);
		free(reporter->real[i]);
		esd_listing_deinit(&reporter->listing[i]);
	}
	*reporter = (struct esd_reporter){};
}

/* 0: *ret is the file's present content, which may have changed. There is no shadow file if passwords are elsewhere. */
static int listing_read(struct esd_reporter *reporter, unsigned int kind, struct esd_listing *ret)
{
	const struct esd_listing *known = &reporter->listing[kind];
	int r = esd_listing_read(ret, kind, reporter->path[kind], known->text ? known : NULL, reporter->key);

	if (r < 0 && r != -EALREADY && r != -ENOENT && r != -ENODATA)
		log_warning("can't read %s: %s; what changes there is told when it can be read again",
			    reporter->path[kind], strerror(-r));
	return r;
}

void esd_reporter_begin(struct esd_reporter *reporter)
{
	for (unsigned int kind = 0; kind < ESD_LISTINGS; kind++) {
		struct esd_listing now;

		if (listing_read(reporter, kind, &now) < 0)
			continue;
		esd_listing_deinit(&reporter->listing[kind]);
		reporter->listing[kind] = now;
	}
}

/* ---- what has changed ---- */

struct change_of {
	struct esd_reporter *reporter;
	const struct es_record *seen;
	const struct es_reported *reported;
	const char *path;		/* of the file */
};

static void tell(void *owner, const struct esd_change *change)
{
	const struct change_of *of = owner;
	struct es_record *told = of->reporter->told;
	uint64_t slots = of->reported->slots[change->number];

	if (!slots || !esd_told_begin(told, type_of[change->number], of->seen))
		return;
	told->num[ES_OD_RECORD_TYPE] = change->record;
	esd_told_string(told, 0, change->name);
	esd_told_string(told, 1, of->path);
	esd_told_string(told, 2, change->detail);
	esd_told_values(told, change->values, change->values_bytes);
	of->reporter->send(of->reporter->owner, slots);
}

/* If the old content isn't known, there is nothing to compare: just takes the new one. */
static void compare(struct esd_reporter *reporter, unsigned int kind, const struct es_record *seen,
		    const struct es_reported *reported)
{
	const struct change_of of = { reporter, seen, reported, reporter->path[kind] };
	const struct esd_difference difference = {
		.passwd = reporter->listing[ESD_LISTING_PASSWD].text ? &reporter->listing[ESD_LISTING_PASSWD] : NULL,
		.today = time(NULL) / SECONDS_A_DAY,
		.changed = tell,
		.owner = (void *)&of,
	};
	struct esd_listing now;

	if (listing_read(reporter, kind, &now) < 0)
		return;
	if (reporter->listing[kind].text)
		esd_difference_tell(&difference, kind, &reporter->listing[kind], &now);
	esd_listing_deinit(&reporter->listing[kind]);
	reporter->listing[kind] = now;
}

/* ---- what has been seen ---- */

static bool is_named(const struct esd_reporter *reporter, unsigned int kind, const char *path)
{
	return !strcmp(path, reporter->path[kind]) || (reporter->real[kind] && !strcmp(path, reporter->real[kind]));
}

/* Adds the files that have this path, or this name in the folder with this path, to a set. */
static unsigned int add_named(const struct esd_reporter *reporter, const char *path, const char *name, unsigned int set)
{
	_cleanup_free_ char *both = NULL;

	if (!path)
		return set;
	if (name && asprintf(&both, "%s/%s", path, name) < 0)
		both = NULL;
	for (unsigned int kind = 0; kind < ESD_LISTINGS; kind++)
		if (is_named(reporter, kind, path) || (both && is_named(reporter, kind, both)))
			set |= 1u << kind;
	return set;
}

/* The files that the record is about. All files, if that isn't known, or if records before it were lost. */
static unsigned int files_of(struct esd_reporter *reporter, const struct es_record *seen)
{
	const unsigned int all = (1u << ESD_LISTINGS) - 1;
	unsigned int set = 0;

	if (seen->lost_all != reporter->lost) {
		reporter->lost = seen->lost_all;
		return all;
	}
	for (unsigned int i = 0; i < ES_RECORD_FILES; i++)
		if (seen->file[i])
			set = add_named(reporter, esd_told_path(seen, i), esd_told_text(seen, 0), set);
	return set ?: all;
}

/* A process that only read a file didn't change it. If another is writing it, wait for that one's close. */
static bool may_have_changed(const struct es_record *seen)
{
	return seen->type != TYPE_NOTIFY_CLOSE || seen->num[0] || seen->num[1];
}

static void compare_set(struct esd_reporter *reporter, unsigned int set, const struct es_record *seen)
{
	const struct es_reported *reported = esd_told_reported(seen);

	for (unsigned int kind = 0; reported && kind < ESD_LISTINGS; kind++)
		if (set >> kind & 1)
			compare(reporter, kind, seen, reported);
}

/* Keeps a copy for esd_reporter_lost(). */
static void keep(struct esd_reporter *reporter, const struct es_record *seen)
{
	free(reporter->last);
	reporter->last = malloc(seen->size);
	if (reporter->last)
		memcpy(reporter->last, seen, seen->size);
}

void esd_reporter_lost(struct esd_reporter *reporter, uint64_t lost)
{
	if (lost == reporter->lost || !reporter->last)
		return;
	reporter->lost = lost;
	compare_set(reporter, (1u << ESD_LISTINGS) - 1, reporter->last);
}

void esd_reporter_seen(struct esd_reporter *reporter, const struct es_record *seen, size_t bytes)
{

	if (bytes < sizeof(*seen) || seen->size < sizeof(*seen) || seen->size > bytes || !may_have_changed(seen) ||
	    !esd_told_reported(seen))
		return;
	keep(reporter, seen);
	compare_set(reporter, files_of(reporter, seen), seen);
}
