/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What the sensors have in common: the kernel programs of bpf/, the clients' rings and entries, and NOTIFY. How AUTH
 * operations are made to wait is what they differ in, struct esd_hold: tracepoint.c, with fanotify, and lsm.c, with
 * LSM programs; choose.c chooses one. These files, and what they use (programs.h, tracepoints.h, cache.h), are the only
 * users of libbpf.
 *
 * Loaded at the start are the programs that follow processes, so that a kernel that can't run ours is found out then; all
 * others when they are first needed (programs.h). They are attached only while a client needs them: a machine with a
 * daemon and no subscription runs none of our code.
 *
 * `s->skel->bss->control` is mapped memory that the programs read as it changes.
 */

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <stdbool.h>

#include "abi/mute.h"
#include "daemon/sensor/accounts.h"
#include "daemon/sensor/objects.h"
#include "daemon/sensor/programs.h"
#include "daemon/sensor/report.h"
#include "daemon/sensor/sensor.h"
#include "daemon/sensor/tracepoints.h"
#include "sensor.skel.h"

struct esd_bpf;

struct esd_hold {
	enum es_sensor number;

	/* Before the object is loaded: which programs to leave out. */
	void (*choose)(struct esd_bpf *s, const struct btf *btf);

	/* What holding these types takes: as esd_tracepoints_load(). NULL: nothing. */
	int (*load)(struct esd_bpf *s, const uint64_t types[ES_TYPE_WORDS]);

	/* When programs can be loaded. */
	int (*start)(struct esd_bpf *s, const struct esd_sensor_config *config);
	void (*stop)(struct esd_bpf *s);

	/* The gate: client_add() puts it into the slot. let_go() is quick, and clear() ends it; both may come with none. */
	int (*client_add)(struct esd_bpf *s, unsigned int slot, pid_t pid);
	void (*client_let_go)(struct esd_bpf *s, unsigned int slot);
	void (*client_clear)(struct esd_bpf *s, unsigned int slot);

	/* Around a change of a client's types: what is no longer needed goes first, and what is needed comes after. */
	int (*narrow)(struct esd_bpf *s, unsigned int slot, const uint64_t types[ES_TYPE_WORDS]);
	int (*widen)(struct esd_bpf *s, unsigned int slot, const uint64_t types[ES_TYPE_WORDS]);

	/* Takes away what no client needs any more, which may take long: later. NULL: widen() has done so. */
	void (*trim)(struct esd_bpf *s);

	/* NULL, both: this sensor keeps no answers. */
	void (*cache_clear)(struct esd_bpf *s);
	void (*cache_info)(struct esd_bpf *s, struct es_cache_info *ret);

	/* Is the end of system calls to be watched, with these types? NULL: never. */
	bool (*restarts)(const struct esd_bpf *s, const uint64_t types[ES_TYPE_WORDS]);

	/* Of an AUTH type, as far as has been tried; fills in `how`. */
	enum es_capability (*capability)(const struct esd_bpf *s, unsigned int type, char *how, size_t size);
};

struct esd_bpf_slot {
	bool used;
	bool dead;			/* its client is gone, what it had in maps isn't yet */
	uint32_t pid;			/* of the process that counts this client among its own; 0: not yet */
	uint64_t types[ES_TYPE_WORDS];
	struct esd_sensor_slot given;	/* RING and HELD are its own, the others borrowed */
	const unsigned long *ring_consumer, *ring_producer;
};

/* The beginning of each such sensor's own struct, which is allocated with calloc(). */
struct esd_bpf {
	struct esd_sensor base;
	const struct esd_hold *hold;
	struct sensor_bpf *skel;
	struct esd_programs programs;
	struct esd_tracepoints tracepoints;
	struct esd_objects objects;
	struct esd_accounts accounts;
	struct esd_reports reports;
	bool told_of_users;		/* programs can tell this kernel's auditing of them */
	struct loop *loop;		/* borrowed */
	struct loop_source reaper;	/* ready while a slot is dead, or programs may be attached that nobody needs */
	int reaper_fd;
	struct loop_source missed;	/* ready once a second while there are clients */
	int missed_fd;
	uint32_t ring_bytes;
	const char *accounts_folder;	/* borrowed */
	unsigned int clients;
	uint64_t mute_generation;	/* the last one given out */
	struct esd_bpf_slot slots[ES_CLIENTS_MAX];
};

/* When the answer of restarts() has become another. */
void esd_bpf_refresh(struct esd_bpf *s);

/* On failure `s` has been freed. `reason` is shown to people: why this sensor and no better one. */
int esd_bpf_init(struct esd_bpf *s, const struct esd_hold *hold, const struct esd_sensor_config *config,
		 const struct btf *btf, const char *reason);
