/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Counts in Prometheus's text format, for each connection to a socket: after a GET over HTTP, or without a request.
 * There is one answer per connection. main()'s thread sends it, and never waits for a peer.
 */

#include "tools/esship/intake.h"
#include "tools/esship/sender.h"

struct metrics {
	int fd;				/* -1: none */
	const char *path;
	uint64_t spool_bytes_max;
	struct spool *spool;
	struct intake *intake;		/* or NULL */
	struct sender *const *senders;
	size_t sender_count;
};

/* Makes a socket at metrics->path. Replaces one that no process serves any more. */
int metrics_listen(struct metrics *metrics);
void metrics_serve(struct metrics *metrics);
void metrics_close(struct metrics *metrics);
