/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Reports what processes have changed in files: accounts and groups (accounts.c), or launch items (items.c). Such a
 * subject reads its files when a client first subscribes. Each time that a process has changed one, the subject reads
 * that again, compares it with the old content, and reports the differences as changes by that process. Changes that
 * it sees in one comparison are all attributed to the first process.
 *
 * The input are records of the kernel programs, the output are records too. sensor/report.c has a reporter for each
 * subject, on a thread of its own.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/mute.h"
#include "abi/sensor.h"

struct esd_reporter;

/* A path whose events the reporter must receive: as a target, of ES_MUTE_TARGET_PREFIX or _LITERAL. */
typedef int esd_reporter_path_f(void *owner, uint32_t kind, const char *path);

struct esd_subject {
	const char *name;		/* for the log */
	enum es_report_number first, last;	/* what it reports */
	const uint8_t *types;		/* of records that it needs */
	size_t type_count;

	/* Sets reporter->state. `folder`: where the files are. On failure there is nothing to deinit. */
	int (*init)(struct esd_reporter *reporter, const char *folder);
	void (*deinit)(struct esd_reporter *reporter);
	int (*paths)(struct esd_reporter *reporter, esd_reporter_path_f *add, void *owner);

	/* Reads all for the first time. */
	void (*begin)(struct esd_reporter *reporter);

	/* Compares what the record is about; if `all`, everything, since records before it were lost. */
	void (*compare)(struct esd_reporter *reporter, const struct es_record *seen, bool all);
};

extern const struct esd_subject esd_subject_accounts, esd_subject_items;

struct esd_reporter {
	const struct esd_subject *subject;
	void *state;			/* the subject's */
	uint64_t key[ES_MUTE_KEYS];	/* for hashes that nobody can foresee */
	uint64_t lost;			/* number of lost records that was handled last */
	struct es_record *last;		/* a copy of the last record, owned; NULL: none yet */
	struct es_record *told;		/* ES_REPORT_BYTES, borrowed */

	/* Sends `told`, which is complete, to those of these slots that still want it. */
	void (*send)(void *owner, uint64_t slots);
	void *owner;
};

/* On failure there is nothing to deinit. */
int esd_reporter_init(struct esd_reporter *reporter, const struct esd_subject *subject, const char *folder);
void esd_reporter_deinit(struct esd_reporter *reporter);

/* Reads the files for the first time. Call it once, before esd_reporter_seen(). */
void esd_reporter_begin(struct esd_reporter *reporter);

/* Handles a whole record from the daemon's ring. Ignores a malformed one. */
void esd_reporter_seen(struct esd_reporter *reporter, const struct es_record *seen, size_t bytes);

/*
 * Call when the ring is empty, with the number of records lost so far. If it has grown, changes may have gone unseen:
 * so compares everything, and attributes the differences to the process of the last record.
 */
void esd_reporter_lost(struct esd_reporter *reporter, uint64_t lost);

/*
 * For subjects: begins `told` with the type of the report and the process of `seen`, which the caller completes before
 * esd_reporter_send(). False: nobody wanted it when the process acted.
 */
bool esd_reporter_tell(struct esd_reporter *reporter, enum es_report_number number, const struct es_record *seen);
void esd_reporter_send(struct esd_reporter *reporter, enum es_report_number number, const struct es_record *seen);

/* The type of a report. */
unsigned int esd_reporter_type(enum es_report_number number);
