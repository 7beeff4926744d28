/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Reports changes of accounts and groups to their subscribers. It reads the files when a client first subscribes. Each
 * time that a process has changed one, it reads that again, compares it with the old content, and reports the
 * differences as changes by that process. Changes that it sees in one comparison are all attributed to the first
 * process.
 *
 * A file that can't be read, or that has no record, leaves the known content as it is: some programs empty or remove a
 * file before they write it anew.
 *
 * The input are records of the kernel programs, the output are records too. sensor/report.c uses it on its own thread.
 */

#include "daemon/report/difference.h"

struct esd_reporter {
	char *path[ESD_LISTINGS];		/* owned, as are these: */
	char *real[ESD_LISTINGS];		/* where the path leads, if it is a link; else NULL */
	struct esd_listing listing[ESD_LISTINGS];	/* text NULL: not known */
	uint64_t key[ES_MUTE_KEYS];
	uint64_t lost;			/* number of lost records that was handled last */
	struct es_record *last;		/* a copy of the last record, owned; NULL: none yet */
	struct es_record *told;		/* ES_REPORT_BYTES, borrowed */

	/* Sends `told`, which is complete, to those of these slots that still want it. */
	void (*send)(void *owner, uint64_t slots);
	void *owner;
};

/* `folder`: the one of the files, /etc. On failure there is nothing to deinit. */
int esd_reporter_init(struct esd_reporter *reporter, const char *folder);
void esd_reporter_deinit(struct esd_reporter *reporter);

/* Reads the files for the first time. Call it once, before esd_reporter_seen(). */
void esd_reporter_begin(struct esd_reporter *reporter);

/* Handles a whole record from the daemon's ring. Ignores a malformed one. */
void esd_reporter_seen(struct esd_reporter *reporter, const struct es_record *seen, size_t bytes);

/*
 * Call when the ring is empty, with the number of records lost so far. If it has grown, changes may have gone unseen:
 * so compares the files, and attributes the differences to the process of the last record.
 */
void esd_reporter_lost(struct esd_reporter *reporter, uint64_t lost);

/* The types of records that esd_reporter_seen() needs. */
extern const uint8_t esd_reporter_types[];
extern const size_t esd_reporter_type_count;
