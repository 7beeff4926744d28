/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * (A2) Answers that clients want kept, under the versions of what they are about. The cached_answer_*() follow an
 * answer from before the asking until it is in the cache, or isn't. Why that is safe: versions.bpf.h.
 */

#include "bpf/cache/versions.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, ES_CACHE_SETS);
	__type(key, uint32_t);
	__type(value, struct es_cache_set);
} cache SEC(".maps");

enum { TYPE_MASK = 0xff };		/* of events: in an answer's kind, what else tells it apart is above */

/* The last generation of the cache in which an answer of this type was kept. */
uint32_t cached_since[TYPE_MASK + 1];

/* An answer that may be kept, from before the asking until all have answered. */
struct cached_answer {
	uint64_t inode;
	uint64_t executable, file;	/* versions */
	uint64_t clients;
	uint32_t generation;		/* 0: it isn't to be kept */
	uint32_t mask;			/* what all have allowed */
	uint32_t hindrance;		/* enum es_cache_count: why it can't be kept; 0: nothing */
	uint32_t wanted;		/* by one client at least */
	uint32_t kind;			/* see cache_kind() */
	uint32_t flags;			/* of the question */
};

/* ---- the table ---- */

enum cached {
	CACHED_NOT,
	CACHED_ALLOW,
	CACHED_DENY,
};

/* The event's type, and what else tells one answer from another: es_proc_check_type_t. */
static __always_inline uint32_t cache_kind(uint32_t type, uint32_t number)
{
	return type | number << 8;
}

static __always_inline struct es_cache_set *cache_set(uint64_t executable, uint64_t file, uint32_t kind)
{
	uint64_t hash = (executable * 31 + file) * 61 + kind;
	uint32_t index = (hash * 0x9e3779b97f4a7c15ull) >> 40 & (ES_CACHE_SETS - 1);

	return bpf_map_lookup_elem(&cache, &index);
}

/*
 * Who answered matters: a client that has to be asked now and wasn't then must be. And if it denied, and needn't be asked
 * now, it isn't its denial that counts.
 */
static __always_inline enum cached slot_says(struct es_cache_slot *slot, uint64_t clients, uint32_t flags)
{
	uint64_t answered = READ_ONCE(slot->clients);

	if (flags & ~(uint32_t)READ_ONCE(slot->mask))
		return clients == answered ? CACHED_DENY : CACHED_NOT;
	return clients & ~answered ? CACHED_NOT : CACHED_ALLOW;
}

static __always_inline bool slot_is(struct es_cache_slot *slot, uint64_t executable, uint64_t file, uint32_t kind)
{
	return READ_ONCE(slot->file) == file && READ_ONCE(slot->executable) == executable &&
	       READ_ONCE(slot->kind) == kind;
}

static __always_inline enum cached cache_find(uint64_t executable, uint64_t file, uint64_t clients, uint32_t kind,
						uint32_t flags)
{
	struct es_cache_set *set = cache_set(executable, file, kind);
	uint32_t generation = READ_ONCE(control.cache_generation), way;
	enum cached says = CACHED_NOT;
	uint64_t sequence;

	if (!set || !generation)
		return CACHED_NOT;
	sequence = READ_ONCE(set->sequence);
	for (way = 0; way < ES_CACHE_WAYS; way++) {
		if (!slot_is(&set->slots[way], executable, file, kind))
			continue;
		if (READ_ONCE(set->slots[way].generation) == generation)
			says = slot_says(&set->slots[way], clients, flags);
		break;
	}
	return sequence & 1 || READ_ONCE(set->sequence) != sequence ? CACHED_NOT : says;
}

/* The place to write: that of an older answer to the same, else a free one, else one whose turn it is. */
static __always_inline uint32_t way_to_use(struct es_cache_set *set, struct cached_answer *answer)
{
	uint32_t way, best = ES_CACHE_WAYS;

	for (way = 0; way < ES_CACHE_WAYS; way++) {
		if (slot_is(&set->slots[way], answer->executable, answer->file, answer->kind))
			return way;
		if (set->slots[way].generation != answer->generation)
			best = way;
	}
	if (best < ES_CACHE_WAYS)
		return best;
	cache_count(ES_CACHE_REPLACED);
	return set->next++ % ES_CACHE_WAYS;
}

