/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The cache of answers: an answer that clients want kept decides equal operations without asking. docs/caching.md says
 * what the cache promises; this is why the promise holds.
 *
 * Each file that was asked about has a version: a number that is never reused, found by the address of the file's
 * inode. A change of the file replaces its version first (the programs and changed_by_*() below). The end of the
 * inode removes it, since the address may become another file's. An answer is kept under the versions that the file
 * and the acting process's executable had before any client was asked. So a change need not search for answers: no
 * question finds the old number any more. A version that makes room for another file's is gone as well.
 *
 * A program at a hook runs before the change takes effect. In between, another operation may ask a client about the
 * file as it was. So no answer is kept about a file that is being changed (version_stable()). The inode counts
 * writers from before file_open until the last mapping is gone. Attributes, names and entries of directories change
 * with the inode, or the directory, locked from before the hook. Read the version before checking for writers and for
 * the lock. If a writer has changed the version but is no longer visible, its change is complete and the client will
 * see it. In the same way an inode that is about to end has no version: it ends after its last reference, and these
 * are counted.
 *
 * Changes that pass no hook can't be followed: other machines' writes, changes below an overlay. So answers are kept
 * only about files of file systems that can't be changed in any other way (is_local_magic()).
 *
 * Both tables are arrays, because an element of a kernel hash map may become another one during a read. The code has no
 * barriers: x86 keeps the order of loads and stores.
 */

#include "abi/cache.h"
#include "bpf/base/file-systems.bpf.h"
#include "bpf/base/maps.bpf.h"

enum {
	VERSION_SETS = 16384,		/* a power of two */
	VERSION_SET_BITS = 14,
	VERSION_WAYS = 4,
	SPOILT_MAX = 65536,
};

#define VERSION_CLAIMED (~0ull)

/* The inode changes only while the number is VERSION_CLAIMED: if the number is the same before and after, it is right. */
struct version {
	uint64_t inode;
	uint64_t number;		/* 0: the place is free */
	uint64_t has_answers;		/* there may be answers under this number */
};

struct version_set {
	struct version ways[VERSION_WAYS];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, VERSION_SETS);
	__type(key, uint32_t);
	__type(value, struct version_set);
} versions SEC(".maps");

/*
 * Inodes with a change that no program sees end: no answer is kept about them any more. The newest pushes out the
 * oldest, whose change has long ended. So no program can make the cache useless for other files.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, SPOILT_MAX);
	__type(key, uint64_t);
	__type(value, uint32_t);
} spoilt SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, uint32_t);
	__type(value, struct es_cache_counts);
} cache_counts SEC(".maps");

uint64_t last_version;
uint32_t any_spoilt;			/* `spoilt` has had an entry */

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

static __always_inline struct version_set *version_set(uint64_t inode)
{
	uint32_t index = inode * 0x9e3779b97f4a7c15ull >> (64 - VERSION_SET_BITS);

	return bpf_map_lookup_elem(&versions, &index);
}

/* The number at this place, if it is that of the inode; else 0. */
static __always_inline uint64_t version_at(struct version *version, uint64_t inode)
{
	uint64_t number = READ_ONCE(version->number);

	if (READ_ONCE(version->inode) != inode || READ_ONCE(version->number) != number || number == VERSION_CLAIMED)
		return 0;
	return number;
}

static __always_inline uint64_t version_now(uint64_t inode)
{
	struct version_set *set = version_set(inode);
	uint64_t number = 0;
	uint32_t way;

	for (way = 0; set && way < VERSION_WAYS && !number; way++)
		number = version_at(&set->ways[way], inode);
	return number;
}

/* Takes a place for the inode, from another one if need be. 0: another task is taking that place. */
static __noinline uint64_t version_begin(uint64_t inode)
{
	struct version_set *set = version_set(inode);
	uint64_t number = next_version(), before;
	struct version *version;
	uint32_t way, best = number;

	if (!set)
		return 0;
	for (way = 0; way < VERSION_WAYS; way++) {
		if (!READ_ONCE(set->ways[way].number))
			best = way;
	}
	asm volatile("" : "+r"(best));
	version = &set->ways[best & (VERSION_WAYS - 1)];
	before = READ_ONCE(version->number);
	if (before == VERSION_CLAIMED ||
	    __sync_val_compare_and_swap(&version->number, before, VERSION_CLAIMED) != before)
		return 0;
	WRITE_ONCE(version->inode, inode);
	WRITE_ONCE(version->has_answers, 0);
	(void)__sync_lock_test_and_set(&version->number, number);	/* before checking for writers and locks */
	return number;
}

