/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The daemon's part in the cache of answers (bpf/cache/versions.bpf.h): it loads and attaches the programs that see files change,
 * and says which generation of answers counts. Answers are kept only while all of these programs are attached, which is
 * while somebody is subscribed to a type whose answers are kept. If the kernel refuses one of them, there is no cache.
 *
 * Used by lsm.c.
 */

#include <stdbool.h>

#include "abi/control.h"
#include "abi/sensor.h"
#include "daemon/sensor/programs.h"
#include "sensor.skel.h"

enum { ESD_LSM_CACHE_PROGRAMS = 18 };

struct esd_lsm_cache {
	struct esd_program *programs[ESD_LSM_CACHE_PROGRAMS];	/* borrowed */
	int links[ESD_LSM_CACHE_PROGRAMS];
	bool loaded;
	bool attached;
	bool begun;				/* and so are the hooks that note changes */
	int error;				/* there is no cache: why */
	uint32_t generation;			/* the last one */
	uint64_t cleared;			/* how often, by clients' wish */
	uint64_t joined;			/* and by new clients */
};

void esd_lsm_cache_init(struct esd_lsm_cache *cache, struct esd_programs *programs);

/* Are answers of one of these types kept? Then hooks that note changes are needed, whoever is asked there. */
bool esd_lsm_cache_needed(const struct esd_lsm_cache *cache, const uint64_t types[ES_TYPE_WORDS]);

/* One of those hooks' programs can't be used: there is no cache. */
void esd_lsm_cache_refuse(struct esd_lsm_cache *cache, const struct esd_program *program);

/* If answers of one of these types are kept, what that takes: as esd_tracepoints_load(). Without, there is no cache. */
int esd_lsm_cache_load(struct esd_lsm_cache *cache, const uint64_t types[ES_TYPE_WORDS]);

/* If it is needed: before hooks are attached that ask. Never fails: no cache, then. */
void esd_lsm_cache_attach(struct esd_lsm_cache *cache, struct sensor_bpf *skel);

/* And after them: from now on answers are kept. */
void esd_lsm_cache_begin(struct esd_lsm_cache *cache, struct sensor_bpf *skel);

/* If it isn't needed any more: before these are detached. */
void esd_lsm_cache_trim(struct esd_lsm_cache *cache, struct sensor_bpf *skel);
void esd_lsm_cache_stop(struct esd_lsm_cache *cache, struct sensor_bpf *skel);

/* On return, nothing that was kept before counts any more. */
void esd_lsm_cache_clear(struct esd_lsm_cache *cache, struct sensor_bpf *skel);
void esd_lsm_cache_joined(struct esd_lsm_cache *cache, struct sensor_bpf *skel);

void esd_lsm_cache_info(const struct esd_lsm_cache *cache, const struct sensor_bpf *skel,
			struct es_cache_info *ret);