/* Who finds the set being written does without. */
static __noinline int cache_store(struct cached_answer *answer)
{
	struct es_cache_set *set = cache_set(answer->executable, answer->file, answer->kind);
	struct es_cache_slot *slot;
	uint32_t type = answer->kind;
	uint64_t sequence;

	if (!set)
		return 0;
	asm volatile("" : "+r"(type));
	WRITE_ONCE(cached_since[type & TYPE_MASK], answer->generation);
	sequence = READ_ONCE(set->sequence);
	if (sequence & 1 || __sync_val_compare_and_swap(&set->sequence, sequence, sequence + 1) != sequence)
		return 0;
	slot = &set->slots[way_to_use(set, answer) & (ES_CACHE_WAYS - 1)];
	WRITE_ONCE(slot->executable, answer->executable);
	WRITE_ONCE(slot->file, answer->file);
	WRITE_ONCE(slot->clients, answer->clients);
	WRITE_ONCE(slot->kind, answer->kind);
	WRITE_ONCE(slot->mask, answer->mask);
	WRITE_ONCE(slot->generation, answer->generation);
	WRITE_ONCE(set->sequence, sequence + 2);
	cache_count(ES_CACHE_INSERTED);
	return 0;
}

/* ---- keeping one ---- */

enum {
	ANSWER_RESULT = 1,		/* in question.flags: what there is to allow if the answer is no set of flags */
	CHANGES_FILE = 1 << 8,		/* what is allowed changes the file */
};

enum { OWN_WRITER = 1 << 9 };		/* in question.flags and keep.flags */

/* How many of the file's writers are this operation's own: an open for writing is counted before it is asked about. */
static __always_inline int own_writers(uint32_t kind, uint32_t flags)
{
	return kind == EV_AUTH_OPEN && flags & OWN_WRITER;
}

/* Before anyone is asked: under which versions the answer can be kept. */
__noinline int cached_answer_begin(struct cached_answer *answer, uint64_t inode, uint64_t dentry, uint64_t clients)
{
	uint32_t hindrance = ES_CACHE_UNFIT;

	if (!answer)
		return 0;
	cache_count(ES_CACHE_MISSES);
	answer->inode = inode;
	answer->generation = READ_ONCE(control.cache_generation);
	answer->mask = ES_VERDICT_FLAGS_MASK;
	answer->wanted = 0;
	answer->clients = clients;
	answer->executable = version_stable(executable_of_current(), 0, 0, &hindrance);
	if (answer->executable)
		answer->file = version_stable(inode, dentry, own_writers(answer->kind, answer->flags), &hindrance);
	answer->hindrance = hindrance;
	return 0;
}

/* The place of the version that the answer is about, NULL: it isn't there any more. */
static __always_inline struct version *cached_answer_version(struct cached_answer *answer)
{
	struct version_set *set = version_set(answer->inode);
	uint32_t way;

	for (way = 0; set && way < VERSION_WAYS; way++) {
		if (version_at(&set->ways[way], answer->inode) == answer->file)
			return &set->ways[way];
	}
	return NULL;
}

/* All have answered. What is allowed to change the file ends what was known of it. */
static __noinline int cached_answer_end(struct cached_answer *answer, bool denied)
{
	struct version *version;

	if (!answer->wanted || !answer->generation || (!denied && answer->flags & CHANGES_FILE))
		return 0;
	if (answer->hindrance) {
		cache_count(answer->hindrance < ES_CACHE_COUNT_MAX ? answer->hindrance : ES_CACHE_UNFIT);
		return 0;
	}
	version = cached_answer_version(answer);
	if (!version || control.cache_generation != answer->generation) {
		cache_count(ES_CACHE_CHANGED);
		return 0;
	}
	WRITE_ONCE(version->has_answers, 1);
	return cache_store(answer);
}
