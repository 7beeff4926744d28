/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The cache of answers: what clients have decided, and want kept, isn't asked again. docs/caching.md says what it
 * promises; this is why the promise holds.
 *
 * Each file that was asked about has a version, a number that is given out once and never again, in its inode's
 * storage. Whatever changes the file gives it a new one first (the cache_* programs below). An answer is kept under the
 * versions of the file and of the acting process's executable, as they were before anyone was asked. So nothing has to
 * be looked for and dropped when a file changes: no question can find the old number any more. An inode that is freed
 * takes its number with it, and another one at the same address gets another number.
 *
 * A program at a hook runs before the change takes effect, and a client may have been asked in between, about the file
 * as it was. So a file that is being changed has no version that an answer could be kept under (version_stable()):
 * writers are counted in the inode from before file_open until the last mapping is gone, and attributes, names and
 * entries of directories are changed with the inode, or the directory, locked from before the hook. Version first, then
 * writers and lock: who has changed the version, and isn't seen at work, is done, and the client sees the result.
 *
 * What the kernel doesn't tell of can't be followed: other machines' writes, what lies below an overlay. So answers are
 * kept only about files of file systems that are known to have no other way in (kept_magic()).
 *
 * The table is an array with a sequence lock for each set of places, since an element of the kernel's hash maps may
 * become another one while it is read. The order of loads and stores is left to the processor: x86 keeps it.
 */

#include "abi/cache.h"
#include "kernel.h"
#include "maps.bpf.h"
#include "path.bpf.h"
#include "select.bpf.h"

#define ONCE(place) (*(volatile __typeof__(place) *)&(place))

struct version {
	uint64_t number;
	uint32_t kept;			/* there may be answers under this number */
	uint32_t spoilt;		/* changed by something whose end isn't seen: nothing is kept any more */
};

struct {
	__uint(type, BPF_MAP_TYPE_INODE_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct version);
} versions SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, ES_CACHE_SETS);
	__type(key, uint32_t);
	__type(value, struct es_cache_set);
} cache SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, uint32_t);
	__type(value, struct es_cache_counts);
} cache_counts SEC(".maps");

uint64_t last_version;

/* An answer that may be kept, from before the asking until all have answered. */
struct keep {
	uint64_t executable, file;	/* versions */
	uint64_t clients;
	uint32_t generation;
	uint32_t mask;			/* what all have allowed */
	uint32_t hindrance;		/* enum es_cache_count: why it can't be kept; 0: nothing */
	uint32_t wanted;		/* by one client at least */
};

static __always_inline void cache_count(enum es_cache_count what)
{
	uint32_t zero = 0;
	struct es_cache_counts *counts = bpf_map_lookup_elem(&cache_counts, &zero);

	if (counts)
		__sync_fetch_and_add(&counts->count[what], 1);
}

/* ---- versions ---- */

static __always_inline uint64_t next_version(void)
{
	return __sync_fetch_and_add(&last_version, 1) + 1;
}

static __always_inline uint64_t version_now(struct inode *inode)
{
	struct version *version = bpf_inode_storage_get(&versions, inode, NULL, 0);

	return version ? ONCE(version->number) : 0;
}

/* File systems where this kernel's own calls are the only way to change a file. */
static __always_inline bool kept_magic(uint32_t magic)
{
	switch (magic) {
	case 0xef53:			/* ext2, ext3, ext4 */
	case 0x58465342:		/* xfs */
	case 0x9123683e:		/* btrfs */
	case 0xf2f52010:		/* f2fs */
	case 0x01021994:		/* tmpfs */
	case 0x858458f6:		/* ramfs */
	case 0x4d44:			/* vfat */
	case 0x2011bab0:		/* exfat */
	case 0xe0f5e1e2:		/* erofs */
	case 0x73717368:		/* squashfs */
	case 0x9660:			/* iso9660 */
		return true;
	}
	return false;
}

/* A kernel's own mount has files that were never opened: memfd_create(2)'s are written with no writer counted. */
static __always_inline bool kept_file(struct inode *inode)
{
	enum { SB_KERNMOUNT = 1 << 22 };
	uint32_t format = READ(inode, i_mode) & S_IFMT;

	if (format != S_IFREG && format != S_IFDIR)
		return false;
	return kept_magic(READ(inode, i_sb, s_magic)) && !(READ(inode, i_sb, s_flags) & SB_KERNMOUNT);
}

/* Is it locked for a change by another task? The owner's low bits are flags. */
static __always_inline bool locked_by_other(struct inode *inode)
{
	enum { WRITER_LOCKED = 1, OWNER_FLAGS = 7 };

	if (!bpf_core_field_exists(inode->i_rwsem.count))	/* a real-time kernel, whose locks are others */
		return true;
	if (!(READ(inode, i_rwsem.count.counter) & WRITER_LOCKED))
		return false;
	return (READ(inode, i_rwsem.owner.counter) & ~(uint64_t)OWNER_FLAGS) != (uint64_t)bpf_get_current_task_btf();
}

