/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * (N3, A3) Puts files into a record: the path, and the parts of stat(2) that the inode has. The path goes upward from
 * the dentry, through mounts, to the root of the mount namespace, so that a chroot doesn't shorten it.
 */

#include "bpf/base/scope.bpf.h"
#include "bpf/record/ring.bpf.h"
#include "bpf/record/view.bpf.h"

static __always_inline int64_t nanoseconds(int64_t seconds, long ns)
{
	return seconds * 1000000000 + ns;
}

#define READ_TIME(inode, field) ({ \
	struct timespec64 time_ = READ_CORE(inode, field); \
	nanoseconds(time_.tv_sec, time_.tv_nsec); })

static __always_inline void read_times(struct es_stat *stat, struct inode *inode)
{
	struct inode___times_private *private = (void *)inode;
	struct inode___times_plain *plain = (void *)inode;

	if (bpf_core_field_exists(inode->i_atime_sec)) {
		stat->atime_ns = nanoseconds(READ_CORE(inode, i_atime_sec), READ_CORE(inode, i_atime_nsec));
		stat->mtime_ns = nanoseconds(READ_CORE(inode, i_mtime_sec), READ_CORE(inode, i_mtime_nsec));
		/* Since 6.13 the uppermost bit says that a stat(2) has returned this time. */
		stat->ctime_ns = nanoseconds(READ_CORE(inode, i_ctime_sec), READ_CORE(inode, i_ctime_nsec) & 0x7fffffff);
	} else if (bpf_core_field_exists(private->__i_atime)) {
		stat->atime_ns = READ_TIME(private, __i_atime);
		stat->mtime_ns = READ_TIME(private, __i_mtime);
		stat->ctime_ns = READ_TIME(private, __i_ctime);
	} else {
		stat->atime_ns = READ_TIME(plain, i_atime);
		stat->mtime_ns = READ_TIME(plain, i_mtime);
		if (bpf_core_field_exists(plain->__i_ctime))
			stat->ctime_ns = READ_TIME(plain, __i_ctime);
		else
			stat->ctime_ns = READ_TIME(plain, i_ctime);
	}
}

/*
 * The verifier checks functions that are not static once, by themselves, instead of at each call: that keeps the
 * programs within its limit. It allows for NULL in their pointer arguments, which point to our memory, so they test
 * for it. Kernel objects are passed as numbers.
 */
__noinline int read_stat(struct es_stat *stat, uint64_t address)
{
	struct inode *inode = (void *)address;
	uint8_t blkbits = READ_CORE(inode, i_blkbits);

	if (!stat)
		return 0;
	stat->dev = READ_CORE(inode, i_sb, s_dev);
	stat->ino = READ_CORE(inode, i_ino);
	stat->rdev = READ_CORE(inode, i_rdev);
	stat->size = READ_CORE(inode, i_size);
	stat->blocks = READ_CORE(inode, i_blocks);
	stat->mode = READ_CORE(inode, i_mode);
	stat->nlink = READ_CORE(inode, i_nlink);
	stat->uid = READ_CORE(inode, i_uid.val);
	stat->gid = READ_CORE(inode, i_gid.val);
	stat->blksize = 1u << (blkbits & 31);
	stat->gen = READ_CORE(inode, i_generation);
	read_times(stat, inode);
	return 0;
}

static __always_inline uint32_t text_bounded(uint32_t pos)
{
	asm volatile("" : "+r"(pos));
	return pos & (TEXT_BYTES - 1);
}

static __always_inline void climb_prepend(struct scratch *s, const void *text, uint32_t len)
{
	uint32_t pos = s->climb.pos;

	asm volatile("" : "+r"(len));
	len &= NAME_BYTES - 1;
	if (pos < len + 1) {
		s->climb.full = true;
		return;
	}
	pos -= len;
	bpf_probe_read_kernel(&s->text[text_bounded(pos)], len, text);
	s->climb.pos = pos;
}

static __always_inline void climb_slash(struct scratch *s)
{
	uint32_t pos = s->climb.pos - 1;

	s->text[text_bounded(pos)] = '/';
	s->climb.pos = pos;
}