/* If this is the inode's place, replaces its number, or removes it if the inode ends: that drops the answers under it. */
static __always_inline void version_over(struct version *version, uint64_t inode, bool ends, uint32_t how)
{
	uint64_t before, after;

	if (READ_ONCE(version->inode) != inode)
		return;
	before = version_at(version, inode);
	after = ends ? 0 : next_version();
	if (!before || __sync_val_compare_and_swap(&version->number, before, after) != before ||
	    !READ_ONCE(version->has_answers))
		return;
	WRITE_ONCE(version->has_answers, 0);
	if (!ends)
		cache_count(how);
}

/* Not files of the kernel's own mounts: memfd_create(2)'s are written without an open, so with no writer counted. */
static __always_inline bool is_local_file(struct inode *inode)
{
	enum { SB_KERNMOUNT = 1 << 22 };
	uint32_t format = READ_CORE(inode, i_mode) & S_IFMT;

	if (format != S_IFREG && format != S_IFDIR && format != S_IFSOCK)
		return false;
	return is_local_magic(READ_CORE(inode, i_sb, s_magic)) && !(READ_CORE(inode, i_sb, s_flags) & SB_KERNMOUNT);
}

/* Does another task hold the inode's lock for a change? The owner's low bits are flags. */
static __always_inline bool locked_by_other(struct inode *inode)
{
	enum { WRITER_LOCKED = 1, OWNER_FLAGS = 7 };

	if (!bpf_core_field_exists(inode->i_rwsem.count))	/* a real-time kernel, whose locks are others */
		return true;
	if (!(READ_CORE(inode, i_rwsem.count.counter) & WRITER_LOCKED))
		return false;
	return (READ_CORE(inode, i_rwsem.owner.counter) & ~(uint64_t)OWNER_FLAGS) !=
	       (uint64_t)bpf_get_current_task_btf();
}

/* `writers`: how many of the counted writers are the current task's own, in this call. */
static __always_inline bool changing(struct inode *inode, struct dentry *dentry, int writers)
{
	struct inode *dir;

	if (READ_CORE(inode, i_writecount.counter) > writers || locked_by_other(inode))
		return true;
	dir = dentry ? READ_CORE(dentry, d_parent, d_inode) : NULL;
	return dir && dir != inode && locked_by_other(dir);
}

/*
 * The version that an answer can be kept under; 0: none, and *hindrance says why. `dentry` is the name that the
 * question is about, or 0.
 */
__noinline uint64_t version_stable(uint64_t address, uint64_t dentry, int writers, uint32_t *hindrance)
{
	struct inode *inode = (void *)address;
	uint64_t number;

	if (!hindrance)
		return 0;
	*hindrance = ES_CACHE_UNFIT;
	if (!address || !is_local_file(inode))
		return 0;
	number = version_now(address);
	if (!number)
		number = version_begin(address);
	if (READ_CORE(inode, i_count.counter) <= 0 || (any_spoilt && bpf_map_lookup_elem(&spoilt, &address)))
		return 0;
	*hindrance = ES_CACHE_BUSY;
	if (!number || changing(inode, (void *)dentry, writers))
		return 0;
	*hindrance = 0;
	return number;
}

/*
 * The inode of the program that a task runs. The task may exchange its file at any time, and the kernel reuse that
 * file's memory. If the file is the same before and after reading the inode, the inode is the file's.
 */
static __always_inline uint64_t executable_of(uint64_t address)
{
	struct task_struct *task = (void *)address;
	struct mm_struct *mm = READ_CORE(task, mm);
	struct file *file = READ_CORE(mm, exe_file);
	uint64_t inode = (uint64_t)READ_CORE(file, f_inode);

	return READ_CORE(task, mm) == mm && READ_CORE(mm, exe_file) == file ? inode : 0;
}

/* The inode that the current process has executed; 0: not known. */
static __noinline uint64_t executed_by_current(void)
{
	struct task_struct *task = bpf_get_current_task_btf(), *leader;
	struct process *p;
	uint64_t inode;

	if (task->pid == task->tgid) {
		p = bpf_task_storage_get(&processes, task, NULL, 0);
		return p ? p->exe_inode : 0;
	}
	if (!bpf_task_from_pid) {
		p = bpf_task_storage_get(&processes, task->group_leader, NULL, 0);
		return p ? p->exe_inode : 0;
	}
	leader = bpf_task_from_pid(task->tgid);
	if (!leader)
		return 0;
	p = bpf_task_storage_get(&processes, leader, NULL, 0);
	inode = p ? p->exe_inode : 0;
	bpf_task_release(leader);
	return inode;
}

/*
 * The same for the current task. 0 also if the task names another file than it has executed, as prctl(2) lets it:
 * then no answer is kept for it.
 */
static __always_inline uint64_t executable_of_current(void)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct mm_struct *mm = task->mm;
	struct file *file;
	uint64_t inode;

	if (!mm)
		return 0;
	file = mm->exe_file;
	inode = READ_SCALAR(file, f_inode);
	return READ_ONCE(mm->exe_file) == file && inode == executed_by_current() ? inode : 0;
}

