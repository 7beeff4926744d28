/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The daemon's part of bpf/hold/follow.bpf.h, which says why. It finds out whether another program runs after ours at a
 * hook (a follower), and opens and shuts the gates. A gate is open only while follow_guard is attached.
 *
 * The daemon searches for followers in two ways. follow_look reads the kernel's list of attached programs. The survey
 * goes through all loaded programs for fexit programs, since one that is just being attached isn't in that list yet,
 * and may have passed follow_guard before the daemon checked the gate.
 *
 * Newer kernels (7.3 does) make sure themselves that a task that slept in a program calls no detached one. There the
 * daemon doesn't search, and all gates are open.
 *
 * Used by lsm.c.
 */

#include <stdbool.h>
#include <stdint.h>

#include "abi/mute.h"
#include "abi/sensor.h"
#include "daemon/sensor/programs.h"
#include "sensor.skel.h"
#include "util/loop.h"

struct ring_buffer;

/* A program that is loaded and would run behind ours wherever it is attached. */
struct esd_follower {
	uint32_t hook;			/* the function's number in the kernel's BTF; 0: any */
	uint32_t id;
	char name[ES_FOLLOW_NAME_BYTES];
};

enum { ESD_FOLLOWERS_MAX = 16 };	/* remembered of a survey; if there are more, every hook counts as followed */

struct esd_follow {
	struct sensor_bpf *skel;	/* borrowed, as are the programs and the loop */
	struct esd_program *look, *guard;
	struct loop *loop;
	struct loop_source shut, timer;
	struct ring_buffer *ring;
	int guard_link, timer_fd;
	bool kernel_sees;		/* the kernel prevents calls of detached programs: no guard is needed */
	bool unguarded;			/* the kernel refuses the guard: all gates stay shut */
	uint32_t kernel_btf;		/* its number among BTF objects; 0: not known yet */
	struct esd_follower followers[ESD_FOLLOWERS_MAX];
	unsigned int follower_count;
	void (*again)(struct esd_follow *follow);
};

#define ESD_FOLLOW_NONE { .shut = LOOP_SOURCE_NONE, .timer = LOOP_SOURCE_NONE, .guard_link = -1, .timer_fd = -1 }

/* Does the kernel itself prevent calls of detached programs? */
bool esd_follow_kernel_sees(const struct btf *btf);

/* Calls `again` when the guard has shut a gate, and when the time of esd_follow_later() has come. */
int esd_follow_init(struct esd_follow *follow, struct sensor_bpf *skel, struct esd_programs *programs, struct loop *loop,
		    bool kernel_sees, void (*again)(struct esd_follow *follow));
void esd_follow_deinit(struct esd_follow *follow);

/* Declares that tasks sleep at this hook (its function's number in the kernel's BTF) for these types. */
int esd_follow_hook(struct esd_follow *follow, uint32_t hook, const uint64_t types[ES_TYPE_WORDS]);

/* Loads one program per call. 1: tried one, call again; 0: none is left to try; negative: couldn't load it just now. */
int esd_follow_load(struct esd_follow *follow);

/* Before the first hook is attached where tasks sleep, and after the last one is detached. */
void esd_follow_guard(struct esd_follow *follow);
void esd_follow_unguard(struct esd_follow *follow);

/* Can any gate be opened? */
bool esd_follow_guarded(const struct esd_follow *follow);

/* Lists the loaded programs. Call before esd_follow_state() is called for each hook. Negative: they can't be listed. */
int esd_follow_survey(struct esd_follow *follow);

/* The state of the link's hook. Unless it is ES_FOLLOW_NOTHING, ret->id and ret->name name the follower, if known. */
enum es_follow_state esd_follow_state(struct esd_follow *follow, uint32_t hook, int link, struct es_follow *ret);

/* Opens a gate only if it hasn't been shut since its word was read. Read the word before the survey. */
uint32_t esd_follow_word(const struct esd_follow *follow, unsigned int type);
void esd_follow_open(struct esd_follow *follow, unsigned int type, uint32_t word);
void esd_follow_shut(struct esd_follow *follow, unsigned int type);

void esd_follow_later(struct esd_follow *follow, unsigned int ms);
