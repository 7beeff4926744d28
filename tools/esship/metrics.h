/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Counts for Prometheus, as its text, to whoever connects to a socket: with a GET over HTTP, or without a word. One answer a
 * connection; main()'s thread gives it, and doesn't wait for anybody.
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

/* A socket at metrics->path, in place of one that nobody serves any more. */
int metrics_listen(struct metrics *metrics);
void metrics_serve(struct metrics *metrics);
void metrics_close(struct metrics *metrics);
