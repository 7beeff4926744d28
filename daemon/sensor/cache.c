/* SPDX-License-Identifier: MIT */
#include "daemon/sensor/cache.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "daemon/sensor/event.h"
#include "daemon/sensor/keep.h"
#include "daemon/sensor/select.h"
#include "util/log.h"
#include "util/macro.h"

/* A kernel without an optional hook passes its changes to another of these hooks, so nothing is missed. */
static const struct program {
	const char *name;
	bool optional;
} programs[] = {
#define PROGRAM(hook, ...) { "cache_" #hook, __VA_ARGS__ }
	PROGRAM(inode_free_security, false),
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
	PROGRAM(file_ioctl_compat, true),
	PROGRAM(inode_file_setattr, true),
#undef PROGRAM
};

_Static_assert(ARRAY_SIZE(programs) <= ESD_LSM_CACHE_PROGRAMS, "struct esd_lsm_cache has room for them");

/*
 * The programs are attached while a client is subscribed to one of these types. Attach them before the hooks that ask:
 * the kernel runs the last attached program first, and a denied operation is no change. (At some hooks the program that
 * asks notes the change itself.)
 */
static const uint8_t kept_types[] = {
#define KEPT_TYPE(name) ESD_##name,
	ES_CACHE_TYPES(KEPT_TYPE)
#undef KEPT_TYPE
};

void esd_lsm_cache_init(struct esd_lsm_cache *cache, struct esd_programs *all)
{
	for (size_t i = 0; i < ARRAY_SIZE(cache->links); i++)
		cache->links[i] = -1;
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++)
		cache->programs[i] = esd_programs_find(all, programs[i].name);
}

static bool is_absent(const struct esd_lsm_cache *cache, size_t index)
{
	return programs[index].optional && cache->programs[index]->error == -ENOENT;
}

bool esd_lsm_cache_needed(const struct esd_lsm_cache *cache, const uint64_t types[ES_TYPE_WORDS])
{
	for (size_t i = 0; !cache->error && i < ARRAY_SIZE(kept_types); i++)
		if (esd_types_has(types, kept_types[i]))
			return true;
	return false;
}

void esd_lsm_cache_refuse(struct esd_lsm_cache *cache, const struct esd_program *program)
{
	if (cache->error)
		return;
	cache->error = program && program->error ? program->error : -ENOSYS;
	log_warning("without the program %s (%s) answers are not kept, each operation is asked about",
		    program ? program->name : "of a hook", strerror(-cache->error));
}

int esd_lsm_cache_load(struct esd_lsm_cache *cache, const uint64_t types[ES_TYPE_WORDS])
{
	int r;

	if (cache->loaded || !esd_lsm_cache_needed(cache, types))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
		if (cache->programs[i]->fd >= 0 || is_absent(cache, i))
			continue;
		r = esd_program_load(cache->programs[i]);
		if (r <= 0)
			return r < 0 ? r : 1;
		esd_lsm_cache_refuse(cache, cache->programs[i]);
		return 0;
	}
	cache->loaded = true;
	return 0;
}

static bool needed_now(const struct esd_lsm_cache *cache, const struct sensor_bpf *skel)
{
	uint64_t types[ES_TYPE_WORDS];

	esd_select_types(&skel->bss->control, types);
	return esd_lsm_cache_needed(cache, types);
}

static void set_generation(struct sensor_bpf *skel, uint32_t generation)
{
	__atomic_store_n(&skel->bss->control.cache_generation, generation, __ATOMIC_SEQ_CST);
}

static void generation_begin(struct esd_lsm_cache *cache, struct sensor_bpf *skel)
{
	if (!++cache->generation)
		cache->generation = 1;
	set_generation(skel, cache->generation);
}

static int attach_all(struct esd_lsm_cache *cache)
{
	cache->attached = true;
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
		if (is_absent(cache, i))
			continue;
		cache->links[i] = esd_program_attach(cache->programs[i]);
		if (cache->links[i] < 0) {
			log_warning("answers are not kept, each operation is asked about");
			return cache->links[i];
		}
	}
	return 0;
}

static void set_watched(struct sensor_bpf *skel, bool watched)
{
	__atomic_store_n(&skel->bss->control.cache_watched, watched, __ATOMIC_SEQ_CST);
}

void esd_lsm_cache_stop(struct esd_lsm_cache *cache, struct sensor_bpf *skel)
{
	if (!cache->attached)
		return;
	set_generation(skel, 0);
	set_watched(skel, false);
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
		closep(&cache->links[i]);
		cache->links[i] = -1;
	}
	cache->attached = cache->begun = false;
}

void esd_lsm_cache_attach(struct esd_lsm_cache *cache, struct sensor_bpf *skel)
{
	if (!cache->loaded || cache->error || cache->attached || !needed_now(cache, skel))
		return;
	set_watched(skel, true);
	cache->error = attach_all(cache);
	if (cache->error)
		esd_lsm_cache_stop(cache, skel);
}

void esd_lsm_cache_begin(struct esd_lsm_cache *cache, struct sensor_bpf *skel)
{
	if (!cache->attached || cache->begun)
		return;
	cache->begun = true;
	generation_begin(cache, skel);
}

void esd_lsm_cache_trim(struct esd_lsm_cache *cache, struct sensor_bpf *skel)
{
	if (!needed_now(cache, skel))
		esd_lsm_cache_stop(cache, skel);
}

void esd_lsm_cache_clear(struct esd_lsm_cache *cache, struct sensor_bpf *skel)
{
	cache->cleared++;
	if (cache->begun)
		generation_begin(cache, skel);
}

void esd_lsm_cache_joined(struct esd_lsm_cache *cache, struct sensor_bpf *skel)
{
	cache->joined++;
	if (cache->begun)
		generation_begin(cache, skel);
}

void esd_lsm_cache_keep(struct esd_lsm_cache *cache, struct archive *archive)
{
	esd_keep_links(archive, cache->links, ARRAY_SIZE(cache->links));
	ARCHIVE(archive, cache->loaded);
	ARCHIVE(archive, cache->attached);
	ARCHIVE(archive, cache->begun);
	ARCHIVE(archive, cache->error);
	ARCHIVE(archive, cache->generation);
	ARCHIVE(archive, cache->cleared);
	ARCHIVE(archive, cache->joined);
}

/* ---- telling ---- */

/* Counts too many: an answer that a change of its file has invalidated stays in the table until its place is reused. */
static uint64_t count_entries(const struct sensor_bpf *skel)
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

static void read_counts(const struct sensor_bpf *skel, uint64_t counts[ES_CACHE_COUNT_MAX])
{
	int cpus = libbpf_num_possible_cpus();
	_cleanup_free_ struct es_cache_counts *each = cpus > 0 ? calloc(cpus, sizeof(*each)) : NULL;

	if (!each || bpf_map_lookup_elem(bpf_map__fd(skel->maps.cache_counts), &(uint32_t){ 0 }, each) < 0)
		return;
	for (int cpu = 0; cpu < cpus; cpu++)
		for (size_t i = 0; i < ES_CACHE_COUNT_MAX; i++)
			counts[i] += each[cpu].count[i];
}

void esd_lsm_cache_info(const struct esd_lsm_cache *cache, const struct sensor_bpf *skel,
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
	else if (!cache->attached)
		snprintf(ret->how, sizeof(ret->how), "idle: nobody is subscribed to a type whose answers are kept");
	else
		snprintf(ret->how, sizeof(ret->how), "in use");
}
