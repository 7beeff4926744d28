/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * (1) Reading and changing files' attributes; a process's directories. Most of these functions of the kernel get a
 * path. For those with only a dentry (extended attributes, readlink) mount_to() finds the mount.
 */

#include "bpf/notify/file.bpf.h"
#include "bpf/notify/object.bpf.h"

/* ---- stat ---- */

/* The hook of stat(2): the kernel is about to return this file's attributes. Its own look-ups don't pass here. */
__noinline int see_stat(uint64_t address)
{
	uint64_t slots = wanted_by(EV_NOTIFY_STAT);
	struct unfinished *unfinished = unfinished_for(slots, EV_NOTIFY_STAT);
	struct path path;

	if (!unfinished)
		return 0;
	path = path_at(address);
	if (is_layer((uint64_t)path.mnt))
		return 0;
	unfinished->stat.mnt = (uint64_t)path.mnt;
	unfinished->stat.dentry = (uint64_t)path.dentry;
	unfinished->stat.slots = slots;
	return 0;
}

static __always_inline int64_t time_at(struct timespec64 *time)
{
	return nanoseconds(READ_FAST(time, tv_sec), READ_FAST(time, tv_nsec));
}

/* The result of stat(2): a file system may know better than the inode. */
__noinline int take_kstat(struct es_stat *stat, uint64_t address)
{
	struct kstat *from = (void *)address;

	if (!stat)
		return 0;
	stat->dev = READ_FAST(from, dev);
	stat->ino = READ_FAST(from, ino);
	stat->rdev = READ_FAST(from, rdev);
	stat->size = READ_FAST(from, size);
	stat->blocks = READ_FAST(from, blocks);
	stat->mode = READ_FAST(from, mode);
	stat->nlink = READ_FAST(from, nlink);
	stat->uid = READ_SCALAR(from, uid.val);
	stat->gid = READ_SCALAR(from, gid.val);
	stat->blksize = READ_FAST(from, blksize);
	stat->atime_ns = time_at(&from->atime);
	stat->mtime_ns = time_at(&from->mtime);
	stat->ctime_ns = time_at(&from->ctime);
	return 0;
}

__noinline int send_stat(uint64_t address, uint64_t kstat)
{
	struct unfinished *unfinished = unfinished_found();
	struct path path = path_at(address);
	struct es_file_part *part;
	struct scratch *s;
	uint64_t slots;

	if (!unfinished || !unfinished->stat.dentry || unfinished->stat.dentry != (uint64_t)path.dentry ||
	    unfinished->stat.mnt != (uint64_t)path.mnt)
		return 0;
	unfinished->stat.dentry = 0;
	slots = unfinished->stat.slots;
	s = object_begin_on(EV_NOTIFY_STAT, &path, &slots);
	if (!s)
		return 0;
	if (slots) {
		head_of(s)->file[0] = put_path(s, &path);
		part = at(s, head_of(s)->file[0]);
		if (head_of(s)->file[0])
			take_kstat(&part->stat, kstat);
	}
	event_send(s, slots);
	return 0;
}

static __always_inline void see_getattr(void *ctx)
{
	if (!nobody_wants(EV_NOTIFY_STAT))
		see_stat(arg(ctx, 0));
}

static __always_inline void done_getattr(void *ctx)
{
	if (!nobody_wants(EV_NOTIFY_STAT) && !result_of(ctx))
		send_stat(arg(ctx, 0), arg(ctx, 1));
}

OBJECT_HOOK(inode_getattr, see_getattr(ctx))
OBJECT_DONE(vfs_getattr_nosec, done_getattr(ctx))

/* ---- mode, owner, size, times ---- */

__noinline int send_changed(uint32_t type, uint64_t address, int64_t first, int64_t second)
{
	struct path path = path_at(address);

	if (!is_layer((uint64_t)path.mnt))
		send_object(type, &path, first, second);
	return 0;
}

