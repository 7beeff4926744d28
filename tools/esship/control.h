/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Lines of esship's own, among the events and numbered with them: what a reader has to know to prove that nothing is missing.
 *
 *	started		the first line of a client; which one was before
 *	lost		the kernel's ring was full: so many messages, before the one that follows
 *	dropped		numbers that don't come, by name, and why
 *	ended		the last line: the client came to its end
 */

#include "tools/esship/ledger.h"
#include "tools/event-format.h"
#include "tools/json.h"

enum control_kind { CONTROL_STARTED, CONTROL_LOST, CONTROL_DROPPED, CONTROL_ENDED };

struct control {
	enum control_kind kind;
	const char *why;		/* dropped */
	const char *client;		/* dropped: whose numbers; started: who was before. Empty: nobody */
	uint64_t count;			/* lost */
	uint64_t last;			/* started: the last number of that client that is in the spool */
	bool ended;			/* started: that client had come to its end */
	const struct ledger_counts *counts;	/* dropped */
};

/* Appends a line in this format: "json", "ecs" or "ocsf". host->number is its own. */
void control_line(struct json *json, const char *format, const struct event_host *host, const struct control *control);
