/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * From messages to the spool: the intake gives each message a number, makes it a line, and collects lines in a block. A
 * writer thread writes a block as a frame when it is large enough or has waited long enough.
 *
 * Without room (the spool has its full size, the disk is full, or writing is too slow) the intake drops messages, and
 * counts them by name. It drops decisions only when the room that is reserved for them is used up too. A decision is a
 * message that reports a denial, or an AUTH message. The next block that is written says what was dropped.
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
	uint64_t written;		/* lines, including esship's own */
	uint64_t lost;			/* by the kernel: the ring was full */
	uint64_t dropped, dropped_decisions;
	uint64_t failures;		/* failed writes, which were tried again */
	uint64_t blocks;		/* written */
};

struct intake;

/*
 * Borrows spool and ledger. On return, the first lines are in the spool: they name the previous client and its losses,
 * since the ledger is then begun anew.
 */
int intake_new(struct intake **ret, const struct intake_options *options, struct spool *spool, struct ledger *ledger,
	       const uint8_t client[SEGMENT_CLIENT_BYTES], const struct event_host *host);
void intake_client_text(char ret[40], const uint8_t client[SEGMENT_CLIENT_BYTES]);

/* Call both on the same thread. */
void intake_message(struct intake *intake, const es_message_t *message);
void intake_lost(struct intake *intake, uint64_t count);

/* Writes all waiting lines, and the last line; false: not all could be written. */
bool intake_end(struct intake *intake);
void intake_free(struct intake *intake);

void intake_counts(struct intake *intake, struct intake_counts *ret);