/* Reads where a mount is mounted: with one read, if the kernel's struct has its usual layout. */
static __always_inline void climb_mount(struct climb *climb, uint64_t address)
{
	struct mount *mount = (void *)address;
	const uint32_t at = bpf_core_field_offset(mount->mnt_parent);

	climb->mount = address;
	if (bpf_rdonly_cast || bpf_core_field_offset(mount->mnt_mountpoint) != at + 8 ||
	    bpf_core_field_offset(mount->mnt.mnt_root) != at + 16) {
		climb->up = READ_SCALAR(mount, mnt_parent);
		climb->place = READ_SCALAR(mount, mnt_mountpoint);
		climb->root = READ_SCALAR(mount, mnt.mnt_root);
		return;
	}
	bpf_probe_read_kernel(&climb->up, 3 * sizeof(climb->up), (char *)mount + at);
}

/* Reads the parent, and the name in it: with one read, if the kernel's struct has its usual layout. */
static __always_inline struct dentry *climb_look(struct dentry *dentry, const unsigned char **name, uint32_t *len)
{
	struct { struct dentry *parent; uint32_t hash, len; const unsigned char *name; } read = {};
	const uint32_t at = bpf_core_field_offset(dentry->d_parent);

	if (bpf_rdonly_cast || bpf_core_field_offset(dentry->d_name.len) != at + 12 ||
	    bpf_core_field_offset(dentry->d_name.name) != at + 16) {
		*name = READ_FAST(dentry, d_name.name);
		*len = READ_FAST(dentry, d_name.len);
		return READ_FAST(dentry, d_parent);
	}
	bpf_probe_read_kernel(&read, sizeof(read), (char *)dentry + at);
	*name = read.name;
	*len = read.len;
	return read.parent;
}

static long climb_step(uint32_t index, struct scratch **context)
{
	struct scratch *s = *context;
	struct climb *climb = &s->climb;
	struct dentry *dentry = (void *)climb->dentry, *parent;
	const unsigned char *name;
	uint32_t len;

	if (climb->dentry == climb->root) {
		if (climb->up == climb->mount)
			return 1;
		climb->dentry = climb->place;
		climb_mount(climb, climb->up);
		return 0;
	}
	parent = climb_look(dentry, &name, &len);
	if (dentry == parent)
		return 1;	/* it was moved away from below the mount's root */
	climb_prepend(s, name, len);
	if (climb->full)
		return 1;
	climb_slash(s);
	climb->dentry = (uint64_t)parent;
	return 0;
}

/* Climbs up to the root; false: the way didn't lead there. True also if the text has no room. */
static __always_inline bool climb_up(struct scratch *s)
{
	bpf_loop(TEXT_BYTES / 2, climb_step, &s, 0);
	if (s->climb.pos == TEXT_BYTES - 1)
		climb_slash(s);
	return s->climb.full || s->climb.dentry == s->climb.root;
}

/* Moves the text from scratch.text to the record's end. */
static __always_inline void put_climbed(struct scratch *s, struct es_file_part *part, struct es_span *span)
{
	uint32_t off = s->used, pos = s->climb.pos, len = TEXT_BYTES - 1 - pos;
	uint8_t *to;

	if (len > ES_PATH_BYTES)
		len = ES_PATH_BYTES;
	if (s->climb.full || len == ES_PATH_BYTES)
		part->flags |= ES_FILE_TRUNCATED;
	if (off >= RECORD_BYTES - ES_PATH_BYTES - 1)
		return;
	to = at(s, off);
	asm volatile("" : "+r"(pos), "+r"(len));
	pos &= TEXT_BYTES - 1;
	if (len > ES_PATH_BYTES)
		len = ES_PATH_BYTES;
	bpf_probe_read_kernel(to, len, &s->text[pos]);
	asm volatile("" : "+r"(len));
	to[len & (RECORD_SLACK - 1)] = 0;
	span->off = off;
	span->len = len;
	s->used = off + len + 1;
}

static __always_inline bool is_unhashed(struct dentry *dentry)
{
	return !READ_FAST(dentry, d_hash.pprev) && READ_FAST(dentry, d_parent) != dentry;
}

static const char deleted_text[] = " (deleted)";