static __always_inline void done_changed(void *ctx, uint32_t type, int64_t first, int64_t second)
{
	if (!nobody_wants(type) && !result_of(ctx))
		send_changed(type, arg(ctx, 0), first, second);
}

OBJECT_DONE(chmod_common, done_changed(ctx, EV_NOTIFY_SETMODE, (uint16_t)arg(ctx, 1), 0))
OBJECT_DONE(chown_common, done_changed(ctx, EV_NOTIFY_SETOWNER, (uint32_t)arg(ctx, 1), (uint32_t)arg(ctx, 2)))
OBJECT_DONE(vfs_truncate, done_changed(ctx, EV_NOTIFY_TRUNCATE, 0, 0))

/*
 * do_truncate(idmap, dentry, length, time_attributes, file). It is ftruncate(2) if there is a file, and the
 * attributes are neither those of an open nor, as of a core dump, 0.
 */
static __always_inline void done_ftruncate(void *ctx)
{
	enum { LINUX_ATTR_OPEN = 1 << 15 };
	uint32_t attributes = arg(ctx, 3);
	uint64_t file = arg(ctx, 4);

	if (nobody_wants(EV_NOTIFY_TRUNCATE) && nobody_wants(EV_NOTIFY_CLOSE))
		return;
	if (result_of(ctx) || !file || !attributes || attributes & LINUX_ATTR_OPEN)
		return;
	if (!nobody_wants(EV_NOTIFY_CLOSE))
		file_written(file, WRITTEN);
	if (!nobody_wants(EV_NOTIFY_TRUNCATE))
		send_changed(EV_NOTIFY_TRUNCATE, file + bpf_core_field_offset(struct file, f_path), 0, 0);
}

OBJECT_DONE(do_truncate, done_ftruncate(ctx))

/* Adds the times that the call asks for to the record, behind its file; for "now", or none, those that the file has. */
__noinline int put_asked_times(struct scratch *s, uint64_t address)
{
	enum { LINUX_UTIME_NOW = (1 << 30) - 1, LINUX_UTIME_OMIT = (1 << 30) - 2 };
	struct timespec64 times[2] = {};
	struct es_file_part *part;
	int64_t *num;

	if (!s)
		return 0;
	part = at(s, head_of(s)->file[0]);
	num = head_of(s)->num;
	num[0] = (uint64_t)part->stat.atime_ns / 1000000000;
	num[1] = (uint64_t)part->stat.atime_ns % 1000000000;
	num[2] = (uint64_t)part->stat.mtime_ns / 1000000000;
	num[3] = (uint64_t)part->stat.mtime_ns % 1000000000;
	if (!address || bpf_probe_read_kernel(times, sizeof(times), (void *)address))
		return 0;
	if (times[0].tv_nsec != LINUX_UTIME_NOW && times[0].tv_nsec != LINUX_UTIME_OMIT) {
		num[0] = times[0].tv_sec;
		num[1] = times[0].tv_nsec;
	}
	if (times[1].tv_nsec != LINUX_UTIME_NOW && times[1].tv_nsec != LINUX_UTIME_OMIT) {
		num[2] = times[1].tv_sec;
		num[3] = times[1].tv_nsec;
	}
	return 0;
}

__noinline int send_utimes(uint64_t address, uint64_t times)
{
	uint64_t slots = wanted_by(EV_NOTIFY_UTIMES);
	struct path path = path_at(address);
	struct scratch *s;

	if (is_layer((uint64_t)path.mnt))
		return 0;
	s = object_begin_on(EV_NOTIFY_UTIMES, &path, &slots);
	if (!s)
		return 0;
	if (slots) {
		head_of(s)->file[0] = put_path(s, &path);
		put_asked_times(s, times);
	}
	event_send(s, slots);
	return 0;
}