/* `writers`: how many of those that are counted are the current task's, in this very call. */
static __always_inline bool changing(struct inode *inode, struct dentry *dentry, int writers)
{
	struct inode *dir;

	if (READ(inode, i_writecount.counter) > writers || locked_by_other(inode))
		return true;
	dir = dentry ? READ(dentry, d_parent, d_inode) : NULL;
	return dir && dir != inode && locked_by_other(dir);
}

/*
 * The version that an answer can be kept under, 0: none, and *hindrance says why. `dentry` is the name that is asked
 * about, or NULL.
 */
static __always_inline uint64_t version_stable(struct inode *inode, struct dentry *dentry, int writers,
					       uint32_t *hindrance)
{
	struct version *version, first = {};
	uint64_t number;

	*hindrance = ES_CACHE_UNFIT;
	if (!inode || !kept_file(inode))
		return 0;
	version = bpf_inode_storage_get(&versions, inode, NULL, 0);
	if (!version) {
		first.number = next_version();
		version = bpf_inode_storage_get(&versions, inode, &first, BPF_LOCAL_STORAGE_GET_F_CREATE);
	}
	if (!version)
		return 0;
	number = ONCE(version->number);
	if (ONCE(version->spoilt))
		return 0;
	*hindrance = ES_CACHE_BUSY;
	if (changing(inode, dentry, writers))
		return 0;
	*hindrance = 0;
	return number;
}

/* The program that a task runs. Inside rcu_begin() and rcu_end(), as its file may be exchanged at any time. */
static __always_inline struct file *executable_of(struct task_struct *task)
{
	struct mm_struct *mm = task->mm;

	return mm ? mm->exe_file : NULL;
}

/* ---- the table ---- */

enum cached {
	CACHED_NOT,
	CACHED_ALLOW,
	CACHED_DENY,
};

static __always_inline struct es_cache_set *cache_set(uint64_t executable, uint64_t file, uint32_t type)
{
	uint64_t hash = (executable * 31 + file) * 61 + type;
	uint32_t index = (hash * 0x9e3779b97f4a7c15ull) >> 40 & (ES_CACHE_SETS - 1);

	return bpf_map_lookup_elem(&cache, &index);
}

/*
 * Who answered matters: a client that has to be asked now and wasn't then must be. And if it denied, and needn't be asked
 * now, it isn't its denial that counts.
 */
static __always_inline enum cached slot_says(struct es_cache_slot *slot, uint64_t clients, uint32_t flags)
{
	uint64_t answered = ONCE(slot->clients);

	if (flags & ~(uint32_t)ONCE(slot->mask))
		return clients == answered ? CACHED_DENY : CACHED_NOT;
	return clients & ~answered ? CACHED_NOT : CACHED_ALLOW;
}

static __always_inline bool slot_is(struct es_cache_slot *slot, uint64_t executable, uint64_t file, uint32_t type)
{
	return ONCE(slot->file) == file && ONCE(slot->executable) == executable && ONCE(slot->type) == type;
}

static __noinline int cache_find(uint64_t executable, uint64_t file, uint64_t clients, uint32_t type, uint32_t flags)
{
	struct es_cache_set *set = cache_set(executable, file, type);
	uint32_t generation = ONCE(control.cache_generation), way;
	enum cached says = CACHED_NOT;
	uint64_t sequence;

	if (!set || !generation)
		return CACHED_NOT;
	sequence = ONCE(set->sequence);
	for (way = 0; way < ES_CACHE_WAYS; way++) {
		if (!slot_is(&set->slots[way], executable, file, type))
			continue;
		if (ONCE(set->slots[way].generation) == generation)
			says = slot_says(&set->slots[way], clients, flags);
		break;
	}
	return sequence & 1 || ONCE(set->sequence) != sequence ? CACHED_NOT : says;
}

/* The place to write: that of an older answer to the same, else a free one, else one whose turn it is. */
static __always_inline uint32_t way_to_use(struct es_cache_set *set, struct keep *keep, uint32_t type)
{
	uint32_t way, best = ES_CACHE_WAYS;

	for (way = 0; way < ES_CACHE_WAYS; way++) {
		if (slot_is(&set->slots[way], keep->executable, keep->file, type))
			return way;
		if (set->slots[way].generation != keep->generation)
			best = way;
	}
	if (best < ES_CACHE_WAYS)
		return best;
	cache_count(ES_CACHE_REPLACED);
	return set->next++ % ES_CACHE_WAYS;
}

/* Who finds the set being written does without. */
static __noinline int cache_store(struct keep *keep, uint32_t type)
{
	struct es_cache_set *set = cache_set(keep->executable, keep->file, type);
	struct es_cache_slot *slot;
	uint64_t sequence;

	if (!set)
		return 0;
	sequence = ONCE(set->sequence);
	if (sequence & 1 || __sync_val_compare_and_swap(&set->sequence, sequence, sequence + 1) != sequence)
		return 0;
	slot = &set->slots[way_to_use(set, keep, type) & (ES_CACHE_WAYS - 1)];
	ONCE(slot->executable) = keep->executable;
	ONCE(slot->file) = keep->file;
	ONCE(slot->clients) = keep->clients;
	ONCE(slot->type) = type;
	ONCE(slot->mask) = keep->mask;
	ONCE(slot->generation) = keep->generation;
	ONCE(set->sequence) = sequence + 2;
	cache_count(ES_CACHE_INSERTED);
	return 0;
}

