/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What the sensors have in common: the kernel programs of bpf/, the clients' rings and entries, and NOTIFY. How AUTH
 * operations are made to wait is what they differ in, struct esd_hold: sensor-tracepoint.c, with fanotify, and
 * sensor-lsm.c, with LSM programs. These files are the only users of libbpf.
 *
 * The programs are loaded at the start, so that a kernel that can't run them is found out then, and attached only while
 * a client needs them: a machine with a daemon and no subscription runs none of our code.
 *
 * `s->skel->bss->control` is mapped memory that the programs read as it changes.
 */

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <stdbool.h>

#include "abi/mute.h"
#include "daemon/sensor.h"
#include "tracepoint.skel.h"

enum { ESD_BPF_PROGRAMS = 16 };		/* at most, in the table of sensor-bpf.c */

struct esd_bpf;

struct esd_hold {
	enum es_sensor number;

	/* Before the programs are loaded: which ones to leave out. */
	void (*choose)(struct esd_bpf *s, const struct btf *btf);

	/* The kernel refused this one. True: choose() will leave it out, try again. */
	bool (*refused)(struct esd_bpf *s, const char *program, int error);

	/* After they are. */
	int (*start)(struct esd_bpf *s, const struct esd_sensor_config *config);
	void (*stop)(struct esd_bpf *s);

	/* The gate: client_add() puts it into the slot. let_go() is quick, and clear() ends it; both may come with none. */
	int (*client_add)(struct esd_bpf *s, unsigned int slot, pid_t pid);
	void (*client_let_go)(struct esd_bpf *s, unsigned int slot);
	void (*client_clear)(struct esd_bpf *s, unsigned int slot);

	/* Around a change of a client's types: what is no longer needed goes first, and what is needed comes after. */
	int (*narrow)(struct esd_bpf *s, unsigned int slot, const uint64_t types[ES_TYPE_WORDS]);
	int (*widen)(struct esd_bpf *s, unsigned int slot, const uint64_t types[ES_TYPE_WORDS]);

	/* NULL, both: this sensor keeps no answers. */
	void (*cache_clear)(struct esd_bpf *s);
	void (*cache_info)(struct esd_bpf *s, struct es_cache_info *ret);

	/* Is something subscribed to that has system calls start over while they wait? NULL: nothing does. */
	bool (*restarts)(const struct esd_bpf *s);

	/* Of an AUTH type; fills in `how`. */
	enum es_capability (*capability)(const struct esd_bpf *s, unsigned int type, char *how, size_t size);
};

struct esd_bpf_slot {
	bool used;
	bool dead;			/* its client is gone, what it had in maps isn't yet */
	uint32_t pid;			/* of the process that counts this client among its own; 0: not yet */
	uint64_t types[ES_TYPE_WORDS];
	struct esd_sensor_slot given;	/* GATE is borrowed from whoever holds, ASK from the skeleton */
	const unsigned long *ring_consumer, *ring_producer;
};

/* The beginning of each such sensor's own struct, which is allocated with calloc(). */
struct esd_bpf {
	struct esd_sensor base;
	const struct esd_hold *hold;
	struct tracepoint_bpf *skel;
	struct bpf_link *links[ESD_BPF_PROGRAMS];
	bool absent[ESD_BPF_PROGRAMS];	/* this kernel has no such tracepoint */
	uint32_t watch;			/* of the ends of calls: the last number given out */
	struct loop *loop;		/* borrowed */
	struct loop_source reaper;	/* ready while a slot is dead */
	int reaper_fd;
	uint32_t ring_bytes;
	unsigned int clients;
	uint64_t mute_generation;	/* the last one given out */
	struct esd_bpf_slot slots[ES_CLIENTS_MAX];
};

/* On failure `s` has been freed. `reason` is shown to people: why this sensor and no better one. */
int esd_bpf_init(struct esd_bpf *s, const struct esd_hold *hold, const struct esd_sensor_config *config,
		 const struct btf *btf, const char *reason);

/* 0; a positive errno: this machine can't, and `why` says so; negative: it should have worked, and was logged. */
int esd_sensor_lsm_new(struct esd_sensor **ret, const struct esd_sensor_config *config, const struct btf *btf,
		       char *why, size_t why_size);

int esd_sensor_tracepoint_new(struct esd_sensor **ret, const struct esd_sensor_config *config, const struct btf *btf,
			      const char *reason);
