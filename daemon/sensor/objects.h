/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The programs that see what the kernel itself acts on (bpf/notify/object.bpf.h), and which NOTIFY types are told by them.
 * That is found out by trying, for each type when it is first wanted: its programs load, attach, and see what the daemon
 * does in a tmpfs of its own, each thing once. Else the type is told by the programs on system calls (tracepoints.h).
 *
 * Detaching one takes the kernel some 0.1 s. So what was attached stays while there are clients; what nobody wants does
 * nothing but look whether somebody does.
 *
 * Used by bpf.c.
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
	ESD_OBJECT_NOT,			/* it is not: why[type] */
};

struct esd_objects {
	struct sensor_bpf *skel;	/* borrowed, as are the programs */
	struct esd_program *hooks[ESD_OBJECT_ROWS];	/* on LSM hooks: NULL, there is none */
	struct esd_program *functions[ESD_OBJECT_ROWS];	/* on functions: what is used if the one before can't be */
	int links[ESD_OBJECT_ROWS];
	int refused;			/* 0, or why this kernel takes no such program at all */
	uint8_t state[ES_EVENT_TYPES];
	char why[ES_EVENT_TYPES][96];
};

void esd_objects_init(struct esd_objects *objects, struct sensor_bpf *skel, struct esd_programs *programs);
void esd_objects_deinit(struct esd_objects *objects);

/*
 * Finds out which of these types are told by objects, one step a call: 1: that was one, and there may be more; 0: it is
 * known of all; negative errno: it failed, for want of memory or the like, and was logged.
 */
int esd_objects_load(struct esd_objects *objects, const uint64_t types[ES_TYPE_WORDS]);

/* Takes out of a set what is told by objects. */
void esd_objects_subtract(const struct esd_objects *objects, uint64_t types[ES_TYPE_WORDS]);

/* How the type is told, in `how`; false: not by objects, or it isn't known yet. */
bool esd_objects_tell(const struct esd_objects *objects, unsigned int type, char *how, size_t size);

/* What these types need and isn't attached. */
int esd_objects_attach(struct esd_objects *objects, const uint64_t types[ES_TYPE_WORDS]);

/* Detaches one program; false: there is none. */
bool esd_objects_detach_one(struct esd_objects *objects);

/* How often a program was not run, see programs.h. */
uint64_t esd_objects_missed(const struct esd_objects *objects);

/* The same since the last look, for each program that was, with a type that it is for and that somebody wants. */
typedef void esd_missed_f(void *owner, unsigned int type, uint64_t count);
void esd_objects_missed_since(struct esd_objects *objects, esd_missed_f *missed, void *owner);
