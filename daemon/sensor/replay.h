/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A sensor whose events come from a capture. For the daemon and the clients it is like any other: each client has a
 * ring, a gate, an array of held operations, subscriptions and mutes. It needs no kernel programs and no privilege,
 * and runs anywhere.
 *
 *	the ring	memory with the layout of a BPF ring buffer. It never loses a record: if there is no room, the
 *			replay waits for the reader
 *	the gate	a socket pair with the same requests as the lsm sensor's FUSE connection; the waiting thread in
 *			them is the recorded one
 *	order		as in the file, for all clients alike. A record waits only for the answer to an earlier AUTH
 *			record of the same thread, since that thread slept then
 *	time		records come at their recorded intervals, or so many times faster, or as fast as possible. They
 *			keep their recorded times; only deadlines use the machine's clock
 *
 * The replay begins when a client has subscribed and no client has sent a request for a while: then all are set up.
 */

#include <stdbool.h>
#include <stdint.h>

#include "capture/reader.h"
#include "daemon/sensor/sensor.h"

/* The outcome of one AUTH record. */
struct esd_replay_answer {
	const struct es_record *record;	/* only its head is valid */
	uint64_t number;		/* in the file */
	uint64_t took_ns;		/* until the last client had answered */
	uint32_t clients;		/* number of clients asked */
	uint32_t verdict;		/* with _MISSED; ES_VERDICT_NONE: a client left without an answer */
	char path[ES_HELD_PATH_BYTES];	/* the file of the operation */
};

struct esd_replay_stats {
	uint64_t records;		/* read */
	uint64_t delivered;		/* to clients, each counted */
	uint64_t unheard;		/* records that no client wanted */
	uint64_t began_ns;		/* 0: not yet */
	uint64_t ended_ns;
};

struct esd_replay_config {
	struct loop *loop;		/* borrowed, as the reader is */
	struct esc_reader *reader;
	uint32_t ring_bytes;
	double speed;			/* 1: as recorded; 0: as fast as possible */
	uint32_t settle_ms;

	/* Called in the loop. `recorded`: an answer that the file has. */
	void (*answered)(void *owner, const struct esd_replay_answer *answer);
	void (*recorded)(void *owner, const struct esc_answer *answer);

	/* All was delivered, read and answered; or reading failed with this error, and the reader has the reason. */
	void (*ended)(void *owner, int error);
	void *owner;
};

int esd_replay_new(struct esd_sensor **ret, const struct esd_replay_config *config);
void esd_replay_stats(struct esd_sensor *sensor, struct esd_replay_stats *ret);
