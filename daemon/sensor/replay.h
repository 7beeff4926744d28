/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A sensor whose events are those of a capture. To daemon and clients it is one as any: a ring for each client, a gate, an
 * array of held operations, subscriptions and mutes. It needs no kernel and no privilege, and it may run anywhere.
 *
 *	the ring	memory with the layout of a BPF ring buffer. Nothing is ever lost in it: where there is no room the
 *			replay waits for the reader
 *	the gate	a socket pair that carries the requests of the lsm sensor's FUSE connection; the thread that waits is the
 *			recorded one
 *	order		that of the file, for all clients alike. A record waits for the answer to an earlier AUTH record of the
 *			same thread, which slept then, and no longer
 *	time		a record comes when it came in the recording, or so many times faster, or as soon as can be. It keeps its
 *			time; only deadlines are those of the machine's clock
 *
 * It begins when a client has subscribed and no client has asked for anything for a while: then they are set up.
 */

#include <stdbool.h>
#include <stdint.h>

#include "capture/reader.h"
#include "daemon/sensor/sensor.h"

/* What became of one AUTH record. */
struct esd_replay_answer {
	const struct es_record *record;	/* only its head is there */
	uint64_t number;		/* in the file */
	uint64_t took_ns;		/* until the last client had answered */
	uint32_t clients;		/* that were asked */
	uint32_t verdict;		/* ES_VERDICT_NONE: a client went without an answer; and _MISSED */
	char path[ES_HELD_PATH_BYTES];	/* what it was about */
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
	double speed;			/* 1: as it was; 0: as fast as can be */
	uint32_t settle_ms;

	/* Called in the loop. `recorded`: an answer that the file has. */
	void (*answered)(void *owner, const struct esd_replay_answer *answer);
	void (*recorded)(void *owner, const struct esc_answer *answer);

	/* All was delivered, read and answered; or reading failed with this error, and the reader says why. */
	void (*ended)(void *owner, int error);
	void *owner;
};

int esd_replay_new(struct esd_sensor **ret, const struct esd_replay_config *config);
void esd_replay_stats(struct esd_sensor *sensor, struct esd_replay_stats *ret);
