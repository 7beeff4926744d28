/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What a daemon needs to go on where another one has ended, in memory that it shares with its keeper (daemon/keeper.h). The
 * daemon writes all of it anew after each change: into that one of two areas that isn't in force, and then puts this one
 * in force. So it may be killed at any moment.
 *
 * All descriptors that this speaks of are in the table that both share, and stay open when the daemon dies.
 */

#include <stdbool.h>
#include <stdint.h>

#include "daemon/sensor/keep.h"

struct esd_daemon;
struct esd_listen;
struct esd_state;

/* A descriptor, for esd_state_map(). Negative errno. */
int esd_state_new(void);

/* NULL: it can't be mapped. */
struct esd_state *esd_state_map(int fd);

/* From now on the daemon's changes are written. Call when it serves. Does nothing if its sensor can't be kept. */
void esd_state_begin(struct esd_state *state, struct esd_daemon *daemon, struct esd_listen *listen);

/* Nothing is to be gone on with: the daemon ends because it has to. */
void esd_state_end(struct esd_state *state);

/* The descriptors that the next daemon needs, as in util/archive.h; NULL: there is nothing to go on with. */
const uint64_t *esd_state_fds(const struct esd_state *state);

/* Counts a daemon's death; false: they are too many in too short a time. */
bool esd_state_may_go_on(struct esd_state *state, uint64_t now_ns);

/* The stamp of the daemon that wrote it. */
const uint8_t *esd_state_stamp(const struct esd_state *state);

/*
 * What was written, for a daemon that begins: the descriptors of the socket, what the sensor kept, which goes into its
 * configuration, and at last the clients. In this order. Negative errno: that can't be.
 */
int esd_state_open(struct esd_state *state, struct esd_daemon *daemon, struct esd_listen *listen, struct archive *ret);
int esd_state_clients(struct esd_state *state, struct esd_daemon *daemon, struct archive *archive);
