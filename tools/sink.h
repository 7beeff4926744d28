/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Takes lines from one thread and writes them on another. The thread that makes them waits only when the reader is 8
 * MiB behind. A line is written 5 ms after it was made, or as soon as there are 64 KiB.
 *
 *	struct json *json = sink_begin(sink);
 *	if (json) {
 *		... append one line ...
 *		sink_end(sink);
 *	}
 */

#include <stdbool.h>
#include <stddef.h>

#include "tools/json.h"

struct sink;

/* Writes whole lines. 0 or negative errno; -EPIPE: the reader has gone. Runs on the sink's thread. */
typedef int (*sink_write_t)(void *context, const char *lines, size_t length);

/* event_fd, which is borrowed, becomes readable when writing has failed. */
int sink_new(struct sink **ret_sink, sink_write_t write, void *context, int event_fd);

/* Writes what is left unless writing has failed, and frees the sink. Returns why writing failed, or 0. */
int sink_free(struct sink *sink);

/* The buffer to append a line to; waits for room. NULL: the reader is gone, or the sink is closed. */
struct json *sink_begin(struct sink *sink);
void sink_end(struct sink *sink);

/* For the end: from now on sink_begin() returns NULL, also to a thread that waits in it. */
void sink_close(struct sink *sink);
