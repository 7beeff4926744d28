/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * (1) Making, removing and changing names: what the kernel did, and to which file.
 *
 *	path_unlink, path_rmdir		vfs_unlink, vfs_rmdir
 *	path_rename			vfs_rename
 *	path_link			vfs_link
 *	path_mkdir, path_symlink, path_mknod	vfs_mkdir, vfs_symlink, vfs_mknod, vfs_create
 *
 * object-file.bpf.h reports a file that open(2) makes, when it is open.
 */

#include "bpf/notify/object.bpf.h"

/* Begins a change of `dentry`, in the directory whose struct path is at `dir`. NULL: there is nothing to report. */
static __always_inline struct unfinished_name *name_begin(uint32_t type, uint64_t dir, uint64_t dentry)
{
	uint64_t slots = wanted_by(type);
	struct unfinished *unfinished = unfinished_for(slots, type);
	struct path path;

	if (!unfinished)
		return NULL;
	path = path_at(dir);
	if (is_layer((uint64_t)path.mnt))
		return NULL;
	unfinished->name.key = dentry;
	unfinished->name.slots = slots;
	unfinished->name.type = type;
	unfinished->name.mnt = (uint64_t)path.mnt;
	unfinished->name.dir = (uint64_t)path.dentry;
	return &unfinished->name;
}

/* Takes what name_begin() has stored for this dentry. NULL: nothing, or the kernel didn't make the change. */
static __always_inline struct unfinished_name *name_done(uint64_t dentry, bool done)
{
	struct unfinished *unfinished = unfinished_found();

	if (!unfinished || !dentry || unfinished->name.key != dentry)
		return NULL;
	unfinished->name.key = 0;
	return done ? &unfinished->name : NULL;
}

static __always_inline struct path name_dir(const struct unfinished_name *name)
{
	return (struct path){ .mnt = (void *)name->mnt, .dentry = (void *)name->dir };
}

/* ---- unlink ---- */

__noinline int see_unlinked(uint64_t dir, uint64_t dentry)
{
	struct unfinished_name *name = name_begin(EV_NOTIFY_UNLINK, dir, dentry);

	if (name)
		take_stat(&name->stat, dentry);
	return 0;
}

__noinline int send_unlinked(uint64_t dentry)
{
	struct unfinished_name *name = name_done(dentry, true);
	struct path dir;
	struct scratch *s;

	if (!name)
		return 0;
	s = object_begin(name->type, name->slots);
	if (!s)
		return 0;
	dir = name_dir(name);
	head_of(s)->file[0] = put_as_was(s, &dir, &name->stat, take_name(s->name, dentry));
	head_of(s)->file[1] = put_path(s, &dir);
	event_send(s, name->slots);
	return 0;
}

static __always_inline void see_unlink(void *ctx)
{
	if (!nobody_wants(EV_NOTIFY_UNLINK))
		see_unlinked(arg(ctx, 0), arg(ctx, 1));
}

static __always_inline void done_unlink(void *ctx)
{
	if (!nobody_wants(EV_NOTIFY_UNLINK) && !result_of(ctx))
		send_unlinked(arg(ctx, 2));
}

OBJECT_SEE(path_unlink, see_unlink(ctx))
OBJECT_SEE(path_rmdir, see_unlink(ctx))
OBJECT_DONE(vfs_unlink, done_unlink(ctx))
OBJECT_DONE(vfs_rmdir, done_unlink(ctx))

/* ---- rename ---- */

/* The dentry that moves has another name and directory afterwards; the one that it replaces keeps its own. */
__noinline int see_renamed(uint64_t old_dir, uint64_t old, uint64_t new_dir, uint64_t new, uint32_t flags)
{
	struct unfinished_name *name;

	name = name_begin(flags & LINUX_RENAME_EXCHANGE ? EV_NOTIFY_EXCHANGEDATA : EV_NOTIFY_RENAME, old_dir, old);
	if (!name)
		return 0;
	name->to_dir = (uint64_t)path_at(new_dir).dentry;
	name->old = new;
	name->name_len = take_name(name->name, old);
	take_stat(&name->stat, old);
	take_stat(&name->replaced, new);
	return 0;
}

/*
 * The file that was at the old name, and the one at the new name, or its directory. After an exchange each dentry has
 * the other's name.
 */
__noinline int put_renamed(struct scratch *s, struct unfinished_name *name, uint64_t old, uint64_t new)
{
	struct es_record *head;
	struct path dir;

	if (!s || !name)
		return 0;
	head = head_of(s);
	dir = name_dir(name);
	__builtin_memcpy(s->name, name->name, sizeof(s->name));
	head->file[0] = put_as_was(s, &dir, &name->stat, name->name_len);
	dir.dentry = (void *)name->to_dir;
	if (name->replaced.mode) {
		head->file[1] = put_as_was(s, &dir, &name->replaced,
					   take_name(s->name, name->type == EV_NOTIFY_EXCHANGEDATA ? old : new));
	} else {
		head->num[0] = NEW_PATH;
		head->file[1] = put_path(s, &dir);
		put_string(s, &head->str[0], READ_FAST((struct dentry *)new, d_name.name), NAME_BYTES);
	}
	return 0;
}

