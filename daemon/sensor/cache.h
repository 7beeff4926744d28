/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The daemon's part of the cache of answers (bpf/cache/versions.bpf.h). It loads and attaches the programs that see
 * files change, and sets the generation of answers that is valid. Answers are cached only while all these programs are
 * attached, which is while a client is subscribed to a cached type. If the kernel refuses one, there is no cache.
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
	bool begun;				/* answers are cached: the hooks that note changes are attached too */
	int error;				/* why there is no cache; 0: there is one */
	uint32_t generation;			/* the last one */
	uint64_t cleared;			/* how often clients have cleared it */
	uint64_t joined;			/* how often new clients have */
};

void esd_lsm_cache_init(struct esd_lsm_cache *cache, struct esd_programs *programs);

/* Are answers of one of these types cached? Then the hooks that note changes are needed even if they hold nothing. */
bool esd_lsm_cache_needed(const struct esd_lsm_cache *cache, const uint64_t types[ES_TYPE_WORDS]);

/* Call if the program of such a hook can't be used: then there is no cache. */
void esd_lsm_cache_refuse(struct esd_lsm_cache *cache, const struct esd_program *program);

/* Loads the programs that caching these types needs: as esd_tracepoints_load(). If one fails, there is no cache. */
int esd_lsm_cache_load(struct esd_lsm_cache *cache, const uint64_t types[ES_TYPE_WORDS]);

/* Attaches them if needed. Call before hooks that ask are attached. Never fails: at worst there is no cache. */
void esd_lsm_cache_attach(struct esd_lsm_cache *cache, struct sensor_bpf *skel);

/* Begins to cache answers. Call after those hooks are attached. */
void esd_lsm_cache_begin(struct esd_lsm_cache *cache, struct sensor_bpf *skel);

/* Ends the cache if it isn't needed. Call before those hooks are detached. */
void esd_lsm_cache_trim(struct esd_lsm_cache *cache, struct sensor_bpf *skel);
void esd_lsm_cache_stop(struct esd_lsm_cache *cache, struct sensor_bpf *skel);

/* On return, all earlier cached answers are invalid. */
void esd_lsm_cache_clear(struct esd_lsm_cache *cache, struct sensor_bpf *skel);
void esd_lsm_cache_joined(struct esd_lsm_cache *cache, struct sensor_bpf *skel);

struct archive;

/* For another daemon, see keep.h. */
void esd_lsm_cache_keep(struct esd_lsm_cache *cache, struct archive *archive);

void esd_lsm_cache_info(const struct esd_lsm_cache *cache, const struct sensor_bpf *skel,
			struct es_cache_info *ret);
