/* SPDX-License-Identifier: MIT */
#pragma once

/* (A1) What the lsm sensor's hooks share: how one is declared, what tells an operation from another, its files. */

#include "bpf/hold/wait.bpf.h"
#include "bpf/record/inode-path.bpf.h"

/*
 * Each hook twice: one that may sleep at the gate, and one for kernels where it may not, or that have no gate. The
 * daemon loads the one or the other.
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

/*
 * Takes a name down with the task, and makes a number of it, that changes with it: it is part of what a question is
 * about.
 */
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