/* A walk begins at a dentry, or at the name of `name_len` bytes in scratch.name that is in it. */
static __always_inline void climb_start(struct scratch *s, struct es_file_part *part, uint64_t dentry, uint64_t mount,
					uint32_t name_len)
{
	s->climb.pos = TEXT_BYTES - 1;
	s->climb.full = false;
	s->climb.dentry = dentry;
	climb_mount(&s->climb, mount);
	if (!part)
		return;
	if (!name_len && is_unhashed((void *)dentry)) {
		part->flags |= ES_FILE_DELETED;
		climb_prepend(s, deleted_text, sizeof(deleted_text) - 1);
	}
	if (name_len) {
		climb_prepend(s, s->name, name_len);
		climb_slash(s);
	}
}

/*
 * Makes the text of a path backward, in scratch.text, from scratch.climb.pos to TEXT_BYTES - 1. False: it isn't the
 * one in the initial namespace. With `part` it also goes into the record.
 */
__noinline int put_path_here(struct scratch *s, struct es_file_part *part, struct path *path, uint32_t name_len)
{
	struct mount *mount;
	bool here;

	if (!s || !path)
		return false;
	mount = mount_of(path->mnt);
	here = mount_is_here(mount);
	climb_start(s, part, (uint64_t)path->dentry, (uint64_t)mount, name_len);
	here &= climb_up(s);
	if (!part)
		return here && !s->climb.full;
	if (mount_in_scope(mount))
		s->on_scoped_mount = 1;
	put_climbed(s, part, here ? &part->path : &part->own);
	return here;
}

/* The path that was found by view_find(). False: the way up doesn't lead there. */
static __always_inline bool put_view(struct scratch *s, struct es_file_part *part, struct es_span *span, uint32_t name_len)
{
	climb_start(s, part, s->view.dentry, s->view.found, name_len);
	if (!climb_up(s))
		return false;
	put_climbed(s, part, span);
	if (mount_in_scope((void *)s->view.found))
		s->on_scoped_mount = 1;
	return true;
}

/* The path that a file in layers has in its layer, as far as the initial namespace shows that. */
__noinline int put_real(struct scratch *s, struct es_file_part *part, uint64_t dentry, uint32_t name_len)
{
	bool hint = true;

	if (!s || !part)
		return 0;
	s->view.dentry = real_dentry(dentry);
	if (!s->view.dentry)
		return 0;
again:
	view_find(s, READ_SCALAR((struct dentry *)s->view.dentry, d_sb), hint);
	if (!s->view.found)
		return 0;
	if (put_view(s, part, &part->real, name_len))
		return 0;
	if (hint && s->view.hinted) {
		hint = false;
		goto again;
	}
	return 0;
}

/* The path in the initial namespace of a file that was reached by a mount elsewhere. False: it has none. */
__noinline int put_path_there(struct scratch *s, struct es_file_part *part, struct path *path, uint32_t name_len)
{
	bool hint = true;

	if (!s || !part || !path)
		return false;
again:
	s->view.dentry = (uint64_t)path->dentry;
	view_find(s, READ_SCALAR(mount_of(path->mnt), mnt.mnt_root), hint);
	if (!s->view.found)
		return false;
	if (put_view(s, part, &part->path, name_len))
		return true;
	if (hint && s->view.hinted) {
		hint = false;
		goto again;
	}
	return false;
}

/* The file has no path there. If it is one in layers its real file's path will do, else the one that the actor used. */
static __always_inline void put_path_else(struct scratch *s, struct es_file_part *part, struct path *path,
					  uint32_t name_len)
{
	put_real(s, part, (uint64_t)path->dentry, name_len);
	if (part->real.off) {
		part->path = part->real;
		part->flags |= ES_FILE_REAL;
		if (part->stat.ino && !name_len)
			read_stat(&part->stat, READ_SCALAR((struct dentry *)s->view.dentry, d_inode));
		return;
	}
	part->path = part->own;
	part->flags |= ES_FILE_UNREACHABLE;
	s->doubtful = 1;
}

/* Puts the path of a dentry into the record, or, with a `name_len`, of the name in scratch.name in that directory. */
static __always_inline void put_path_at(struct scratch *s, struct es_file_part *part, struct path *path, uint32_t name_len)
{
	if (put_path_here(s, part, path, name_len)) {
		if (control.inverted_targets)
			put_real(s, part, (uint64_t)path->dentry, name_len);
		return;
	}
	part->mnt_ns = READ_CORE(mount_of(path->mnt), mnt_ns, ns.inum);
	if (!put_path_there(s, part, path, name_len))
		put_path_else(s, part, path, name_len);
}

