/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The programs on tracepoints: which ones an event type needs, and when they are loaded and attached. Those that follow
 * processes are loaded at the start, and attached while there is a client. The others are loaded when a client first
 * wants a type that needs them, and attached while a client is subscribed to one.
 *
 * Each system call runs two programs, one at its entry and one at its exit. They make a tail call to a program for the
 * call's kind; this file fills the arrays of those.
 *
 * Used by bpf-sensor.c and its parts (bpf.h).
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
	struct esd_program *enters[ES_KIND_COUNT], *exits[ES_KIND_COUNT];	/* NULL: none is needed there */
	int links[ESD_TRACEPOINTS];
	bool filled[ES_KIND_COUNT];	/* this kind's programs are in the arrays */
	uint32_t watch;			/* of the ends of calls: the last number given out */
};

/* Determines the programs that are needed. */
struct esd_want {
	bool clients;			/* there is at least one */
	bool restarts;			/* calls may start over while they wait */
	uint64_t types[ES_TYPE_WORDS];
};

void esd_tracepoints_init(struct esd_tracepoints *tracepoints, struct sensor_bpf *skel,
			  struct esd_programs *programs);

/*
 * Loads the programs that `want` needs, one per call. 1: call again; 0: all that can be loaded are; negative: as
 * esd_program_load().
 */
int esd_tracepoints_load(struct esd_tracepoints *tracepoints, const struct esd_want *want);

/* 0: nothing tried so far rules `want` out. Else `how` says why not; -ENOENT: the kernel has no such tracepoint. */
int esd_tracepoints_refuse(struct esd_tracepoints *tracepoints, const struct esd_want *want, char *how, size_t size);

/* _attach() attaches loaded programs that `want` needs; _detach() detaches those that it doesn't. */
int esd_tracepoints_attach(struct esd_tracepoints *tracepoints, const struct esd_want *want);
void esd_tracepoints_detach(struct esd_tracepoints *tracepoints, const struct esd_want *want);

/* How often a program was not run, see programs.h. */
uint64_t esd_tracepoints_missed(const struct esd_tracepoints *tracepoints);

/* The same since the last call. Only for programs that report one type: others don't show which type was missed. */
void esd_tracepoints_missed_since(struct esd_tracepoints *tracepoints,
				  void (*missed)(void *owner, unsigned int type, uint64_t count), void *owner);
