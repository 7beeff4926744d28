/* SPDX-License-Identifier: MIT */
#pragma once

/* The client of Endpoint Security: subscriptions, mutes and filters, and what passes them goes to the intake. */

#include "tools/esship/config.h"
#include "tools/esship/intake.h"

struct source {
	const struct config *config;
	struct intake *intake;
	es_client_t *client;
	uint64_t next;			/* global_seq_num of the next message; the handler's own */
};

/* EX_OK, or an exit status: it was logged what is wrong. */
int source_start(struct source *source, const struct config *config, struct intake *intake);

/* No more messages come when it returns; what happened before has been handled, if that didn't take too long. */
void source_stop(struct source *source);
