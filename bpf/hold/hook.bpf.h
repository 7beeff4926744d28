/* SPDX-License-Identifier: MIT */
#pragma once

/* (A1) What the lsm sensor's hooks share: their declaration, keys that tell operations apart, files in records. */

#include "bpf/hold/wait.bpf.h"
#include "bpf/record/inode-path.bpf.h"

/*
 * Each hook has two programs: one that may sleep at the gate, and one for kernels where it may not, or that have no
 * gate. The daemon loads one of them.
 */
#define LSM_HOOK(name, result, params...) \
	SEC("lsm.s/" #name) \
	int BPF_PROG(hook_##name, params) \
	{ \
		return result; \
	} \
	SEC("lsm/" #name) \
	int BPF_PROG(plain_##name, params) \
	{ \
		return result; \
	}

static __always_inline uint64_t inode_key(struct dentry *dentry)
{
	return dentry ? (uint64_t)READ_CORE(dentry, d_inode) : 0;
}

static __always_inline uint64_t name_key(struct dentry *dentry)
{
	return READ_CORE(dentry, d_name.hash_len);
}

/* The object that a dentry names, in the directory's mount. */
static __always_inline uint32_t put_entry(struct scratch *s, const struct path *dir, struct dentry *dentry)
{
	struct path path = { .mnt = READ_CORE(dir, mnt), .dentry = dentry };

	return put_path(s, &path);
}

static __always_inline uint32_t put_dir(struct scratch *s, const struct path *dir)
{
	struct path path = { .mnt = READ_CORE(dir, mnt), .dentry = READ_CORE(dir, dentry) };

	return put_path(s, &path);
}

static __always_inline void put_name(struct scratch *s, struct dentry *dentry)
{
	put_string(s, &head_of(s)->str[0], READ_CORE(dentry, d_name.name), NAME_BYTES);
}

static __always_inline void put_file_number(struct scratch *s, struct file *file, int64_t number)
{
	head_of(s)->file[0] = put_file(s, file);
	head_of(s)->num[0] = number;
}

/* ---- does the kernel still do what clients were asked about? ---- */

static __always_inline uint64_t mix(uint64_t hash, uint64_t word)
{
	return (hash ^ word) * 0x9e3779b97f4a7c15 + (hash >> 29);
}

struct digest {
	uint64_t hash;
	uint64_t bytes;
	uint32_t count;
	uint32_t pad;
};

enum { DIGEST_STEP = 64 };

static long digest_step(uint32_t index, struct digest *digest)
{
	uint64_t words[DIGEST_STEP / 8] = {};
	uint32_t at = index * DIGEST_STEP, i;

	if (at >= digest->count)
		return 1;
	bpf_probe_read_kernel(words, sizeof(words), (void *)(digest->bytes + at));
	for (i = 0; i < DIGEST_STEP / 8 && at < digest->count; i++, at += 8) {
		uint64_t word = words[i];
		uint32_t rest = digest->count - at;

		if (rest < 8)		/* the bytes behind the end are another object's */
			word &= (1ull << rest * 8) - 1;
		digest->hash = mix(digest->hash, word);
	}
	return 0;
}

/* A hash of `count` bytes of kernel memory. */
static __noinline uint64_t digest_of(uint64_t bytes, uint32_t count)
{
	struct digest digest = { .bytes = bytes, .count = count, .hash = unknown(0) };

	bpf_loop(1 << 20, digest_step, &digest, 0);
	return mix(digest.hash, count);
}

/* A number that changes with the file: an answer holds only for the file as it was. */
static __noinline uint64_t file_facts(uint64_t inode)
{
	struct es_stat stat = {};

	if (!inode)
		return 0;
	read_stat(&stat, inode);
	return mix(mix(mix(inode, stat.ctime_ns), stat.size), stat.gen);
}

/*
 * An answer is only about the operation in the record. If the kernel is about to do something else by now, the call
 * starts over, to ask again. If it can't start over, it is denied.
 */
static __always_inline int question_same(struct question *q, int result, bool same)
{
	if (result || same || !q->pending)
		return hook_result(result);
	return hook_result(start_over(q->pending));
}

/* Stores a name in the task's state, and returns a hash of it for the question's key. */
__noinline uint64_t text_take(struct syscall_state *state, uint64_t text, uint32_t bytes)
{
	uint64_t hash = 0, *words;
	uint32_t i;

	if (!state)
		return 0;
	__builtin_memset(state->text, 0, sizeof(state->text));
	if (bytes)
		bpf_probe_read_kernel(state->text, bytes & (NAME_BYTES / 2 - 1), (void *)text);
	else
		bpf_probe_read_kernel_str(state->text, sizeof(state->text), (void *)text);
	words = (uint64_t *)state->text;
	for (i = 0; i < NAME_BYTES / 8; i++)
		hash = (hash ^ words[i]) * 0x9e3779b97f4a7c15 + (hash >> 29);
	return hash;
}
