/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Counts, by name, of the messages that esship has received but that aren't in a segment yet. It is a mapped file in
 * the spool, so it survives the process, though not the machine. After a death, the next start reads from it what was
 * lost.
 *
 * There are two blocks, one being filled and one being written, each with the counts of messages dropped in its time. A
 * block is counted before its lines exist anywhere, and cleared when they are in a segment. So a block is lost exactly
 * if its first number is above the last one in the spool.
 */

#include <stdbool.h>
#include <stdint.h>

#include <EndpointSecurity/EndpointSecurity.h>

#include "tools/esship/segment.h"

enum {
	LEDGER_OWN = ES_EVENT_TYPE_LAST,	/* index of esship's own lines, after the events */
	LEDGER_NAMES,
	LEDGER_BLOCKS = 2,
};

/* Numbers of lines by name; first 0: none. */
struct ledger_counts {
	uint64_t first, last;
	uint32_t of[LEDGER_NAMES];
};

struct ledger_block {
	struct ledger_counts lines;
	struct ledger_counts dropped;
	uint64_t reported_by;		/* number of the line that reports the drops; 0: none yet */
};

struct ledger_page {
	char magic[8];
	uint32_t size;			/* of this struct: it changes with each new event type */
	uint32_t ended;			/* the program ended properly */
	uint8_t client[SEGMENT_CLIENT_BYTES];
	struct ledger_block block[LEDGER_BLOCKS];
};

struct ledger {
	struct ledger_page *page;
	struct ledger_page before;	/* of the last run; before.size 0: none, or unreadable */
};

/* In this folder. The old content stays until ledger_begin(). Negative errno: can't make it, as on a full disk. */
int ledger_open(struct ledger *ret, int folder_fd);
void ledger_begin(struct ledger *ledger, const uint8_t client[SEGMENT_CLIENT_BYTES]);
void ledger_close(struct ledger *ledger);

void ledger_count(struct ledger_counts *counts, unsigned int name, uint64_t number);
uint64_t ledger_total(const struct ledger_counts *counts);
void ledger_add(struct ledger_counts *to, const struct ledger_counts *counts);
void ledger_clear(struct ledger_block *block);

/*
 * Losses of the previous run, given its last number that is in a segment: lines that are in no segment, and drops that
 * it didn't report.
 */
void ledger_lost(const struct ledger *ledger, uint64_t last_in_spool, struct ledger_counts *ret_lines,
		 struct ledger_counts *ret_dropped);
