/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * From messages to the spool: each is given a number, made a line, and gathered in a block, which a thread of its own writes
 * as a frame, when it is large enough or has waited long enough.
 *
 * Where there is no room (the spool is as large as it may be, the disk is full, writing is slower than events come) it drops,
 * and counts by name: what happened first, decisions only when the room that is kept for them is used up, too. A decision is
 * a message that says that a client denied, or asks one. The next block that is written says what was dropped.
 */

#include <stdbool.h>
#include <stdint.h>

#include "tools/esship/ledger.h"
#include "tools/esship/spool.h"
#include "tools/event-formats.h"

struct intake_options {
	const struct event_formatter *formatter;
	uint64_t spool_size;
	unsigned int flush_ms;		/* how long a line may wait for others */
};

struct intake_counts {
	uint64_t received;		/* messages that passed the filters */
	uint64_t written;		/* lines, esship's own too */
	uint64_t lost;			/* by the kernel: the ring was full */
	uint64_t dropped, dropped_decisions;
	uint64_t failures;		/* writes that failed, and were tried again */
	uint64_t blocks;		/* written */
};

struct intake;

/*
 * Borrows spool and ledger. The first lines are in the spool when it returns: who was before, and what that has lost, since
 * then the ledger is begun anew.
 */
int intake_new(struct intake **ret, const struct intake_options *options, struct spool *spool, struct ledger *ledger,
	       const uint8_t client[SEGMENT_CLIENT_BYTES], const struct event_host *host);
void intake_client_text(char ret[40], const uint8_t client[SEGMENT_CLIENT_BYTES]);

/* On one thread. */
void intake_message(struct intake *intake, const es_message_t *message);
void intake_lost(struct intake *intake, uint64_t count);

/* Writes what there is, and the last line; false: not all of it could be written. */
bool intake_end(struct intake *intake);
void intake_free(struct intake *intake);

void intake_counts(struct intake *intake, struct intake_counts *ret);
