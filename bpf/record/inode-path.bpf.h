/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * (A3) Puts the object of an inode_* hook into a record. Such a hook gets no mount, and a path needs one. The system
 * call names the object by a path or a descriptor: if that leads to the very object, its mount is the right one. If
 * it can't be followed, or there is no call (io_uring), another mount of the file system has to do: that of the
 * process's current directory, of its root, or the first in its mount namespace.
 */

#include "bpf/base/syscall-args.bpf.h"
#include "bpf/record/argument.bpf.h"
#include "bpf/record/path.bpf.h"
#include "bpf/record/walk.bpf.h"

struct mounts {
	uint64_t node;			/* among the super block's mounts, the next to check */
	uint64_t head;
	uint64_t namespace;
	uint64_t found;
};

static long mounts_step(uint32_t index, struct mounts *mounts)
{
	struct list_head *node = (void *)mounts->node;
	struct mount *mount;

	if (!node || mounts->node == mounts->head)
		return 1;
	mount = (void *)((char *)node - bpf_core_field_offset(struct mount, mnt_instance));
	mounts->node = (uint64_t)READ_CORE(node, next);
	if ((uint64_t)READ_CORE(mount, mnt_ns) != mounts->namespace)
		return 0;
	mounts->found = (uint64_t)mount;
	return 1;
}

/* Kernels since 6.17 have another kind of list: there it is the mount of the process's directory or root. */
static __always_inline struct vfsmount *mount_in_namespace(struct super_block *sb)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct mounts mounts = { .found = unknown(0) };
	struct mount *mount = NULL;

	if (!bpf_core_field_exists(mount->mnt_instance))
		return READ_CORE(task, fs, root.mnt);
	mounts.namespace = (uint64_t)READ_CORE(task, nsproxy, mnt_ns);
	mounts.head = (uint64_t)sb + bpf_core_field_offset(struct super_block, s_mounts);
	mounts.node = (uint64_t)READ_CORE(sb, s_mounts.next);
	bpf_loop(CHILDREN_MAX, mounts_step, &mounts, 0);
	if (!mounts.found)
		return READ_CORE(task, fs, root.mnt);
	return (void *)((char *)mounts.found + bpf_core_field_offset(struct mount, mnt));
}

__noinline uint64_t mount_of_super_block(uint64_t address)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct vfsmount *mnt = READ_CORE(task, fs, pwd.mnt);
	struct super_block *sb = (void *)address;

	if (READ_CORE(mnt, mnt_sb) != sb)
		mnt = READ_CORE(task, fs, root.mnt);
	if (READ_CORE(mnt, mnt_sb) != sb)
		mnt = mount_in_namespace(sb);
	return (uint64_t)mnt;
}

static __always_inline bool is_empty(uint64_t text)
{
	char first = 0;

	return !text || bpf_probe_read_user(&first, 1, (void *)text) || !first;
}

/* The mount by which the call came to the object; 0: it doesn't lead there. */
__noinline uint64_t mount_by_call(struct scratch *s, uint64_t address)
{
	struct dentry *dentry = (void *)address;
	uint64_t text;
	bool at_;

	if (!s)
		return 0;
	args_of_current(&s->args);
	if (s->args.kind == ES_KIND_NONE)
		return 0;
	at_ = s->args.variant == ES_VARIANT_AT || s->args.variant == ES_VARIANT_AT2;
	text = s->args.a[at_ ? 1 : 0];
	if (s->args.variant == ES_VARIANT_FD || (at_ && is_empty(text))) {
		struct file *file = file_of_fd(s->args.a[0]);

		return file && READ_CORE(file, f_path.dentry) == dentry ? (uint64_t)READ_CORE(file, f_path.mnt) : 0;
	}
	walk_argument(s, &s->place, at_ ? (int)s->args.a[0] : AT_FDCWD, text,
		      (READ_CORE(dentry, d_inode, i_mode) & S_IFMT) == S_IFLNK ? 0 : WALK_FOLLOW);
	if (s->place.status != PLACE_FOUND || s->place.dentry != dentry)
		return 0;
	return (uint64_t)s->place.dentry_mount + bpf_core_field_offset(struct mount, mnt);
}

static __always_inline uint32_t put_inode_path(struct scratch *s, struct dentry *dentry)
{
	uint64_t address = scalar_of(dentry);
	struct path path = { .dentry = (void *)address };

	if (!dentry)
		return 0;
	path.mnt = (void *)mount_by_call(s, address);
	if (!path.mnt)
		path.mnt = (void *)mount_of_super_block((uint64_t)READ_CORE(dentry, d_sb));
	return put_path(s, &path);
}

static __always_inline uint64_t offset_of_alias(void)
{
	struct dentry___union *before = NULL;

	if (bpf_core_field_exists(before->d_u))
		return bpf_core_field_offset(struct dentry___union, d_u.d_alias);
	return bpf_core_field_offset(struct dentry, d_alias);
}

/* The name of a directory's inode: it has one. */
static __always_inline struct dentry *dentry_of_directory(struct inode *inode)
{
	struct hlist_node *alias = READ_CORE(inode, i_dentry.first);

	return alias ? (void *)((char *)alias - offset_of_alias()) : NULL;
}
