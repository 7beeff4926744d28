/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A single-threaded event loop over epoll, level triggered.
 *
 * A source is embedded in its owner; the loop borrows it from loop_add() to loop_remove(). The loop takes events from
 * the kernel one at a time. So a callback may free its own source and any other one, and no event for it can be left
 * over. (epoll moves a ready descriptor to the end of its list, so this is fair.)
 */

#include <stdbool.h>
#include <stdint.h>

struct loop {
	int epoll_fd;
	bool stop;
	int result;
	void (*after)(struct loop *loop);	/* called after each callback has returned; NULL: nothing */
};

struct loop_source {
	int fd;				/* borrowed; -1: not in the loop */
	int (*ready)(struct loop_source *source, uint32_t events);	/* negative: the loop ends with this */
};

#define LOOP_SOURCE_NONE { .fd = -1 }

int loop_init(struct loop *loop);
void loop_deinit(struct loop *loop);

int loop_add(struct loop *loop, struct loop_source *source, int fd, uint32_t events,
	     int (*ready)(struct loop_source *source, uint32_t events));
void loop_remove(struct loop *loop, struct loop_source *source);

/* Handles at most one event; waits for it up to timeout_ms (-1: as long as it takes). 1: one was handled; 0: none. */
int loop_step(struct loop *loop, int timeout_ms);

/* Handles events until a callback fails or loop_stop() was called. */
int loop_run(struct loop *loop);
void loop_stop(struct loop *loop, int result);
