/* SPDX-License-Identifier: MIT */
#include "daemon/lsm-cache.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "daemon/event.h"
#include "daemon/select.h"
#include "util/log.h"
#include "util/macro.h"

/* Without those that not every kernel has nothing can be missed there: their changes pass at another hook then. */
static const struct program {
	size_t offset;			/* of its struct bpf_program * in the skeleton */
	const char *hook;
	bool optional;
} programs[] = {
#define PROGRAM(hook, ...) { offsetof(struct tracepoint_bpf, progs.cache_##hook), #hook, __VA_ARGS__ }
	PROGRAM(inode_free_security, false),
	PROGRAM(file_open, false),
	PROGRAM(inode_setattr, false),
	PROGRAM(inode_setxattr, false),
	PROGRAM(inode_removexattr, false),
	PROGRAM(inode_set_acl, true),
	PROGRAM(inode_remove_acl, true),
	PROGRAM(inode_create, false),
	PROGRAM(inode_mkdir, false),
	PROGRAM(inode_mknod, false),
	PROGRAM(inode_symlink, false),
	PROGRAM(inode_link, false),
	PROGRAM(inode_unlink, false),
	PROGRAM(inode_rmdir, false),
	PROGRAM(inode_rename, false),
	PROGRAM(file_ioctl, false),
	PROGRAM(file_ioctl_compat, true),
#undef PROGRAM
};

_Static_assert(ARRAY_SIZE(programs) <= ESD_LSM_CACHE_PROGRAMS, "struct esd_lsm_cache has room for them");

/*
 * While somebody is subscribed to one of these, the programs are attached: before the hooks that ask, as the kernel runs
 * what was attached last first, and what is denied there is no change. That is why clone, which shares its hook with
 * setflags, is among them.
 */
static const uint8_t kept_types[] = {
#define KEPT_TYPE(name) ESD_##name,
	ES_CACHE_TYPES(KEPT_TYPE)
#undef KEPT_TYPE
	ESD_AUTH_CLONE,
};

static struct bpf_program *program_of(const struct tracepoint_bpf *skel, size_t index)
{
	return *(struct bpf_program *const *)((const char *)skel + programs[index].offset);
}

static const struct btf_type *hook_type(const struct btf *btf, const char *hook)
{
	char function[64];
	int id;

	snprintf(function, sizeof(function), "bpf_lsm_%s", hook);
	id = btf__find_by_name_kind(btf, function, BTF_KIND_FUNC);
	return id < 0 ? NULL : btf__type_by_id(btf, btf__type_by_id(btf, id)->type);
}

void esd_lsm_cache_choose(struct esd_lsm_cache *cache, struct tracepoint_bpf *skel, const struct btf *btf)
{
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
		cache->absent[i] = !hook_type(btf, programs[i].hook);
		if (cache->absent[i] && !programs[i].optional)
			cache->error = -ENOENT;
	}
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++)
		bpf_program__set_autoload(program_of(skel, i), !cache->error && !cache->absent[i]);
}

bool esd_lsm_cache_refused(struct esd_lsm_cache *cache, const char *program, int error)
{
	if (cache->error || strncmp(program, "cache_", strlen("cache_")) != 0)
		return false;
	log_warning("the kernel refuses the program %s (%s): answers are not kept, each operation is asked about",
		    program, strerror(-error));
	cache->error = error;
	return true;
}

static bool cache_needed(const struct tracepoint_bpf *skel)
{
	for (size_t i = 0; i < ARRAY_SIZE(kept_types); i++)
		if (esd_select_any_type(&skel->bss->control, kept_types[i]))
			return true;
	return false;
}

static void set_generation(struct tracepoint_bpf *skel, uint32_t generation)
{
	__atomic_store_n(&skel->bss->control.cache_generation, generation, __ATOMIC_SEQ_CST);
}

static void generation_begin(struct esd_lsm_cache *cache, struct tracepoint_bpf *skel)
{
	if (!++cache->generation)
		cache->generation = 1;
	set_generation(skel, cache->generation);
}

