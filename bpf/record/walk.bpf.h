/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Where does a path lead? A tracepoint on a system call sees the text that the program passed. It has to find the
 * object as the kernel does, or a link, a "..", or a mount would make the answer wrong. So it follows the text
 * through the kernel's own cache of names, which has what the call has just used or is about to use: component by
 * component, across mounts, through symbolic links whose text is in their inode.
 *
 * An object is lost (PLACE_LOST) if a link's text is not in the inode, or if the kernel has not looked a name up yet.
 * Callers try again on the way out of the call, when the kernel has been there, and then fall back to the text itself,
 * marked ES_FILE_LEXICAL.
 */

#include "bpf/base/kernel.h"
#include "bpf/base/maps.bpf.h"
#include "bpf/record/names.bpf.h"
#include "bpf/record/path.bpf.h"

enum place_status {
	PLACE_NONE,		/* no path at all: a bad pointer, a bad descriptor */
	PLACE_LOST,		/* some directory on the way isn't in the cache */
	PLACE_FOUND,		/* dir and name are right; dentry is there if the object is */
};

enum {
	WALK_FOLLOW = 1 << 0,	/* a link in the last component is followed */
	LINKS_MAX = 40,
	CHILDREN_MAX = 512,	/* mounts on a directory, and names that can't be found by hash: a program that
				   makes more doesn't slow others down */
};

/* A walk under way. What changes in it is in the scratch area: the stack is short. */
struct walk {
	struct scratch *s;
	struct place *place;
	struct walk_state *at;
};

struct children {
	struct scratch *s;
	uint32_t len;			/* of scratch.name */
	uint64_t node;			/* the next to check */
	uint64_t head;			/* of a circular list, where it ends */
	uint64_t found;			/* dentry, or 0 */
};

/* Takes one child; 1 ends the search. A name that was deleted is not in the hash any more. */
static __always_inline long child_try(struct children *children, uint64_t address)
{
	struct dentry *child = (void *)address;

	if (READ_CORE(child, d_name.len) != children->len || !READ_CORE(child, d_hash.pprev))
		return 0;
	if (!same_name(children->s, address, children->len))
		return 0;
	children->found = address;
	return 1;
}

static long child_step(uint32_t index, struct children *children)
{
	struct hlist_node *node = (void *)children->node;

	if (!node)
		return 1;
	children->node = (uint64_t)READ_CORE(node, next);
	return child_try(children, (uint64_t)node - bpf_core_field_offset(struct dentry, d_sib));
}

static long child_step_list(uint32_t index, struct children *children)
{
	struct list_head *node = (void *)children->node;

	if (!node || children->node == children->head)
		return 1;
	children->node = (uint64_t)READ_CORE(node, next);
	return child_try(children, (uint64_t)node - bpf_core_field_offset(struct dentry___lists, d_child));
}

enum { CHILD_UNKNOWN = 1 };

/* The same where the kernel's table of names isn't known, or isn't the one that this directory's names are in. */
__noinline uint64_t child_search(struct scratch *s, uint64_t directory, uint32_t len)
{
	struct children children = { .s = s, .len = len };
	struct dentry *dir = (void *)directory;
	struct dentry___lists *old = (void *)directory;

	if (!s)
		return 0;
	if (bpf_core_field_exists(dir->d_children)) {
		children.node = (uint64_t)READ_CORE(dir, d_children.first);
		bpf_loop(CHILDREN_MAX, child_step, &children, 0);
	} else {
		children.head = directory + bpf_core_field_offset(struct dentry___lists, d_subdirs);
		children.node = (uint64_t)READ_CORE(old, d_subdirs.next);
		bpf_loop(CHILDREN_MAX, child_step_list, &children, 0);
	}
	if (!children.found && children.node && children.node != children.head)
		return CHILD_UNKNOWN;
	return children.found;
}

/* The child of a directory that is called scratch.name, or 0; CHILD_UNKNOWN: there are too many to search. */
static __always_inline uint64_t child_find(struct scratch *s, struct dentry *directory, uint32_t len)
{
	if (names.usable && names_are_hashed(directory))
		return name_find(s, (uint64_t)directory, len);
	return child_search(s, (uint64_t)directory, len);
}

/* Where a walk stands; plain numbers, so that global functions can take it. */
struct stand {
	uint64_t dentry;
	uint64_t mount;
	uint64_t node;			/* among the mounts on `mount`, the next to check */
	uint64_t head;
};

