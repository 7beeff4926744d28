/* SPDX-License-Identifier: MIT */
#pragma once

/* The Endpoint Security client: subscriptions, mutes and filters. Messages that pass them go to the intake. */

#include "tools/esship/config.h"
#include "tools/esship/intake.h"

struct source {
	const struct config *config;
	struct intake *intake;
	es_client_t *client;
	uint64_t next;			/* global_seq_num of the next message; the handler's own */
};

/* EX_OK, or an exit status after the error was logged. */
int source_start(struct source *source, const struct config *config, struct intake *intake);

/* On return, no more messages come. Earlier events have been handled, unless that took too long. */
void source_stop(struct source *source);
