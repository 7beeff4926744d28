/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The programs that see the kernel's own objects (bpf/notify/object.bpf.h), and the NOTIFY types that they report. The
 * daemon tries each type when a client first wants it: its programs must load, attach, and see each of its operations
 * once, which the daemon does in a private tmpfs. If they don't, the programs on system calls report the type
 * (tracepoints.h).
 *
 * The kernel takes some 0.1 s to detach a program. So attached programs stay while there are clients. While no client
 * wants its types, a program only checks that and returns.
 *
 * Used by bpf-sensor.c and its parts (bpf.h).
 */

#include <stdbool.h>
#include <stdint.h>

#include "abi/mute.h"
#include "abi/sensor.h"
#include "daemon/sensor/programs.h"
#include "sensor.skel.h"

enum { ESD_OBJECT_ROWS = 96 };		/* at most, in the table */

enum esd_object_state {
	ESD_OBJECT_UNTRIED,
	ESD_OBJECT_USED,
	ESD_OBJECT_NOT,			/* it is not; why[type] has the reason */
};

struct esd_objects {
	struct sensor_bpf *skel;	/* borrowed, as are the programs */
	struct esd_program *hooks[ESD_OBJECT_ROWS];	/* on LSM hooks; NULL: none */
	struct esd_program *functions[ESD_OBJECT_ROWS];	/* on functions: used if the one on a hook can't be */
	int links[ESD_OBJECT_ROWS];
	int refused;			/* 0, or why this kernel refuses all such programs */
	uint8_t state[ES_EVENT_TYPES];
	char why[ES_EVENT_TYPES][96];
};

void esd_objects_init(struct esd_objects *objects, struct sensor_bpf *skel, struct esd_programs *programs);
void esd_objects_deinit(struct esd_objects *objects);

/*
 * Finds out which of these types the object programs report, one step per call. 1: call again; 0: all are known;
 * negative errno: it failed, for want of memory or the like, and was logged.
 */
int esd_objects_load(struct esd_objects *objects, const uint64_t types[ES_TYPE_WORDS]);

/* Removes from a set the types that the object programs report. */
void esd_objects_subtract(const struct esd_objects *objects, uint64_t types[ES_TYPE_WORDS]);

/* Says in `how` which programs report the type. False: no object programs do, or it isn't known yet. */
bool esd_objects_tell(const struct esd_objects *objects, unsigned int type, char *how, size_t size);

/* Attaches the programs that these types need. */
int esd_objects_attach(struct esd_objects *objects, const uint64_t types[ES_TYPE_WORDS]);

/* Detaches one program; false: there is none. */
bool esd_objects_detach_one(struct esd_objects *objects);

/* How often a program was not run, see programs.h. */
uint64_t esd_objects_missed(const struct esd_objects *objects);

/* Calls `missed` for each program that was not run since the last call, with a wanted type that it reports. */
typedef void esd_missed_f(void *owner, unsigned int type, uint64_t count);
void esd_objects_missed_since(struct esd_objects *objects, esd_missed_f *missed, void *owner);