/* ---- what changes a file ---- */

/* No version: nobody has asked, or who is just asking sees the change under way, see version_stable(). */
static __always_inline void changed(struct inode *inode, enum es_cache_count how)
{
	struct version *version;

	if (!inode)
		return;
	version = bpf_inode_storage_get(&versions, inode, NULL, 0);
	if (!version)
		return;
	__sync_lock_test_and_set(&version->number, next_version());
	if (version->kept)
		cache_count(how);
	version->kept = 0;
}

static __always_inline void changed_dentry(struct dentry *dentry, enum es_cache_count how)
{
	changed(dentry->d_inode, how);
}

/* Who opens a file for writing writes when he likes, until he isn't counted as a writer any more. */
SEC("lsm/file_open")
int BPF_PROG(cache_file_open, struct file *file)
{
	if (file->f_mode & FMODE_WRITE)
		changed(file->f_inode, ES_CACHE_WRITTEN);
	return 0;
}

/* Truncation too, by whatever call; a path that is truncated has a writer counted. */
SEC("lsm/inode_setattr")
int BPF_PROG(cache_inode_setattr)
{
	if (setattr_has_idmap) {
		changed_dentry((void *)ctx[1], ES_CACHE_ATTRIBUTES);
		asm volatile("");		/* or the two become one, with an offset that the verifier refuses */
	} else {
		changed_dentry((void *)ctx[0], ES_CACHE_ATTRIBUTES);
	}
	return 0;
}

#define CACHE_XATTR(hook) \
	SEC("lsm/" #hook) \
	int BPF_PROG(cache_##hook, void *idmap, struct dentry *dentry) \
	{ \
		changed_dentry(dentry, ES_CACHE_XATTRS); \
		return 0; \
	}

CACHE_XATTR(inode_setxattr)
CACHE_XATTR(inode_removexattr)
CACHE_XATTR(inode_set_acl)
CACHE_XATTR(inode_remove_acl)

/* A directory gets a name. */
#define CACHE_ENTRY(hook, params...) \
	SEC("lsm/" #hook) \
	int BPF_PROG(cache_##hook, params) \
	{ \
		changed(dir, ES_CACHE_NAMES); \
		return 0; \
	}

CACHE_ENTRY(inode_create, struct inode *dir)
CACHE_ENTRY(inode_mkdir, struct inode *dir)
CACHE_ENTRY(inode_mknod, struct inode *dir)
CACHE_ENTRY(inode_symlink, struct inode *dir)
CACHE_ENTRY(inode_link, struct dentry *old, struct inode *dir)

/* And loses one, as does the file. */
#define CACHE_REMOVAL(hook) \
	SEC("lsm/" #hook) \
	int BPF_PROG(cache_##hook, struct inode *dir, struct dentry *dentry) \
	{ \
		changed(dir, ES_CACHE_NAMES); \
		changed_dentry(dentry, ES_CACHE_NAMES); \
		return 0; \
	}

CACHE_REMOVAL(inode_unlink)
CACHE_REMOVAL(inode_rmdir)

SEC("lsm/inode_rename")
int BPF_PROG(cache_inode_rename, struct inode *old_dir, struct dentry *old, struct inode *new_dir, struct dentry *new)
{
	changed(old_dir, ES_CACHE_NAMES);
	changed(new_dir, ES_CACHE_NAMES);
	changed_dentry(old, ES_CACHE_NAMES);
	changed_dentry(new, ES_CACHE_NAMES);
	return 0;
}

/*
 * Flags, and what else file systems let be changed this way, often through a descriptor that was opened for reading. When
 * it takes effect can't be seen. Commands of terminals ('T'), which every program tries on its output, and those that
 * only read change nothing.
 */
static __always_inline void changed_by_ioctl(struct inode *inode, uint32_t command)
{
	enum { IOCTL_READ = 2 };
	struct version *version;

	if ((command >> 8 & 0xff) == 'T' || command >> 30 == IOCTL_READ || !kept_file(inode))
		return;
	version = bpf_inode_storage_get(&versions, inode, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!version) {
		control.cache_generation = 0;		/* no memory to note it: better no cache */
		return;
	}
	ONCE(version->spoilt) = 1;
	changed(inode, ES_CACHE_IOCTLS);
}

SEC("lsm/file_ioctl")
int BPF_PROG(cache_file_ioctl, struct file *file, unsigned int command)
{
	changed_by_ioctl(file->f_inode, command);
	return 0;
}

SEC("lsm/file_ioctl_compat")
int BPF_PROG(cache_file_ioctl_compat, struct file *file, unsigned int command)
{
	changed_by_ioctl(file->f_inode, command);
	return 0;
}
