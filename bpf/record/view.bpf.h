/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * (N3, A3) Where is an object in the initial mount namespace, which is the daemon's? A program can reach a file by a
 * mount of its own: a bind in another namespace, a mount without a place, a file system in layers over the folder
 * that a client guards. The path there means nothing to others. But a mount of the same super block in the initial
 * namespace, with a root above the object, gives the path that all others see.
 *
 * If there are several, the search prefers one that shows the whole file system, and then the lowest id. It goes
 * through all mounts of the super block, so it keeps its result in `views`, by the root of the mount through which
 * the object was reached. The result is only a hint: it has to be a mount of this super block in the initial
 * namespace, and the way up from the object has to meet its root. That the super block has no mount there at all is
 * kept until the next mount or unmount anywhere.
 *
 * A file in layers whose file system has no such mount gets the path of its real file, in the upper layer or else the
 * lowest.
 */

#include "bpf/base/constants.h"
#include "bpf/base/kernel.h"
#include "bpf/base/maps.bpf.h"

enum {
	VIEWS = 256,
	VIEW_STEPS = 1 << 18,		/* mounts and directories that one search checks */
};

struct view_kept {
	uint64_t key;			/* the root of a mount */
	uint64_t value;			/* a mount; view_none(): there is none */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, VIEWS);
	__type(key, uint32_t);
	__type(value, struct view_kept);
} views SEC(".maps");

/* The initial namespace's address: the daemon's, as fill_tasks finds it. */
uint64_t daemon_mounts;

/* Missing if the kernel hides its symbols. */
extern const void mount_lock __ksym __weak;

/* A sequence lock begins with its count, which is odd during a change. */
#define LOCK_COUNT(lock) ((uint32_t)READ_FAST((struct timespec64 *)(lock), tv_sec))

static __always_inline struct mount *mount_of(struct vfsmount *mnt)
{
	return (struct mount *)((char *)mnt - bpf_core_field_offset(struct mount, mnt));
}

static __always_inline uint64_t vfsmount_of(uint64_t mount)
{
	return mount + bpf_core_field_offset(struct mount, mnt);
}

/* Is it in the daemon's namespace? A mount without a place is in none, and an internal one has no address there. */
static __always_inline bool mount_is_here(struct mount *mount)
{
	return READ_SCALAR(mount, mnt_ns) == daemon_mounts || !daemon_mounts;
}

static __always_inline struct view_kept *view_kept_at(uint64_t key)
{
	uint32_t index = key * 0x9e3779b97f4a7c15ull >> 40 & (VIEWS - 1);

	return bpf_map_lookup_elem(&views, &index);
}

/* The value for "there is no mount", which changes with every mount. 0: a mount is changing, or they aren't counted. */
static __always_inline uint64_t view_none(uint64_t key)
{
	uint32_t count = &mount_lock ? LOCK_COUNT(&mount_lock) : 1;

	return count & 1 ? 0 : (key + count) * 2 + 1;	/* odd, so it is no address */
}

/* ---- the super block's mounts ---- */

/* Since 6.17 they are chained, and the chain begins with a pointer to a mount. */
static __always_inline uint64_t mounts_first(struct view *view)
{
	struct super_block___chained *chained = (void *)view->sb;
	struct super_block *sb = (void *)view->sb;

	if (bpf_core_field_exists(chained->s_mounts))
		return (uint64_t)READ_FAST(chained, s_mounts);
	view->head = view->sb + bpf_core_field_offset(struct super_block, s_mounts);
	return (uint64_t)READ_CORE(sb, s_mounts.next);
}

/* Takes the next one; 0: there is none. */
static __always_inline uint64_t mounts_take(struct view *view)
{
	struct mount___chained *chained = (void *)view->next;
	struct mount *mount;

	if (!view->next)
		return 0;
	if (bpf_core_field_exists(chained->mnt_next_for_sb)) {
		view->next = (uint64_t)READ_FAST(chained, mnt_next_for_sb);
		return (uint64_t)chained;
	}
	if (view->next == view->head)
		return 0;
	mount = (void *)(view->next - bpf_core_field_offset(struct mount, mnt_instance));
	view->next = (uint64_t)READ_FAST((struct list_head *)view->next, next);
	return (uint64_t)mount;
}

static __always_inline void view_take(struct view *view, struct mount *mount, bool whole)
{
	uint32_t id = READ_FAST(mount, mnt_id);

	if (view->found && (view->whole > whole || (view->whole == whole && view->id < id)))
		return;
	view->found = (uint64_t)mount;
	view->whole = whole;
	view->id = id;
}

