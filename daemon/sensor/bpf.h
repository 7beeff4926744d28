/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The common part of the sensors: the kernel programs of bpf/, the clients' rings and entries, and NOTIFY. The sensors
 * differ in how they make AUTH operations wait (struct esd_hold): tracepoint.c with fanotify, lsm.c with LSM programs;
 * choose.c chooses one. These files, and what they use (programs.h, tracepoints.h, cache.h), are the only users of
 * libbpf.
 *
 * bpf-sensor.c is the sensor itself, as the daemon sees it. Its parts are in files of their own: bpf-load.c opens and loads the
 * programs, bpf-needed.c attaches them, bpf-slot.c makes a client's ring, bpf-mute.c writes mutes, bpf-missed.c counts what
 * was missed, bpf-reports.c runs what makes events in the daemon, bpf-capability.c says what this machine can do, and
 * bpf-take-over.c goes on after another daemon.
 *
 * The programs that follow processes are loaded at the start, which shows at once if the kernel can't run ours. The
 * others are loaded when they are first needed (programs.h). All are attached only while a client needs them: without a
 * client, none of our code runs in the kernel.
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
#include "daemon/sensor/session-report.h"
#include "daemon/sensor/tracepoints.h"
#include "sensor.skel.h"
#include "util/macro.h"

struct esd_bpf;

struct esd_hold {
	enum es_sensor number;

	/* Before the object is loaded: which programs to leave out. */
	void (*choose)(struct esd_bpf *s, const struct btf *btf);

	/* Loads what holding these types needs: as esd_tracepoints_load(). NULL: nothing. */
	int (*load)(struct esd_bpf *s, const uint64_t types[ES_TYPE_WORDS]);

	/* When programs can be loaded. */
	int (*start)(struct esd_bpf *s, const struct esd_sensor_config *config);
	void (*stop)(struct esd_bpf *s);

	/* The gate: client_add() puts it into the slot. let_go() is quick, and clear() ends it; both may find none. */
	int (*client_add)(struct esd_bpf *s, unsigned int slot, pid_t pid);
	void (*client_let_go)(struct esd_bpf *s, unsigned int slot);
	void (*client_clear)(struct esd_bpf *s, unsigned int slot);

	/* Around a change of a client's types: narrow() first removes what isn't needed, then widen() adds what is. */
	int (*narrow)(struct esd_bpf *s, unsigned int slot, const uint64_t types[ES_TYPE_WORDS]);
	int (*widen)(struct esd_bpf *s, unsigned int slot, const uint64_t types[ES_TYPE_WORDS]);

	/* Later, since it may take long, removes what no client needs any more. NULL: nothing is left to remove. */
	void (*trim)(struct esd_bpf *s);

	/* NULL, both: this sensor has no cache of answers. */
	void (*cache_clear)(struct esd_bpf *s);
	void (*cache_info)(struct esd_bpf *s, struct es_cache_info *ret);

	/*
	 * Writes what start() reads if there is `s->kept`; and before that, what says how the object was loaded. NULL,
	 * both: the sensor ends with its daemon.
	 */
	void (*keep_first)(struct esd_bpf *s, struct archive *archive);
	void (*keep)(struct esd_bpf *s, struct archive *archive);

	/* Do these types need the end of system calls watched? NULL: never. */
	bool (*restarts)(const struct esd_bpf *s, const uint64_t types[ES_TYPE_WORDS]);

	/* Of an AUTH type, as far as has been tried; fills in `how`. */
	enum es_capability (*capability)(const struct esd_bpf *s, unsigned int type, char *how, size_t size);
};

struct esd_bpf_slot {
	bool used;
	bool dead;			/* its client is gone, but its entries in maps aren't yet */
	uint32_t pid;			/* the process that counts this client as its own; 0: not yet */
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
	struct esd_reports reports[ES_REPORTERS];
	struct esd_session_reports sessions;
	bool told_of_users;		/* this kernel's auditing takes programs' messages about users */
	struct loop *loop;		/* borrowed */
	struct loop_source reaper;	/* ready while a slot is dead, or unneeded programs may be attached */
	int reaper_fd;
	struct loop_source missed;	/* ready once a second while there are clients */
	int missed_fd;
	uint32_t ring_bytes;
	const char *report_folders[ES_REPORTERS];	/* borrowed, as is this */
	const char *bus;
	unsigned int clients;
	uint64_t mute_generation;	/* the last one given out */
	struct archive *kept;		/* while it starts: from another daemon; NULL: it begins anew */
	struct esd_bpf_slot slots[ES_CLIENTS_MAX];
};

static inline struct esd_bpf *esd_bpf_of(struct esd_sensor *sensor)
{
	return container_of(sensor, struct esd_bpf, base);
}
