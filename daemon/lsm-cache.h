/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The daemon's part in the cache of answers (bpf/cache.bpf.h): it loads and attaches the programs that see files change,
 * and says which generation of answers counts. Answers are kept only while all of these programs are attached, which is
 * while somebody is subscribed to a type whose answers are kept. If the kernel refuses one of them, there is no cache.
 *
 * Used by sensor-lsm.c.
 */

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <stdbool.h>

#include "abi/control.h"
#include "abi/sensor.h"
#include "tracepoint.skel.h"

enum { ESD_LSM_CACHE_PROGRAMS = 18 };

struct esd_lsm_cache {
	struct bpf_link *links[ESD_LSM_CACHE_PROGRAMS];
	bool absent[ESD_LSM_CACHE_PROGRAMS];	/* this kernel has no such hook, and no need for it */
	int error;				/* there is no cache: why */
	uint32_t generation;			/* the last one */
	uint64_t cleared;			/* how often, by clients' wish */
	uint64_t joined;			/* and by new clients */
};

/* Before the programs are loaded. */
void esd_lsm_cache_choose(struct esd_lsm_cache *cache, struct tracepoint_bpf *skel, const struct btf *btf);

/* The kernel refuses this program. True: it is one of the cache's, which has to do without. */
bool esd_lsm_cache_refused(struct esd_lsm_cache *cache, const char *program, int error);

/* Subscriptions have changed: before hooks are attached that ask, after those are detached. Never fails: no cache, then. */
void esd_lsm_cache_update(struct esd_lsm_cache *cache, struct tracepoint_bpf *skel);
void esd_lsm_cache_stop(struct esd_lsm_cache *cache);

/* On return, nothing that was kept before counts any more. */
void esd_lsm_cache_clear(struct esd_lsm_cache *cache, struct tracepoint_bpf *skel);
void esd_lsm_cache_joined(struct esd_lsm_cache *cache, struct tracepoint_bpf *skel);

void esd_lsm_cache_info(const struct esd_lsm_cache *cache, const struct tracepoint_bpf *skel,
			struct es_cache_info *ret);