static __always_inline void done_utimes(void *ctx)
{
	if (!nobody_wants(EV_NOTIFY_UTIMES) && !result_of(ctx))
		send_utimes(arg(ctx, 0), arg(ctx, 1));
}

OBJECT_DONE(vfs_utimes, done_utimes(ctx))

/* ---- extended attributes, links, directories ---- */

/* An event about a dentry; `name`: of an attribute, in the kernel's memory; 0: none. */
__noinline int send_dentry(uint32_t type, uint64_t dentry, uint64_t name, int64_t number)
{
	uint64_t slots = wanted_by(type);
	struct scratch *s = object_begin(type, slots);

	if (!s)
		return 0;
	head_of(s)->file[0] = put_dentry(s, dentry);
	head_of(s)->num[0] = number;
	if (name)
		put_string(s, &head_of(s)->str[0], (void *)name, NAME_BYTES);
	event_send(s, head_of(s)->file[0] ? slots : 0);
	return 0;
}

static __always_inline bool names_acl(uint64_t name)
{
	const char prefix[] = "system.posix_acl_";
	char text[sizeof(prefix)] = {};
	uint32_t i;

	bpf_probe_read_kernel_str(text, sizeof(text), (void *)name);
	for (i = 0; i < sizeof(prefix) - 1; i++) {
		if (text[i] != prefix[i])
			return false;
	}
	return true;
}

/* Before 6.2 ACLs come by here as well. */
__noinline int send_xattr(uint32_t type, uint64_t dentry, uint64_t name, int64_t set_or_clear)
{
	if (names_acl(name))
		send_dentry(EV_NOTIFY_SETACL, dentry, 0, set_or_clear);
	else
		send_dentry(type, dentry, name, 0);
	return 0;
}

static __always_inline void done_xattr(void *ctx, uint32_t type, int64_t set_or_clear)
{
	if ((!nobody_wants(type) || !nobody_wants(EV_NOTIFY_SETACL)) && !result_of(ctx))
		send_xattr(type, arg(ctx, 1), arg(ctx, 2), set_or_clear);
}

static __always_inline void done_acl(void *ctx, int64_t set_or_clear)
{
	if (!nobody_wants(EV_NOTIFY_SETACL) && !result_of(ctx))
		send_dentry(EV_NOTIFY_SETACL, arg(ctx, 1), 0, set_or_clear);
}

static __always_inline void done_getxattr(void *ctx)
{
	int64_t result = long_result_of(ctx);

	if (!nobody_wants(EV_NOTIFY_GETEXTATTR) && (result >= 0 || result < -4095))
		send_dentry(EV_NOTIFY_GETEXTATTR, arg(ctx, 1), arg(ctx, 2), 0);
}

static __always_inline void done_listxattr(void *ctx)
{
	if (!nobody_wants(EV_NOTIFY_LISTEXTATTR) && long_result_of(ctx) >= 0)
		send_dentry(EV_NOTIFY_LISTEXTATTR, arg(ctx, 0), 0, 0);
}

static __always_inline void done_readlink(void *ctx)
{
	if (!nobody_wants(EV_NOTIFY_READLINK) && result_of(ctx) >= 0)
		send_dentry(EV_NOTIFY_READLINK, arg(ctx, 0), 0, 0);
}

static __always_inline void done_readdir(void *ctx)
{
	if (!nobody_wants(EV_NOTIFY_READDIR) && result_of(ctx) >= 0)
		send_changed(EV_NOTIFY_READDIR, arg(ctx, 0) + bpf_core_field_offset(struct file, f_path), 0, 0);
}

