/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What has been taken from the library and isn't in a segment yet, by names: a file in the spool that is mapped, so that it
 * outlives the process, though not the machine. The next start looks into it and says what a death has cost.
 *
 * There are two blocks: one is being filled, the other being written; and for each of them what was dropped in its time. A
 * block has its counts before its lines are anywhere, and is cleared when they are in a segment, so a block whose first
 * number is above the last one in the spool is lost, and any other isn't.
 */

#include <stdbool.h>
#include <stdint.h>

#include <EndpointSecurity/EndpointSecurity.h>

#include "tools/esship/segment.h"

enum {
	LEDGER_OWN = ES_EVENT_TYPE_LAST,	/* esship's own lines, behind the events */
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
	uint64_t reported_by;		/* number of the line that says what was dropped; 0: none yet */
};

struct ledger_page {
	char magic[8];
	uint32_t size;			/* of this struct: an event type more makes it another one */
	uint32_t ended;			/* the program came to its end */
	uint8_t client[SEGMENT_CLIENT_BYTES];
	struct ledger_block block[LEDGER_BLOCKS];
};

struct ledger {
	struct ledger_page *page;
	struct ledger_page before;	/* what the last run has left; before.size 0: nothing, or nothing that can be read */
};

/* In this folder. What was before stays until ledger_begin(). A negative errno: it can't be made, as where the disk is full. */
int ledger_open(struct ledger *ret, int folder_fd);
void ledger_begin(struct ledger *ledger, const uint8_t client[SEGMENT_CLIENT_BYTES]);
void ledger_close(struct ledger *ledger);

void ledger_count(struct ledger_counts *counts, unsigned int name, uint64_t number);
uint64_t ledger_total(const struct ledger_counts *counts);
void ledger_add(struct ledger_counts *to, const struct ledger_counts *counts);
void ledger_clear(struct ledger_block *block);

/*
 * Of the run before, given the last of its numbers that is in a segment: lines that are in none, and what it dropped and could
 * not say any more.
 */
void ledger_lost(const struct ledger *ledger, uint64_t last_in_spool, struct ledger_counts *ret_lines,
		 struct ledger_counts *ret_dropped);
