/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The programs on tracepoints: which ones a type of event needs, and when they are loaded and attached. Those that follow
 * processes are loaded at the start, and attached while there is a client; the others are loaded when a type that needs
 * them is first wanted, and attached while somebody is subscribed to one.
 *
 * System calls pass two programs, one at each end, which go on in one for the call's kind by tail call; the arrays for
 * that are filled here.
 *
 * Used by bpf.c.
 */

#include <stdbool.h>
#include <stdint.h>

#include "abi/mute.h"
#include "abi/sensor.h"
#include "daemon/sensor/programs.h"
#include "sensor.skel.h"

enum { ESD_TRACEPOINTS = 16 };		/* at most, in the table */

struct esd_tracepoints {
	struct sensor_bpf *skel;	/* borrowed, as are the programs */
	struct esd_program *programs[ESD_TRACEPOINTS];
	struct esd_program *enters[ES_KIND_COUNT], *exits[ES_KIND_COUNT];	/* NULL: it needn't be seen there */
	int links[ESD_TRACEPOINTS];
	bool filled[ES_KIND_COUNT];	/* this kind has its place in the arrays */
	uint32_t watch;			/* of the ends of calls: the last number given out */
};

/* What programs are needed for. */
struct esd_want {
	bool clients;			/* there are some */
	bool restarts;			/* calls may start over while they wait */
	uint64_t types[ES_TYPE_WORDS];
};

void esd_tracepoints_init(struct esd_tracepoints *tracepoints, struct sensor_bpf *skel,
			  struct esd_programs *programs);

/*
 * Loads what `want` takes, one program a call: 1: that was one, and there may be more; 0: all that can be loaded is;
 * negative: as esd_program_load().
 */
int esd_tracepoints_load(struct esd_tracepoints *tracepoints, const struct esd_want *want);

/* As far as has been tried: why it can't be had, in `how`, -ENOENT if the kernel has no such tracepoint; 0: no reason. */
int esd_tracepoints_refuse(struct esd_tracepoints *tracepoints, const struct esd_want *want, char *how, size_t size);

/* What has been loaded; when the first one of a kind is attached, and the last one detached. */
int esd_tracepoints_attach(struct esd_tracepoints *tracepoints, const struct esd_want *want);
void esd_tracepoints_detach(struct esd_tracepoints *tracepoints, const struct esd_want *want);

/* How often a program was not run, see programs.h. */
uint64_t esd_tracepoints_missed(const struct esd_tracepoints *tracepoints);

/* The same since the last look, of those that tell one type: of others it isn't known what they would have told. */
void esd_tracepoints_missed_since(struct esd_tracepoints *tracepoints,
				  void (*missed)(void *owner, unsigned int type, uint64_t count), void *owner);