static __always_inline void stand_on(struct stand *stand, struct mount *mount)
{
	stand->mount = (uint64_t)mount;
	stand->head = (uint64_t)mount + bpf_core_field_offset(struct mount, mnt_mounts);
	stand->node = (uint64_t)READ_CORE(mount, mnt_mounts.next);
}

static long mount_step(uint32_t index, struct stand *stand)
{
	struct list_head *node = (void *)stand->node;
	struct mount *mount;

	if (!node || stand->node == stand->head)
		return 1;
	mount = (void *)((char *)node - bpf_core_field_offset(struct mount, mnt_child));
	if ((uint64_t)READ_CORE(mount, mnt_mountpoint) == stand->dentry) {
		stand->dentry = (uint64_t)READ_CORE(mount, mnt.mnt_root);
		stand_on(stand, mount);
		return 0;	/* something may be mounted on that in turn */
	}
	stand->node = (uint64_t)READ_CORE(node, next);
	return 0;
}

static __always_inline unsigned int mounted_flag(void)
{
	if (bpf_core_enum_value_exists(enum dentry_flags___new, DCACHE_MOUNTED))
		return bpf_core_enum_value(enum dentry_flags___new, DCACHE_MOUNTED);
	return 1 << 16;
}

/* If something is mounted on the dentry, steps onto it. 1: there are too many mounts to check. */
__noinline int mount_cross(struct stand *stand)
{
	struct dentry *dentry;
	struct stand here;

	if (!stand)
		return 0;
	dentry = (void *)stand->dentry;
	if (!(READ_CORE(dentry, d_flags) & mounted_flag()))
		return 0;
	here.dentry = stand->dentry;
	stand_on(&here, (struct mount *)stand->mount);
	bpf_loop(CHILDREN_MAX, mount_step, &here, 0);
	*stand = here;
	return here.node && here.node != here.head;
}

static long upward_step(uint32_t index, struct walk *walk)
{
	struct mount *mount = walk->at->mount, *up = READ_CORE(mount, mnt_parent);

	if (walk->at->dentry != READ_CORE(mount, mnt.mnt_root) || up == mount)
		return 1;
	walk->at->dentry = READ_CORE(mount, mnt_mountpoint);
	walk->at->mount = up;
	return 0;
}

static __always_inline void walk_to_root(struct walk *walk)
{
	struct task_struct *task = bpf_get_current_task_btf();

	walk->at->dentry = READ_CORE(task, fs, root.dentry);
	walk->at->mount = mount_of(READ_CORE(task, fs, root.mnt));
}

/* ".." */
static __always_inline void walk_up(struct walk *walk)
{
	struct task_struct *task = bpf_get_current_task_btf();

	if (walk->at->dentry == READ_CORE(task, fs, root.dentry) &&
	    walk->at->mount == mount_of(READ_CORE(task, fs, root.mnt)))
		return;
	bpf_loop(64, upward_step, walk, 0);
	walk->at->dentry = READ_CORE(walk->at->dentry, d_parent);
}

/* Puts a link's text in place of what has been walked so far; the rest of the path begins at `pos`. */
static __always_inline long walk_link(struct walk *walk, struct inode *inode, uint32_t pos)
{
	const char *text = READ_CORE(inode, i_link);
	struct scratch *s = walk->s;
	long n, rest;

	if (!text || ++walk->at->links > LINKS_MAX)
		return -1;
	asm volatile("" : "+r"(pos));
	if (pos >= USER_BYTES)
		return -1;
	rest = bpf_probe_read_kernel_str(s->rest, USER_BYTES, s->user + pos);
	n = bpf_probe_read_kernel_str(s->user, USER_BYTES, text);
	if (n <= 0 || rest <= 0)
		return -1;
	n--;
	asm volatile("" : "+r"(n));
	n &= USER_BYTES - 1;
	bpf_probe_read_kernel_str(s->user + n, USER_BYTES, s->rest);
	if (s->user[0] == '/')
		walk_to_root(walk);
	walk->at->pos = walk->at->start = 0;
	return 0;
}

