/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The daemon's part in bpf/hold/follow.bpf.h, which says why: it finds out what follows our program at a hook, and opens
 * and shuts the gates. A gate is open only while follow_guard is attached.
 *
 * What follows is looked for in two ways. follow_look reads the kernel's list of what is attached. And every program that
 * is loaded is gone through, for fexit programs: one that somebody is just attaching isn't in that list yet, and has
 * passed follow_guard perhaps before the gate was looked at.
 *
 * Newer kernels (7.3 does) see to it themselves that code which a task sleeps in calls no program that was detached. There
 * nothing is looked for, and all gates are open.
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

enum { ESD_FOLLOWERS_MAX = 16 };	/* remembered of a look; those beyond count for every hook */

struct esd_follow {
	struct sensor_bpf *skel;	/* borrowed, as are the programs and the loop */
	struct esd_program *look, *guard;
	struct loop *loop;
	struct loop_source shut, timer;
	struct ring_buffer *ring;
	int guard_link, timer_fd;
	bool kernel_sees;		/* the kernel sees to it: there is no guard */
	bool unguarded;			/* the kernel refuses the guard: all gates stay shut */
	uint32_t kernel_btf;		/* its number among BTF objects; 0: not known yet */
	struct esd_follower followers[ESD_FOLLOWERS_MAX];
	unsigned int follower_count;
	void (*again)(struct esd_follow *follow);
};

#define ESD_FOLLOW_NONE { .shut = LOOP_SOURCE_NONE, .timer = LOOP_SOURCE_NONE, .guard_link = -1, .timer_fd = -1 }

/* Does the kernel see to it? */
bool esd_follow_kernel_sees(const struct btf *btf);

/* `again` is called when a gate was shut by the guard, and when the time of esd_follow_later() has come. */
int esd_follow_init(struct esd_follow *follow, struct sensor_bpf *skel, struct esd_programs *programs, struct loop *loop,
		    bool kernel_sees, void (*again)(struct esd_follow *follow));
void esd_follow_deinit(struct esd_follow *follow);

/* At this hook, a function by its number in the kernel's BTF, tasks sleep that are asked about these types. */
int esd_follow_hook(struct esd_follow *follow, uint32_t hook, const uint64_t types[ES_TYPE_WORDS]);

/* One program a call: 1: that was one; 0: what the two others take is loaded, or can't be; negative: not just now. */
int esd_follow_load(struct esd_follow *follow);

/* Before the first hook is attached where tasks sleep, and after the last one is detached. */
void esd_follow_guard(struct esd_follow *follow);
void esd_follow_unguard(struct esd_follow *follow);

/* Can any gate be opened? */
bool esd_follow_guarded(const struct esd_follow *follow);

/* Takes down what is loaded: before esd_follow_state() is asked of each hook. Negative: it can't be found out. */
int esd_follow_survey(struct esd_follow *follow);

/* Of the hook that the link is of. Anything but ES_FOLLOW_NOTHING: ret->id and ret->name say what, if that is known. */
enum es_follow_state esd_follow_state(struct esd_follow *follow, uint32_t hook, int link, struct es_follow *ret);

/*
 * A gate is opened only if it hasn't been shut since its word was read, which is before the survey.
 */
uint32_t esd_follow_word(const struct esd_follow *follow, unsigned int type);
void esd_follow_open(struct esd_follow *follow, unsigned int type, uint32_t word);
void esd_follow_shut(struct esd_follow *follow, unsigned int type);

void esd_follow_later(struct esd_follow *follow, unsigned int ms);
