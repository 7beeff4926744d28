/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * (N1, N3) Which file of a directory has a certain name? The kernel keeps all names that it knows in one table of hash
 * chains, by the directory's address and the name. The search here uses that table, so it costs the same in a directory
 * of ten names and of a million. It leaves out directories whose file system compares names in its own way, such as
 * without regard to case.
 *
 * The table's address is in a variable that not every kernel exports. Newer kernels have it in their code as a
 * number. The daemon (daemon/sensor/names.c) finds it there, and checks that it leads to its own program's name.
 */

#include "abi/names.h"
#include "bpf/base/kernel.h"
#include "bpf/base/maps.bpf.h"
#include "bpf/record/path.bpf.h"

/* Missing if the kernel's symbols are only functions. */
extern const void dentry_hashtable __ksym __weak;
extern const void d_hash_shift __ksym __weak;
extern const void __d_lookup __ksym __weak;

struct es_names names;

enum {
	CHAIN_MAX = 256,
	DIRECTORY_OWN_HASH = 1 << 0,	/* DCACHE_OP_HASH and DCACHE_OP_COMPARE, the same in all kernels */
	DIRECTORY_OWN_COMPARE = 1 << 1,
	NAME_WORDS = NAME_BYTES / 8,
};

#define GOLDEN_RATIO 0x61C8864680B583EBull

/* A name with zeros behind it. */
struct name_text {
	uint64_t word[NAME_WORDS];
};

static __always_inline uint64_t rotate_left(uint64_t value, unsigned int bits)
{
	return value << bits | value >> (64 - bits);
}

/* full_name_hash() of 64-bit machines that read whole words. */
__noinline uint64_t name_hash(struct name_text *name, uint64_t directory, uint32_t len)
{
	uint64_t x = 0, y = directory;
	uint32_t i;

	if (!name)
		return 0;
	for (i = 0; i < NAME_WORDS; i++) {
		x ^= name->word[i];
		if (len < 8 * (i + 1))
			break;
		y ^= x;
		x = rotate_left(x, 12) + y;
		y = rotate_left(y, 45) * 9;
	}
	y ^= x * GOLDEN_RATIO;
	return y * GOLDEN_RATIO >> 32;
}

/* Is scratch.name, of `len` bytes with zeros behind, the name of a dentry? Compared word by word. */
__noinline int same_name(struct scratch *s, uint64_t address, uint32_t len)
{
	struct dentry *dentry = (void *)address;
	uint64_t *a, *b;
	uint32_t i;

	if (!s || len >= NAME_BYTES || READ_CORE(dentry, d_name.len) != len)
		return 0;
	__builtin_memset(s->other, 0, sizeof(s->other));
	bpf_probe_read_kernel(s->other, len, READ_CORE(dentry, d_name.name));
	a = (uint64_t *)s->name;
	b = (uint64_t *)s->other;
	for (i = 0; i < NAME_BYTES / 8; i++) {
		if (a[i] != b[i])
			return 0;
	}
	return 1;
}

struct chain {
	struct scratch *s;		/* the name to find; NULL: find the dentry `found` */
	uint64_t directory;
	uint64_t node;			/* the next to check */
	uint64_t found;			/* dentry, or 0 */
	uint32_t hash;
	uint32_t len;
	uint32_t there;
};

static long chain_step(uint32_t index, struct chain *chain)
{
	struct hlist_bl_node *node = (void *)chain->node;
	struct dentry *dentry;

	if (!node)
		return 1;
	chain->node = (uint64_t)READ_CORE(node, next);
	dentry = (void *)((char *)node - bpf_core_field_offset(struct dentry, d_hash));
	if (!chain->s) {
		chain->there = (uint64_t)dentry == chain->found;
		return chain->there;
	}
	if ((uint32_t)READ_CORE(dentry, d_name.hash_len) != chain->hash ||
	    (uint64_t)READ_CORE(dentry, d_parent) != chain->directory || !same_name(chain->s, (uint64_t)dentry, chain->len))
		return 0;
	chain->found = (uint64_t)dentry;
	return 1;
}

/* The lowest bit of a chain's head is its lock. */
static __always_inline void chain_begin(struct chain *chain)
{
	uint64_t first = 0;

	bpf_probe_read_kernel(&first, sizeof(first), (void *)(names.table + 8 * (uint64_t)(chain->hash >> (names.shift & 31))));
	chain->node = first & ~1ull;
}

static __always_inline bool names_are_hashed(struct dentry *directory)
{
	return !(READ_CORE(directory, d_flags) & (DIRECTORY_OWN_HASH | DIRECTORY_OWN_COMPARE));
}

/* The file of a directory that is called scratch.name, or 0. */
__noinline uint64_t name_find(struct scratch *s, uint64_t directory, uint32_t len)
{
	struct chain chain = { .s = s, .directory = directory, .len = len };

	if (!s)
		return 0;
	chain.hash = name_hash((struct name_text *)s->name, directory, len);
	chain_begin(&chain);
	bpf_loop(CHAIN_MAX, chain_step, &chain, 0);
	return chain.found;
}

/* ---- for the daemon, when it starts ---- */

uint64_t name_checked[NAME_WORDS];

static __always_inline void name_check(struct dentry *dentry)
{
	struct dentry *directory = READ_CORE(dentry, d_parent);
	struct chain chain = { .found = (uint64_t)dentry, .len = READ_CORE(dentry, d_name.len) };

	if (directory == dentry || !names_are_hashed(directory) || chain.len >= NAME_BYTES)
		return;
	names.known++;
	__builtin_memset(name_checked, 0, sizeof(name_checked));
	bpf_probe_read_kernel(name_checked, chain.len, READ_CORE(dentry, d_name.name));
	chain.hash = name_hash((struct name_text *)name_checked, (uint64_t)directory, chain.len);
	chain_begin(&chain);
	bpf_loop(CHAIN_MAX, chain_step, &chain, 0);
	names.found += chain.there;
}

/* Where is the table? And, once that is known: are the names of the daemon's own program found there? */
SEC("syscall")
int look_names(void *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct dentry *dentry = READ_CORE(task, mm, exe_file, f_path.dentry);

	names.known = names.found = names.code_bytes = 0;
	if (!names.table && &dentry_hashtable && &d_hash_shift) {
		bpf_probe_read_kernel(&names.table, sizeof(names.table), &dentry_hashtable);
		bpf_probe_read_kernel(&names.shift, sizeof(names.shift), &d_hash_shift);
	}
	if (!names.table && &__d_lookup && !bpf_probe_read_kernel(names.code, sizeof(names.code), &__d_lookup))
		names.code_bytes = sizeof(names.code);
	for (int i = 0; names.table && i < ES_NAMES_CHECKED; i++) {
		name_check(dentry);
		dentry = READ_CORE(dentry, d_parent);
	}
	return 0;
}
