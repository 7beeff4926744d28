/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Compares a client's answers in a replay with the recorded ones: counts and times them, and optionally writes each to
 * a file. Memory is bounded for any number of answers.
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "capture/format.h"
#include "daemon/sensor/replay.h"
#include "tools/escap/pairs.h"
#include "tools/json.h"

enum {
	REPORT_SAID = 20,		/* how many differences to print at most; the file has all */
	REPORT_STEPS = 8,		/* of the histogram, for each power of two */
};

struct report {
	FILE *file;			/* one JSON object a line; NULL: none */
	struct json json;
	int64_t from_monotonic;
	uint64_t first_ns;		/* of the capture's records */

	struct pairs ours;		/* values: index in `open` */
	struct pairs recorded;		/* values: verdicts */
	struct open_answer *open;	/* our answers whose recorded ones haven't been read: PAIRS_MAX */
	uint32_t *free;
	uint32_t free_count;

	uint64_t answers[4];		/* by verdict */
	uint64_t missed;
	uint64_t differ;
	uint64_t unknown;		/* the recording has no answer */
	uint64_t longest_ns;
	uint64_t took[64 * REPORT_STEPS];
	int error;			/* of writing */
};

/* file_path may be NULL. 0 or a negative errno. */
int report_init(struct report *report, const char *file_path);
void report_deinit(struct report *report);

void report_answered(struct report *report, const struct esd_replay_answer *answer);
void report_recorded(struct report *report, const struct esc_answer *answer);

/* Call after the last answer. */
void report_finish(struct report *report);
void report_print(const struct report *report, FILE *out);