OBJECT_DONE(vfs_setxattr, done_xattr(ctx, EV_NOTIFY_SETEXTATTR, ES_ACL_SET))
OBJECT_DONE(vfs_removexattr, done_xattr(ctx, EV_NOTIFY_DELETEEXTATTR, ES_ACL_CLEAR))
OBJECT_DONE(vfs_set_acl, done_acl(ctx, ES_ACL_SET))
OBJECT_DONE(vfs_remove_acl, done_acl(ctx, ES_ACL_CLEAR))
OBJECT_DONE(vfs_getxattr, done_getxattr(ctx))
OBJECT_DONE(vfs_get_acl, done_getxattr(ctx))
OBJECT_DONE(vfs_listxattr, done_listxattr(ctx))
OBJECT_DONE(vfs_readlink, done_readlink(ctx))
OBJECT_DONE(iterate_dir, done_readdir(ctx))

/* The flags that the call asks for: those of FS_IOC_SETFLAGS, or, for its successors, the ones behind them. */
static __always_inline void done_fileattr(void *ctx)
{
	struct { uint32_t flags, xflags; } asked = {};
	struct syscall_args args;

	if (nobody_wants(EV_NOTIFY_SETFLAGS) || result_of(ctx))
		return;
	bpf_probe_read_kernel(&asked, sizeof(asked), (void *)arg(ctx, 2));
	args_of_current(&args);
	if (args.kind == ES_KIND_IOCTL && (uint32_t)args.a[1] != LINUX_FS_IOC_FSSETXATTR)
		asked.xflags = asked.flags;
	send_dentry(EV_NOTIFY_SETFLAGS, arg(ctx, 1), 0, asked.xflags);
}

OBJECT_DONE(vfs_fileattr_set, done_fileattr(ctx))

/* ---- access ---- */

__noinline int send_access(int64_t mode)
{
	struct unfinished *unfinished = unfinished_found();
	struct path path = {};

	if (!unfinished)
		return 0;
	path.mnt = (void *)unfinished->lookup.mnt;
	path.dentry = (void *)unfinished->lookup.dentry;
	if (!path.dentry || READ_SCALAR(path.dentry, d_inode) != unfinished->lookup.inode)
		return 0;
	return send_object(EV_NOTIFY_ACCESS, &path, mode, 0);
}

/* do_faccessat(descriptor, path, mode, flags), whose path has just been looked up. */
static __always_inline void done_access(void *ctx)
{
	if (!nobody_wants(EV_NOTIFY_ACCESS) && !result_of(ctx))
		send_access((int32_t)arg(ctx, 2));
}

OBJECT_DONE(do_faccessat, done_access(ctx))

/* ---- where the process is ---- */

/* setns(2) comes by, too. */
static __always_inline void done_chdir(void *ctx)
{
	if (!nobody_wants(EV_NOTIFY_CHDIR) && current_syscall().kind == ES_KIND_CHDIR)
		send_changed(EV_NOTIFY_CHDIR, arg(ctx, 1), 0, 0);
}

OBJECT_DONE(set_fs_pwd, done_chdir(ctx))

__noinline int see_root(uint64_t address)
{
	uint64_t slots = wanted_by(EV_NOTIFY_CHROOT);
	struct unfinished *unfinished = unfinished_for(slots, EV_NOTIFY_CHROOT);

	if (unfinished)
		unfinished->root.dentry = (uint64_t)path_at(address).dentry;
	return 0;
}

__noinline int send_root(uint64_t address)
{
	struct unfinished *unfinished = unfinished_found();
	struct path path = path_at(address);

	if (!unfinished || !path.dentry || unfinished->root.dentry != (uint64_t)path.dentry)
		return 0;
	unfinished->root.dentry = 0;
	return send_object(EV_NOTIFY_CHROOT, &path, 0, 0);
}

static __always_inline void see_chroot(void *ctx)
{
	if (!nobody_wants(EV_NOTIFY_CHROOT))
		see_root(arg(ctx, 0));
}

static __always_inline void done_chroot(void *ctx)
{
	if (!nobody_wants(EV_NOTIFY_CHROOT))
		send_root(arg(ctx, 1));
}

OBJECT_HOOK(path_chroot, see_chroot(ctx))
OBJECT_DONE(set_fs_root, done_chroot(ctx))