__noinline int send_renamed(uint64_t address)
{
	struct renamedata *rename = (void *)address;
	struct unfinished_name *name;
	struct scratch *s;
	uint64_t old;

	old = READ_SCALAR(rename, old_dentry);
	name = name_done(old, true);
	if (!name || name->old != READ_SCALAR(rename, new_dentry))
		return 0;
	s = object_begin(name->type, name->slots);
	if (!s)
		return 0;
	put_renamed(s, name, old, name->old);
	event_send(s, name->slots);
	return 0;
}

static __always_inline bool nobody_wants_renames(void)
{
	return nobody_wants(EV_NOTIFY_RENAME) && nobody_wants(EV_NOTIFY_EXCHANGEDATA);
}

static __always_inline void see_rename(void *ctx)
{
	if (!nobody_wants_renames())
		see_renamed(arg(ctx, 0), arg(ctx, 1), arg(ctx, 2), arg(ctx, 3), arg(ctx, 4));
}

static __always_inline void done_rename(void *ctx)
{
	if (!nobody_wants_renames() && !result_of(ctx))
		send_renamed(arg(ctx, 0));
}

OBJECT_SEE(path_rename, see_rename(ctx))
OBJECT_DONE(vfs_rename, done_rename(ctx))

/* ---- link ---- */

__noinline int see_linked(uint64_t old, uint64_t dir, uint64_t dentry)
{
	struct unfinished_name *name = name_begin(EV_NOTIFY_LINK, dir, dentry);

	if (name)
		name->old = old;
	return 0;
}

/* Both names are on one mount, or the kernel wouldn't have linked them. */
__noinline int send_linked(uint64_t dentry)
{
	struct unfinished_name *name = name_done(dentry, true);
	struct path dir, source;
	struct scratch *s;

	if (!name)
		return 0;
	s = object_begin(name->type, name->slots);
	if (!s)
		return 0;
	dir = source = name_dir(name);
	source.dentry = (void *)name->old;
	head_of(s)->file[0] = put_path(s, &source);
	head_of(s)->file[1] = put_path(s, &dir);
	put_string(s, &head_of(s)->str[0], READ_FAST((struct dentry *)dentry, d_name.name), NAME_BYTES);
	event_send(s, name->slots);
	return 0;
}

static __always_inline void see_link(void *ctx)
{
	if (!nobody_wants(EV_NOTIFY_LINK))
		see_linked(arg(ctx, 0), arg(ctx, 1), arg(ctx, 2));
}

static __always_inline void done_link(void *ctx)
{
	if (!nobody_wants(EV_NOTIFY_LINK) && !result_of(ctx))
		send_linked(arg(ctx, 3));
}

OBJECT_SEE(path_link, see_link(ctx))
OBJECT_DONE(vfs_link, done_link(ctx))

/* ---- create ---- */

__noinline int see_made(uint64_t dir, uint64_t dentry)
{
	name_begin(EV_NOTIFY_CREATE, dir, dentry);
	return 0;
}

/* `made` is `dentry`, or the one by which a file system has replaced it. */
__noinline int send_made(uint64_t dentry, uint64_t made)
{
	struct unfinished_name *name = name_done(dentry, true);
	struct path path;
	struct scratch *s;

	if (!name)
		return 0;
	s = object_begin(name->type, name->slots);
	if (!s)
		return 0;
	path = name_dir(name);
	path.dentry = (void *)made;
	head_of(s)->file[0] = put_path(s, &path);
	event_send(s, name->slots);
	return 0;
}

static __always_inline void see_make(void *ctx)
{
	if (!nobody_wants(EV_NOTIFY_CREATE))
		see_made(arg(ctx, 0), arg(ctx, 1));
}

static __always_inline void done_make(void *ctx, uint32_t number)
{
	if (!nobody_wants(EV_NOTIFY_CREATE) && !result_of(ctx))
		send_made(arg(ctx, number), arg(ctx, number));
}

/* Since 6.18 it returns a dentry, or an error as a pointer. */
static __always_inline void done_mkdir(void *ctx)
{
	uint64_t made = 0;

	if (nobody_wants(EV_NOTIFY_CREATE))
		return;
	bpf_get_func_ret(ctx, &made);
	if (made && (made >= (uint64_t)-4095 || made <= 0xffffffff))
		return;
	send_made(arg(ctx, 2), made ?: arg(ctx, 2));
}

OBJECT_SEE(path_mkdir, see_make(ctx))
OBJECT_SEE(path_symlink, see_make(ctx))
OBJECT_HOOK(path_mknod, see_make(ctx))
OBJECT_DONE(vfs_mkdir, done_mkdir(ctx))
OBJECT_DONE(vfs_symlink, done_make(ctx, 2))
OBJECT_DONE(vfs_mknod, done_make(ctx, 2))

/* mknod(2) of a regular file. Since 7.x it has one argument less, in front of the dentry. */
OBJECT_DONE(vfs_create, done_make(ctx, vfs_create_has_inode ? 2 : 1))