/* ---- what changes a file ---- */

/* If there is no version, no client was asked. A task that is asking just now sees the change, see version_stable(). */
__noinline int changed(uint64_t inode, uint32_t how)
{
	struct version_set *set = version_set(inode);
	uint32_t way;

	if (!inode || !set || how >= ES_CACHE_COUNT_MAX)
		return 0;
	for (way = 0; way < VERSION_WAYS; way++)
		version_over(&set->ways[way], inode, false, how);
	return 0;
}

static __always_inline void changed_dentry(struct dentry *dentry, enum es_cache_count how)
{
	changed(READ_SCALAR(dentry, d_inode), how);
}

SEC("lsm/inode_free_security")
int BPF_PROG(cache_inode_free_security, struct inode *inode)
{
	uint64_t address = scalar_of(inode);
	struct version_set *set = version_set(address);
	uint32_t way;

	for (way = 0; set && way < VERSION_WAYS; way++)
		version_over(&set->ways[way], address, true, 0);
	if (any_spoilt)
		bpf_map_delete_elem(&spoilt, &address);
	return 0;
}

/*
 * At four hooks where a task may sleep until it is answered, no other program may follow ours (follow.bpf.h). There the
 * program that asks (bpf/hold/) calls these, to note the change when all clients have allowed it.
 *
 * A task that has opened a file for writing may write at any time while it counts as a writer.
 */
static __always_inline void changed_by_open(struct file *file)
{
	if (control.cache_watched && file->f_mode & FMODE_WRITE)
		changed(READ_SCALAR(file, f_inode), ES_CACHE_WRITTEN);
}

/* Truncation too, by whatever call; a path that is truncated has a writer counted. */
static __always_inline void changed_by_setattr(struct dentry *dentry)
{
	if (control.cache_watched)
		changed_dentry(dentry, ES_CACHE_ATTRIBUTES);
}

static __always_inline void changed_by_setxattr(struct dentry *dentry)
{
	if (control.cache_watched)
		changed_dentry(dentry, ES_CACHE_XATTRS);
}

#define CACHE_XATTR(hook) \
	SEC("lsm/" #hook) \
	int BPF_PROG(cache_##hook, void *idmap, struct dentry *dentry) \
	{ \
		changed_dentry(dentry, ES_CACHE_XATTRS); \
		return 0; \
	}

CACHE_XATTR(inode_removexattr)
CACHE_XATTR(inode_set_acl)
CACHE_XATTR(inode_remove_acl)

/* A directory gets a name. */
#define CACHE_ENTRY(hook, params...) \
	SEC("lsm/" #hook) \
	int BPF_PROG(cache_##hook, params) \
	{ \
		changed(scalar_of(dir), ES_CACHE_NAMES); \
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
		changed(scalar_of(dir), ES_CACHE_NAMES); \
		changed_dentry(dentry, ES_CACHE_NAMES); \
		return 0; \
	}

CACHE_REMOVAL(inode_unlink)
CACHE_REMOVAL(inode_rmdir)

SEC("lsm/inode_rename")
int BPF_PROG(cache_inode_rename, struct inode *old_dir, struct dentry *old, struct inode *new_dir, struct dentry *new)
{
	changed(scalar_of(old_dir), ES_CACHE_NAMES);
	changed(scalar_of(new_dir), ES_CACHE_NAMES);
	changed_dentry(old, ES_CACHE_NAMES);
	changed_dentry(new, ES_CACHE_NAMES);
	return 0;
}

/*
 * An ioctl changes flags, and whatever else a file system allows, often through a descriptor that was opened for
 * reading. No program sees when the change takes effect. Commands of terminals ('T'), which every program tries on
 * its output, and those that only read change nothing.
 */
static __always_inline void changed_by_ioctl(uint64_t inode, uint32_t command)
{
	enum { IOCTL_READ = 2 };
	uint32_t one = 1;

	if (!control.cache_watched || (command >> 8 & 0xff) == 'T' || command >> 30 == IOCTL_READ ||
	    !is_local_file((void *)inode))
		return;
	WRITE_ONCE(any_spoilt, 1);
	bpf_map_update_elem(&spoilt, &inode, &one, BPF_ANY);
	changed(inode, ES_CACHE_IOCTLS);
}

/* file_setattr(2), since 6.17: what FS_IOC_FSSETXATTR does. */
SEC("lsm/inode_file_setattr")
int BPF_PROG(cache_inode_file_setattr, struct dentry *dentry)
{
	changed_by_ioctl(READ_SCALAR(dentry, d_inode), LINUX_FS_IOC_FSSETXATTR);
	return 0;
}

SEC("lsm/file_ioctl_compat")
int BPF_PROG(cache_file_ioctl_compat, struct file *file, unsigned int command)
{
	changed_by_ioctl(READ_SCALAR(file, f_inode), command);
	return 0;
}
