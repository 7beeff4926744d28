/* SPDX-License-Identifier: MIT */
#pragma once

/* What kernel programs, daemon and esctl share of the cache of answers, bpf/cache/versions.bpf.h. */

/* AUTH types whose answers are kept. Their hooks pass the file that an answer is about to question_open_cached(). */
#define ES_CACHE_TYPES(T) \
	T(AUTH_EXEC) T(AUTH_OPEN) T(AUTH_MMAP) T(AUTH_MOUNT) T(AUTH_CHDIR) T(AUTH_CHROOT) T(AUTH_READDIR) \
	T(AUTH_SETMODE) T(AUTH_SETOWNER) T(AUTH_SETFLAGS) T(AUTH_UTIMES) T(AUTH_GETEXTATTR) T(AUTH_LISTEXTATTR) \
	T(AUTH_FSGETPATH) T(AUTH_UIPC_CONNECT) T(AUTH_GET_TASK) T(AUTH_GET_TASK_READ) T(AUTH_PROC_CHECK)

/* The table is made of sets. A set's places share a sequence lock, whose count is odd while one of them is written. */
enum {
	ES_CACHE_SETS = 4096,		/* a power of two */
	ES_CACHE_WAYS = 8,
};

struct es_cache_slot {
	uint64_t executable;		/* version of the acting process's executable, see bpf/cache/versions.bpf.h */
	uint64_t file;			/* version of the file that the answer is about */
	uint64_t clients;		/* that answered: a set of slots */
	uint32_t generation;		/* of the cache; 0: the place is free */
	uint16_t kind;			/* the event's type, and es_proc_check_type_t << 8 */
	uint16_t mask;			/* what was allowed: FREAD and FWRITE of an open, else 1 or nothing */
};

struct es_cache_set {
	uint64_t sequence;
	uint64_t next;			/* the place to use next if none is free */
	struct es_cache_slot slots[ES_CACHE_WAYS];
};

/*
 * The cache's counters, each with its name and meaning:
 *	C(constant, name, text)
 */
#define ES_CACHE_COUNTS(C) \
	C(HITS, "hits", "decided by a kept answer, and nobody was asked") \
	C(MISSES, "misses", "no answer was kept, and clients were asked") \
	C(INSERTED, "inserted", "answers kept") \
	C(NOT_ALL, "not_all", "not kept: one of the clients didn't ask for it, or did not answer") \
	C(UNFIT, "unfit", "not kept: on such a file system, or of such a file, changes can't be followed") \
	C(BUSY, "busy", "not kept: the file was open for writing, or just being changed") \
	C(CHANGED, "changed", "not kept: the file, or the cache, changed while clients were thinking") \
	C(REPLACED, "replaced", "dropped: another answer took its place") \
	C(WRITTEN, "written", "dropped: the file was opened for writing") \
	C(ATTRIBUTES, "attributes", "dropped: size, mode, owner or times changed") \
	C(XATTRS, "xattrs", "dropped: extended attributes or an access control list changed") \
	C(NAMES, "names", "dropped: the file was renamed or removed, or names in the directory changed") \
	C(IOCTLS, "ioctls", "dropped: flags or whatever else an ioctl(2) can change")

enum es_cache_count {
#define ES_CACHE_COUNT(constant, name, text) ES_CACHE_##constant,
	ES_CACHE_COUNTS(ES_CACHE_COUNT)
#undef ES_CACHE_COUNT
	ES_CACHE_COUNT_MAX,
};

/* Counted on each CPU. */
struct es_cache_counts {
	uint64_t count[ES_CACHE_COUNT_MAX];
};
