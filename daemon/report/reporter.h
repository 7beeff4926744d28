/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What has become of accounts and groups, for those who want to be told. The files are read once, when somebody first wants
 * to; then, each time that a process has changed one, again, and compared with what they were. That process is who did it.
 * Of changes that come faster than the file is read, what is seen together is told of the first.
 *
 * A file that can't be read, or that no record is in, leaves what was known: there are programs that empty or remove it
 * before they write it anew.
 *
 * It is told of changes by records that the kernel programs have made, and makes records itself. Used by sensor/report.c, on
 * a thread of its own.
 */

#include "daemon/report/difference.h"

struct esd_reporter {
	char *path[ESD_LISTINGS];		/* owned, as are these: */
	char *real[ESD_LISTINGS];		/* where the path leads, if it is a link; else NULL */
	struct esd_listing listing[ESD_LISTINGS];	/* of which text NULL: not known */
	uint64_t key[ES_MUTE_KEYS];
	uint64_t lost;			/* records, as of the last one */
	struct es_record *last;		/* a copy, owned; NULL: none yet */
	struct es_record *told;		/* ES_REPORT_BYTES, borrowed */

	/* `told` is complete: to those of these slots who still want it. */
	void (*send)(void *owner, uint64_t slots);
	void *owner;
};

/* `folder`: where the files are, /etc. On failure there is nothing to deinit. */
int esd_reporter_init(struct esd_reporter *reporter, const char *folder);
void esd_reporter_deinit(struct esd_reporter *reporter);

/* Takes the files as they are. Once, before anything is seen. */
void esd_reporter_begin(struct esd_reporter *reporter);

/* A record from the daemon's ring, whole; what isn't in order is passed over. */
void esd_reporter_seen(struct esd_reporter *reporter, const struct es_record *seen, size_t bytes);

/*
 * The ring is empty, and so many records were lost in all: if these are more than the last one said, it may be that nothing
 * comes any more of what was changed. The files are compared, and who came last is taken for who did it.
 */
void esd_reporter_lost(struct esd_reporter *reporter, uint64_t lost);

/* The types of records that have to be seen. */
extern const uint8_t esd_reporter_types[];
extern const size_t esd_reporter_type_count;