/* Is it a file of one of the kernel's internal mounts: a pipe, socket, memfd or the like? */
static __always_inline bool is_internal(struct path *path)
{
	struct dentry_operations *ops = (void *)READ_FAST(path->dentry, d_op);
	struct mount *mount = mount_of(path->mnt);

	if (!ops || !READ_FAST(ops, d_dname))
		return false;
	return READ_FAST(mount, mnt_parent) == mount && path->dentry != READ_FAST(mount, mnt.mnt_root);
}

__noinline int put_internal_name(struct scratch *s, struct es_file_part *part, struct path *path)
{
	const unsigned char *name;
	unsigned long magic, ino;
	uint32_t off;
	char *text;
	long n;

	if (!s || !part || !path)
		return 0;
	magic = READ_CORE(path->dentry, d_sb, s_magic);
	ino = READ_CORE(path->dentry, d_inode, i_ino);
	name = READ_CORE(path->dentry, d_name.name);
	text = (char *)s->text;
	off = s->used;
	if (off >= RECORD_BYTES - 2 * NAME_BYTES)
		return 0;
	if (magic == LINUX_PIPEFS_MAGIC) {
		n = BPF_SNPRINTF(text, NAME_BYTES, "pipe:[%lu]", ino);
	} else if (magic == LINUX_SOCKFS_MAGIC) {
		n = BPF_SNPRINTF(text, NAME_BYTES, "socket:[%lu]", ino);
	} else {
		bpf_probe_read_kernel_str(s->name, NAME_BYTES, name);
		if (magic == LINUX_ANON_INODE_FS_MAGIC) {
			n = BPF_SNPRINTF(text, NAME_BYTES, "anon_inode:%s", s->name);
		} else {
			n = BPF_SNPRINTF(text, NAME_BYTES, "/%s (deleted)", s->name);
			part->flags |= ES_FILE_DELETED;
		}
	}
	put_string(s, &part->path, text, NAME_BYTES);
	return n < 0;
}

/* An empty part for a file, and its offset; NULL: there is no room. */
static __always_inline struct es_file_part *file_part(struct scratch *s, uint32_t *ret_off)
{
	struct es_file_part *part;

	*ret_off = append(s, sizeof(*part));
	if (!*ret_off)
		return NULL;
	part = at(s, *ret_off);
	__builtin_memset(part, 0, sizeof(*part));
	return part;
}

/* A file into the record; returns its offset, or 0 if there is no room. */
__noinline uint32_t put_path(struct scratch *s, struct path *path)
{
	struct es_file_part *part;
	struct inode *inode;
	uint32_t off;

	if (!s || !path)
		return 0;
	inode = READ_CORE(path->dentry, d_inode);
	part = file_part(s, &off);
	if (!part)
		return 0;
	if (inode)
		read_stat(&part->stat, (uint64_t)inode);
	else
		part->flags = ES_FILE_NO_STAT;
	if (is_internal(path))
		put_internal_name(s, part, path);
	else
		put_path_at(s, part, path, 0);
	return off;
}

/* The file that is called scratch.name, `name_len` bytes, in a directory, now or at another time; mode 0: it isn't known. */
__noinline uint32_t put_as_was(struct scratch *s, struct path *dir, struct es_stat *stat, uint32_t name_len)
{
	struct es_file_part *part;
	uint32_t off;

	if (!s || !dir || !stat)
		return 0;
	part = file_part(s, &off);
	if (!part)
		return 0;
	if (stat->mode)
		part->stat = *stat;
	else
		part->flags = ES_FILE_NO_STAT;
	put_path_at(s, part, dir, name_len);
	return off;
}

static __always_inline uint32_t put_file(struct scratch *s, struct file *file)
{
	struct path path = {};

	if (!file)
		return 0;
	path.mnt = READ_CORE(file, f_path.mnt);
	path.dentry = READ_CORE(file, f_path.dentry);
	return put_path(s, &path);
}

/* The open file behind a descriptor of the current process, or NULL. */
static __noinline struct file *file_of_fd(int fd)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct fdtable *table = task->files->fdt;
	struct file **files, *file = NULL;

	if (!table || fd < 0 || (unsigned int)fd >= table->max_fds)
		return NULL;
	files = table->fd;
	if (bpf_probe_read_kernel(&file, sizeof(file), &files[fd]))
		return NULL;
	return file;
}
