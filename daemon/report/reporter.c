/* SPDX-License-Identifier: MIT */
#include "daemon/report/reporter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "daemon/report/told.h"

enum {
#define ES_EVENT(name, number, ...) TYPE_##name = number,
#include "abi/events.def"
};

static const uint8_t type_of[ES_REPORT_COUNT] = {
#define REPORT_TYPE(name) [ES_REPORT_##name] = TYPE_NOTIFY_##name,
	ES_REPORTS(REPORT_TYPE)
#undef REPORT_TYPE
};

unsigned int esd_reporter_type(enum es_report_number number)
{
	return type_of[number];
}

int esd_reporter_init(struct esd_reporter *reporter, const struct esd_subject *subject, const char *folder)
{
	*reporter = (struct esd_reporter){ .subject = subject };
	if (getrandom(reporter->key, sizeof(reporter->key), 0) != sizeof(reporter->key))
		return -EIO;
	return subject->init(reporter, folder);
}

void esd_reporter_deinit(struct esd_reporter *reporter)
{
	reporter->subject->deinit(reporter);
	free(reporter->last);
	*reporter = (struct esd_reporter){};
}

void esd_reporter_begin(struct esd_reporter *reporter)
{
	reporter->subject->begin(reporter);
}

/* ---- what is told ---- */

static uint64_t slots_of(enum es_report_number number, const struct es_record *seen)
{
	return esd_told_reported(seen)->slots[number];
}

bool esd_reporter_tell(struct esd_reporter *reporter, enum es_report_number number, const struct es_record *seen)
{
	return slots_of(number, seen) && esd_told_begin(reporter->told, type_of[number], seen);
}

void esd_reporter_send(struct esd_reporter *reporter, enum es_report_number number, const struct es_record *seen)
{
	reporter->send(reporter->owner, slots_of(number, seen));
}

/* ---- what has been seen ---- */

/* A process that only read a file didn't change it. If another is writing it, wait for that one's close. */
static bool may_have_changed(const struct es_record *seen)
{
	return seen->type != TYPE_NOTIFY_CLOSE || seen->num[0] || seen->num[1];
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
	reporter->subject->compare(reporter, reporter->last, true);
}

void esd_reporter_seen(struct esd_reporter *reporter, const struct es_record *seen, size_t bytes)
{
	bool lost;

	if (bytes < sizeof(*seen) || seen->size < sizeof(*seen) || seen->size > bytes || !may_have_changed(seen) ||
	    !esd_told_reported(seen))
		return;
	keep(reporter, seen);
	lost = seen->lost_all != reporter->lost;
	reporter->lost = seen->lost_all;
	reporter->subject->compare(reporter, seen, lost);
}
