/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * esship's own lines, among the events and numbered with them. With them, a reader can prove that nothing is missing.
 *
 *	started		the first line of a client; names the previous one
 *	lost		the kernel's ring was full: the number of messages lost before the next one
 *	dropped		numbers that will not come, by name, and why
 *	ended		the last line of a client that ended properly
 */

#include "tools/esship/ledger.h"
#include "tools/event-format.h"
#include "tools/json.h"

enum control_kind { CONTROL_STARTED, CONTROL_LOST, CONTROL_DROPPED, CONTROL_ENDED };

struct control {
	enum control_kind kind;
	const char *why;		/* dropped */
	const char *client;		/* dropped: the one with these numbers; started: the previous one. Empty: none */
	uint64_t count;			/* lost */
	uint64_t last;			/* started: that client's last number in the spool */
	bool ended;			/* started: that client ended properly */
	const struct ledger_counts *counts;	/* dropped */
};

/* Appends a line in this format: "json", "ecs" or "ocsf". host->number is the line's number. */
void control_line(struct json *json, const char *format, const struct event_host *host, const struct control *control);
