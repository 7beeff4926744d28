/* SPDX-License-Identifier: MIT */
#pragma once

/* A thread for each sink: reads the spool at that sink's pace, and tries again, later and later, what isn't acknowledged. */

#include "tools/esship/sink.h"
#include "tools/esship/spool.h"

struct sender_counts {
	uint64_t lines, batches, bytes;	/* acknowledged */
	uint64_t failures;
	uint64_t behind;		/* bytes in the spool that aren't */
	bool failing;
};

struct sender;

/* Borrows config and spool. The thread isn't started yet: all sinks have to be there first. */
int sender_new(struct sender **ret, const struct sink_config *config, struct spool *spool);
int sender_start(struct sender *sender);

const struct sink_config *sender_config(const struct sender *sender);
void sender_counts(struct sender *sender, struct sender_counts *ret);

/* Ends it as soon as there is nothing left in the spool, or nothing can be done about it; at once: whatever it does. */
void sender_finish(struct sender *sender);
void sender_stop(struct sender *sender);
bool sender_is_done(struct sender *sender);
void sender_free(struct sender *sender);