static bool cache_attached(const struct esd_lsm_cache *cache)
{
	return cache->links[0];
}

static int attach_all(struct esd_lsm_cache *cache, const struct tracepoint_bpf *skel)
{
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
		if (cache->absent[i])
			continue;
		cache->links[i] = bpf_program__attach(program_of(skel, i));
		if (!cache->links[i]) {
			int r = -errno;

			log_warning("can't attach to the LSM hook %s (%s): answers are not kept", programs[i].hook,
				    strerror(-r));
			return r;
		}
	}
	return 0;
}

void esd_lsm_cache_stop(struct esd_lsm_cache *cache)
{
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
		bpf_link__destroy(cache->links[i]);
		cache->links[i] = NULL;
	}
}

void esd_lsm_cache_update(struct esd_lsm_cache *cache, struct tracepoint_bpf *skel)
{
	bool needed = !cache->error && cache_needed(skel);

	if (needed == cache_attached(cache))
		return;
	set_generation(skel, 0);
	if (needed)
		cache->error = attach_all(cache, skel);
	if (needed && !cache->error)
		generation_begin(cache, skel);
	else
		esd_lsm_cache_stop(cache);
}

void esd_lsm_cache_clear(struct esd_lsm_cache *cache, struct tracepoint_bpf *skel)
{
	cache->cleared++;
	if (cache_attached(cache))
		generation_begin(cache, skel);
}

void esd_lsm_cache_joined(struct esd_lsm_cache *cache, struct tracepoint_bpf *skel)
{
	cache->joined++;
	if (cache_attached(cache))
		generation_begin(cache, skel);
}

/* ---- telling ---- */

/* Some may have been ended by a change of a file, which nothing tells until their place is used anew. */
static uint64_t count_entries(const struct tracepoint_bpf *skel)
{
	uint32_t generation = skel->bss->control.cache_generation;
	size_t bytes = ES_CACHE_SETS * sizeof(struct es_cache_set);
	const struct es_cache_set *sets;
	uint64_t entries = 0;

	if (!generation)
		return 0;
	sets = mmap(NULL, bytes, PROT_READ, MAP_SHARED, bpf_map__fd(skel->maps.cache), 0);
	if (sets == MAP_FAILED)
		return 0;
	for (size_t set = 0; set < ES_CACHE_SETS; set++)
		for (size_t way = 0; way < ES_CACHE_WAYS; way++)
			entries += __atomic_load_n(&sets[set].slots[way].generation, __ATOMIC_RELAXED) == generation;
	munmap((void *)sets, bytes);
	return entries;
}

static void read_counts(const struct tracepoint_bpf *skel, uint64_t counts[ES_CACHE_COUNT_MAX])
{
	int cpus = libbpf_num_possible_cpus();
	_cleanup_free_ struct es_cache_counts *each = cpus > 0 ? calloc(cpus, sizeof(*each)) : NULL;

	if (!each || bpf_map_lookup_elem(bpf_map__fd(skel->maps.cache_counts), &(uint32_t){ 0 }, each) < 0)
		return;
	for (int cpu = 0; cpu < cpus; cpu++)
		for (size_t i = 0; i < ES_CACHE_COUNT_MAX; i++)
			counts[i] += each[cpu].count[i];
}

void esd_lsm_cache_info(const struct esd_lsm_cache *cache, const struct tracepoint_bpf *skel,
			struct es_cache_info *ret)
{
	ret->room = ES_CACHE_SETS * ES_CACHE_WAYS;
	ret->cleared = cache->cleared;
	ret->joined = cache->joined;
	ret->entries = count_entries(skel);
	read_counts(skel, ret->counts);
	if (cache->error)
		snprintf(ret->how, sizeof(ret->how), "none: this kernel refuses what sees files change: %s",
			 strerror(-cache->error));
	else if (!cache_attached(cache))
		snprintf(ret->how, sizeof(ret->how), "idle: nobody is subscribed to a type whose answers are kept");
	else
		snprintf(ret->how, sizeof(ret->how), "in use");
}
