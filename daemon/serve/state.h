/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The state that a daemon needs to take over from another one, in memory that it shares with its keeper (daemon/keeper.h).
 * After each change the daemon writes the whole state into the spare one of two areas, and then makes that the valid one.
 * So it may be killed at any moment.
 *
 * The descriptors in the state are in the table that daemon and keeper share, so they stay open when the daemon dies.
 */

#include <stdbool.h>
#include <stdint.h>

#include "daemon/sensor/keep.h"

struct esd_daemon;
struct esd_listen;
struct esd_state;

/* Makes the memory: a descriptor for esd_state_map(), or negative errno. */
int esd_state_new(void);

/* NULL: it can't be mapped. */
struct esd_state *esd_state_map(int fd);

/* From now on writes the daemon's changes. Call when it serves. Does nothing if its sensor can't be taken over. */
void esd_state_begin(struct esd_state *state, struct esd_daemon *daemon, struct esd_listen *listen);

/* Makes the state invalid, so that no other daemon takes over: this one ends on purpose. */
void esd_state_end(struct esd_state *state);

/* The descriptors that the next daemon needs, as in util/archive.h; NULL: there is no valid state. */
const uint64_t *esd_state_fds(const struct esd_state *state);

/* Counts a daemon's death; false: too many in too short a time. */
bool esd_state_may_go_on(struct esd_state *state, uint64_t now_ns);

/* The stamp of the daemon that wrote the state. */
const uint8_t *esd_state_stamp(const struct esd_state *state);

/*
 * Read the state, when a daemon starts. First esd_state_open(): the socket's descriptors; *ret then has the sensor's part,
 * which goes into its configuration. Last esd_state_clients(). Negative errno: the state can't be taken over.
 */
int esd_state_open(struct esd_state *state, struct esd_daemon *daemon, struct esd_listen *listen, struct archive *ret);
int esd_state_clients(struct esd_state *state, struct esd_daemon *daemon, struct archive *archive);
