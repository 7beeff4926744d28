/* SPDX-License-Identifier: MIT */
#pragma once

/* A thread for each sink. It reads the spool at the sink's pace. It retries, with growing waits, until acknowledged. */

#include "tools/esship/sink.h"
#include "tools/esship/spool.h"

struct sender_counts {
	uint64_t lines, batches, bytes;	/* acknowledged */
	uint64_t failures;
	uint64_t refused;		/* lines that the other side acknowledged but discarded */
	uint64_t behind;		/* bytes in the spool that aren't acknowledged */
	bool failing;
};

struct sender;

/* Borrows config and spool. Start the thread only after all senders are made. */
int sender_new(struct sender **ret, const struct sink_config *config, struct spool *spool);
int sender_start(struct sender *sender);

const struct sink_config *sender_config(const struct sender *sender);
void sender_counts(struct sender *sender, struct sender_counts *ret);

/* _finish() ends it once the spool is empty, or the sink doesn't take any more. _stop() ends it at once. */
void sender_finish(struct sender *sender);
void sender_stop(struct sender *sender);
bool sender_is_done(struct sender *sender);
void sender_free(struct sender *sender);