/* One step: takes the next mount, or goes up one directory towards the present mount's root. */
static long view_step(uint32_t index, struct scratch **context)
{
	struct view *view = &(*context)->view;
	struct mount *mount = (void *)view->mount;
	uint64_t parent;

	if (!mount) {
		mount = (void *)mounts_take(view);
		if (!mount)
			return 1;
		if (READ_SCALAR(mount, mnt_ns) != daemon_mounts)
			return 0;
		view->any = true;
		view->under = READ_SCALAR(mount, mnt.mnt_root);
		if (view->under == view->root) {
			view_take(view, mount, true);
			return 0;
		}
		view->mount = (uint64_t)mount;
		view->at = view->dentry;
		return 0;
	}
	parent = READ_SCALAR((struct dentry *)view->at, d_parent);
	if (view->at == view->under)
		view_take(view, mount, false);
	else if (parent != view->at && parent) {
		view->at = parent;
		return 0;
	}
	view->mount = 0;
	return 0;
}

static __always_inline void view_search(struct scratch *s)
{
	struct view *view = &s->view;

	view->found = view->mount = 0;
	view->any = false;
	view->root = READ_SCALAR((struct super_block *)view->sb, s_root);
	view->next = mounts_first(view);
	bpf_loop(VIEW_STEPS, view_step, &s, 0);
}

static __always_inline bool view_is_mount(const struct view *view, uint64_t address)
{
	struct mount *mount = (void *)address;

	return READ_SCALAR(mount, mnt_ns) == daemon_mounts && READ_SCALAR(mount, mnt.mnt_sb) == view->sb;
}

/* Finds a mount for view.dentry: view.found; 0: there is none. `hint`: the kept result may do, if it is valid. */
static __always_inline void view_find(struct scratch *s, uint64_t key, bool hint)
{
	struct view_kept *kept = view_kept_at(key);
	uint64_t none = view_none(key), value;
	struct view *view = &s->view;

	view->sb = READ_SCALAR((struct dentry *)view->dentry, d_sb);
	view->hinted = false;
	if (!kept)
		return;
	value = kept->key == key && hint ? READ_ONCE(kept->value) : 0;
	view->found = 0;
	if (value && value == none)
		return;
	if (value && !(value & 1) && view_is_mount(view, value)) {
		view->found = value;
		view->hinted = true;
		return;
	}
	view_search(s);
	value = view->found ? view->found : !view->any && none == view_none(key) ? none : 0;
	kept->key = key;
	WRITE_ONCE(kept->value, value);
}

/* ---- files in layers ---- */

static __always_inline bool is_layered(struct path *path)
{
	return READ_SCALAR(READ_FAST(path->dentry, d_sb), s_magic) == OVERLAYFS_SUPER_MAGIC;
}

/*
 * Can there be an object at this address, as there is at `known`? With four levels of page tables lower addresses
 * have none, and Linux 6.1 warns when a program reads there, if the processor supports a fifth level.
 */
static __always_inline bool is_object(uint64_t address, uint64_t known)
{
	return address >= (known >= 0xffff800000000000ull ? 0xffff800000000000ull : 0xff00000000000000ull);
}

/* `known`: the address of a dentry. */
static __always_inline bool is_real(uint64_t address, const struct inode *above, uint64_t known)
{
	struct dentry *dentry = (void *)address;
	struct inode *inode;

	if (!is_object(address, known))
		return false;
	inode = READ_FAST(dentry, d_inode);
	return inode != above && is_object(READ_SCALAR(dentry, d_inode), known) && READ_SCALAR(inode, i_sb) &&
	       READ_SCALAR(inode, i_sb) == READ_SCALAR(dentry, d_sb) &&
	       (READ_SCALAR(inode, i_mode) & S_IFMT) == (READ_CORE(above, i_mode) & S_IFMT);
}

static __always_inline uint64_t word_at(uint64_t address)
{
	uint64_t word = 0;

	bpf_probe_read_kernel(&word, sizeof(word), (void *)address);
	return word;
}

/*
 * The dentry of the real file; 0: it has none, or this kernel's overlayfs keeps it elsewhere. Behind its inode
 * overlayfs has the dentry in the upper layer, and then a pointer to a list of those below, whose first entry has its
 * dentry 16 bytes in; before 6.5, the first layer below and the dentry there. is_real() checks that it looks like the
 * dentry of a file.
 */
static __always_inline uint64_t real_dentry(uint64_t address)
{
	struct dentry *dentry = (void *)address;
	struct inode *inode = READ_FAST(dentry, d_inode);
	uint64_t behind, found;

	if (!inode || READ_SCALAR(READ_FAST(dentry, d_sb), s_magic) != OVERLAYFS_SUPER_MAGIC)
		return 0;
	behind = (uint64_t)inode + bpf_core_type_size(struct inode);
	found = word_at(behind);
	if (is_real(found, inode, address))
		return found;
	found = word_at(behind + 8);
	found = is_object(found, address) ? word_at(found + 16) : 0;
	if (is_real(found, inode, address))
		return found;
	found = word_at(behind + 16);
	return is_real(found, inode, address) ? found : 0;
}