/* The last component: what the path names, in which directory. */
static __always_inline long walk_end(struct walk *walk)
{
	struct place *place = walk->place;
	uint32_t len = walk->at->name_len;
	struct inode *inode;

	place->dir = walk->at->dentry;
	place->mount = walk->at->mount;
	place->status = PLACE_FOUND;
	place->dentry = NULL;
	__builtin_memcpy(place->name, walk->s->name, sizeof(place->name));
	place->name_len = len;
	if (!walk->at->child)
		return 1;
	inode = READ_CORE(walk->at->child, d_inode);
	if (!inode)
		return 1;
	place->dentry = walk->at->child;
	place->dentry_mount = walk->at->child_mount;
	read_stat(&place->stat, (uint64_t)inode);
	return 1;
}

/* The path ended in "/", "." or "..": it names the directory where the walk is. */
static __always_inline long walk_end_here(struct walk *walk)
{
	struct inode *inode = READ_CORE(walk->at->dentry, d_inode);

	walk->at->name_len = 0;
	walk->place->dir = walk->place->dentry = walk->at->dentry;
	walk->place->mount = walk->place->dentry_mount = walk->at->mount;
	walk->place->status = PLACE_FOUND;
	walk->place->name_len = 0;
	if (inode)
		read_stat(&walk->place->stat, (uint64_t)inode);
	return 1;
}

/* Copies the component that ends before walk.pos to scratch.name, zeros behind it. */
static __always_inline bool walk_name(struct walk *walk, uint32_t end)
{
	uint32_t start = walk->at->start, len = end - start;
	struct scratch *s = walk->s;

	walk->at->name_len = len;
	if (len >= NAME_BYTES)
		return false;
	__builtin_memset(s->name, 0, sizeof(s->name));
	asm volatile("" : "+r"(start), "+r"(len));
	start &= 2 * USER_BYTES - 1;
	if (start >= 2 * USER_BYTES - NAME_BYTES)
		return false;
	bpf_probe_read_kernel(s->name, len & (NAME_BYTES - 1), s->user + start);
	return true;
}

/* Finds the object that scratch.name names in the current directory. False: it can't be found out. */
static __always_inline bool walk_child(struct walk *walk)
{
	struct stand stand = { .mount = (uint64_t)walk->at->mount };

	stand.dentry = child_find(walk->s, walk->at->dentry, walk->at->name_len);
	if (stand.dentry == CHILD_UNKNOWN || (stand.dentry && mount_cross(&stand)))
		return false;
	walk->at->child = (void *)stand.dentry;
	walk->at->child_mount = (void *)stand.mount;
	return true;
}

/* A component is complete, and ends before `end`; `last` if only slashes follow. 1 ends the walk. */
static __always_inline long walk_component(struct walk *walk, uint32_t end, bool last)
{
	struct scratch *s = walk->s;
	struct inode *inode;

	if (!walk_name(walk, end))
		return 1;
	if (s->name[0] == '.' && walk->at->name_len == 1)
		return last ? walk_end_here(walk) : 0;
	if (s->name[0] == '.' && s->name[1] == '.' && walk->at->name_len == 2) {
		walk_up(walk);
		return last ? walk_end_here(walk) : 0;
	}
	if (!walk_child(walk))
		return 1;
	if (!walk->at->child)
		return last ? walk_end(walk) : 1;
	inode = READ_CORE(walk->at->child, d_inode);
	if (inode && (READ_CORE(inode, i_mode) & S_IFMT) == S_IFLNK && (!last || walk->at->flags & WALK_FOLLOW))
		return walk_link(walk, inode, end) ? 1 : 0;
	if (last)
		return walk_end(walk);
	if (!inode)
		return 1;
	walk->at->dentry = walk->at->child;
	walk->at->mount = walk->at->child_mount;
	return 0;
}

/* One character. The place's status stays PLACE_LOST unless one of the walk_end functions was reached. */
static long walk_step(uint32_t index, struct walk *walk)
{
	uint32_t pos = walk->at->pos, end, next;
	char c, d;

	asm volatile("" : "+r"(pos));
	if (pos >= 2 * USER_BYTES - 2)
		return 1;
	c = walk->s->user[pos];
	if (c && c != '/') {
		walk->at->pos = pos + 1;
		return 0;
	}
	end = pos;
	d = c ? walk->s->user[pos + 1] : 0;
	next = pos + 1;
	walk->at->pos = c ? next : pos;
	if (walk->at->start == end) {	/* "//", a leading or a trailing slash */
		walk->at->start = next;
		return c ? 0 : walk_end_here(walk);
	}
	if (walk_component(walk, end, !d))
		return 1;
	if (walk->at->pos == (c ? next : pos))	/* not rewound by a link */
		walk->at->start = next;
	return c ? 0 : walk->at->pos ? 1 : 0;
}

