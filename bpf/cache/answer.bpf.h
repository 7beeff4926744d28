/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * (A2) Answers that clients want kept, under the versions of the files that they are about. The cached_answer_*()
 * follow an answer from before the asking until it is kept or dropped. versions.bpf.h says why that is safe.
 */

#include "bpf/cache/versions.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, ES_CACHE_SETS);
	__type(key, uint32_t);
	__type(value, struct es_cache_set);
} cache SEC(".maps");

enum { TYPE_MASK = 0xff };		/* the event's type in an answer's kind; see cache_kind() for the bits above */

/* The last generation of the cache in which an answer of this type was kept. */
uint32_t cached_since[TYPE_MASK + 1];

/* An answer that may be kept, from before the asking until all have answered. */
struct cached_answer {
	uint64_t inode;
	uint64_t executable, file;	/* versions */
	uint64_t clients;
	uint32_t generation;		/* 0: don't keep it */
	uint32_t mask;			/* what all have allowed */
	uint32_t hindrance;		/* enum es_cache_count: why it can't be kept; 0: nothing */
	uint32_t wanted;		/* one client at least wants it kept */
	uint32_t kind;			/* see cache_kind() */
	uint32_t flags;			/* of the question */
};

/* ---- the table ---- */

enum cached {
	CACHED_NOT,
	CACHED_ALLOW,
	CACHED_DENY,
};

/* An answer's kind: the event's type, and `number`, an es_proc_check_type_t, above it. */
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
 * A kept answer allows only if all clients to ask now have answered it. It denies only if exactly these have: the
 * denial might be of a client that needn't be asked now.
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

/* The place to write: that of an older answer to the same question, else a free one, else the next in turn. */
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

/* Doesn't keep the answer if another task is writing to the set. */
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
	ANSWER_RESULT = 1,		/* in question.flags: the one bit to allow if the answer is no set of flags */
	CHANGES_FILE = 1 << 8,		/* the operation changes the file */
};

enum { OWN_WRITER = 1 << 9 };		/* in question.flags and keep.flags */

/* How many of the file's writers are this operation's own: the kernel counts an open for writing before the hook. */
static __always_inline int own_writers(uint32_t kind, uint32_t flags)
{
	return kind == EV_AUTH_OPEN && flags & OWN_WRITER;
}

/* Before any client is asked: takes the versions that the answer can be kept under. */
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

/* The place of the file's version; NULL: the file has another one by now, or none. */
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

/* All clients have answered: keeps the answer if it can. An allowed change of the file leaves no answer to keep. */
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