/* Follows the text in scratch.user from `base`. */
__noinline int walk_user(struct scratch *s, struct place *place, struct path *base, uint32_t flags)
{
	struct walk walk = { .s = s, .place = place };

	if (!s || !place || !base)
		return 0;
	walk.at = &s->walk;
	s->walk.dentry = base->dentry;
	s->walk.mount = mount_of(base->mnt);
	s->walk.flags = flags;
	s->walk.pos = s->walk.start = s->walk.links = s->walk.name_len = 0;
	place->status = PLACE_LOST;
	place->dir = base->dentry;
	place->mount = s->walk.mount;
	place->dentry = NULL;
	place->name_len = 0;
	if (s->user[0] == '/')
		walk_to_root(&walk);
	bpf_loop(1 << 16, walk_step, &walk, 0);
	return 0;
}

/* The directory that a path argument starts from: the current one, or an open one. */
static __always_inline bool base_of(struct path *base, int dirfd)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct file *file;

	if (dirfd == AT_FDCWD) {
		base->mnt = READ_CORE(task, fs, pwd.mnt);
		base->dentry = READ_CORE(task, fs, pwd.dentry);
		return true;
	}
	file = file_of_fd(dirfd);
	if (!file)
		return false;
	base->mnt = READ_CORE(file, f_path.mnt);
	base->dentry = READ_CORE(file, f_path.dentry);
	return true;
}

/* Where a program's path argument leads. With AT_EMPTY_PATH semantics an empty text is the directory itself. */
static __always_inline int walk_argument(struct scratch *s, struct place *place, int dirfd, uint64_t text,
					 uint32_t flags)
{
	struct path base = {};

	if (!s || !place)
		return 0;
	place->status = PLACE_NONE;
	if (bpf_probe_read_user_str(s->user, USER_BYTES, (void *)text) <= 0)
		return 0;
	if (!base_of(&base, s->user[0] == '/' ? AT_FDCWD : dirfd))
		return 0;
	return walk_user(s, place, &base, flags);
}

/* Puts the found object into the record, with the stat of the moment when it was found. */
__noinline uint32_t put_place(struct scratch *s, struct place *place)
{
	struct es_file_part *part;
	struct path path = {};
	uint32_t off;

	if (!s || !place)
		return 0;
	part = file_part(s, &off);
	if (!part)
		return 0;
	if (place->dentry)
		part->stat = place->stat;
	else
		part->flags = ES_FILE_NO_STAT;
	path.dentry = place->dir;
	path.mnt = (void *)((char *)place->mount + bpf_core_field_offset(struct mount, mnt));
	__builtin_memcpy(s->name, place->name, sizeof(s->name));
	put_path_at(s, part, &path, place->name_len);
	return off;
}

/* Puts the directory of a place into the record. */
static __always_inline uint32_t put_place_dir(struct scratch *s, struct place *place)
{
	struct path path = {
		.dentry = place->dir,
		.mnt = (void *)((char *)place->mount + bpf_core_field_offset(struct mount, mnt)),
	};

	return put_path(s, &path);
}

/* Puts a path that could not be followed: the text itself (still in scratch.user), below its starting directory. */
__noinline uint32_t put_lexical(struct scratch *s, struct path *base)
{
	struct es_file_part *part;
	struct es_span span = {};
	uint32_t off, end;

	if (!s || !base)
		return 0;
	part = file_part(s, &off);
	if (!part)
		return 0;
	part->flags = ES_FILE_NO_STAT | ES_FILE_LEXICAL;
	s->doubtful = 1;
	__sync_fetch_and_add(&stats.unresolved, 1);
	if (s->user[0] == '/') {
		put_string(s, &part->path, s->user, USER_BYTES);
		s->on_scoped_mount = 1;		/* its mount isn't known: rather report too much than too little */
		return off;
	}
	put_path_at(s, part, base, 0);
	end = part->path.off + part->path.len;
	asm volatile("" : "+r"(end));
	if (!part->path.off || end >= RECORD_BYTES)
		return off;
	s->record[end] = '/';
	s->used = end + 1;
	put_string(s, &span, s->user, USER_BYTES);
	if (span.off)
		part->path.len += 1 + span.len;
	return off;
}
