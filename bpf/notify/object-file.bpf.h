/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * (1) Opening, writing, mapping and closing files: the open file that the kernel makes, until it releases it.
 *
 *	file_post_open, vfs_tmpfile; before 6.12 do_dentry_open	OPEN, CREATE
 *	file_permission			WRITE, and what CLOSE says
 *	file_release; before 6.12 __fput	CLOSE, PTY_CLOSE
 *	vm_mmap_pgoff, do_mprotect_pkey	MMAP, MPROTECT
 *	file_mprotect			what CLOSE says
 *	vfs_copy_file_range, vfs_clone_file_range	COPYFILE, CLONE
 */

#include "bpf/notify/file.bpf.h"
#include "bpf/notify/object.bpf.h"

/* See opened_by_file_system() in hold/file.bpf.h. */
static __always_inline bool is_layers_file(struct file *file, struct path *path)
{
	if (READ_FAST(file, f_mode) & LINUX_FMODE_NOACCOUNT &&
	    READ_FAST(path->dentry, d_inode) != READ_FAST(file, f_inode))
		return true;
	return is_layer((uint64_t)path->mnt);
}

/* ---- open ---- */

__noinline int send_opened(uint64_t address)
{
	struct file *file = (void *)address;
	struct path path = path_of_file(address);
	uint64_t slots;
	struct scratch *s;

	if (READ_FAST(file, f_mode) & FMODE_PATH || READ_FAST(file, f_flags) & LINUX_FMODE_EXEC ||
	    is_layers_file(file, &path))
		return 0;
	if (READ_FAST(file, f_mode) & FMODE_CREATED && !nobody_wants(EV_NOTIFY_CREATE))
		send_object(EV_NOTIFY_CREATE, &path, 0, 0);
	slots = wanted_by(EV_NOTIFY_OPEN);
	s = object_begin_on(EV_NOTIFY_OPEN, &path, &slots);
	if (!s)
		return 0;
	if (slots) {
		head_of(s)->file[0] = put_path(s, &path);
		head_of(s)->num[0] = READ_FAST(file, f_mode) & (FMODE_READ | FMODE_WRITE);
		head_of(s)->flags = ES_RECORD_FLAGS_RESULT;
		head_of(s)->result = (uint32_t)-1;
	}
	event_send(s, slots);
	return 0;
}

static __always_inline bool nobody_wants_opens(void)
{
	return nobody_wants(EV_NOTIFY_OPEN) && nobody_wants(EV_NOTIFY_CREATE);
}

static __always_inline void see_opened(void *ctx)
{
	if (!nobody_wants_opens())
		send_opened(arg(ctx, 0));
}

static __always_inline void done_opened(void *ctx, uint32_t number)
{
	if (!nobody_wants_opens() && !result_of(ctx))
		send_opened(arg(ctx, number));
}

OBJECT_HOOK(file_post_open, see_opened(ctx))
OBJECT_DONE(vfs_tmpfile, done_opened(ctx, 2))
OBJECT_DONE(do_dentry_open, done_opened(ctx, 0))

/* ---- write ---- */

__noinline int see_written(uint64_t address, uint32_t how)
{
	struct file *file = (void *)address;
	struct path path = path_of_file(address);

	if (!is_layers_file(file, &path) && file_written(address, how) && !nobody_wants(EV_NOTIFY_WRITE))
		send_object(EV_NOTIFY_WRITE, &path, 0, 0);
	return 0;
}

static __always_inline bool nobody_wants_writes(void)
{
	return nobody_wants(EV_NOTIFY_WRITE) && nobody_wants(EV_NOTIFY_CLOSE);
}

static __always_inline void see_permission(void *ctx)
{
	enum { LINUX_MAY_WRITE = 2 };

	if (!nobody_wants_writes() && arg(ctx, 1) & LINUX_MAY_WRITE)
		see_written(arg(ctx, 0), WRITTEN);
}

OBJECT_HOOK(file_permission, see_permission(ctx))

/* ---- close ---- */

__noinline int send_closed(uint64_t address)
{
	enum { FMODE_OPENED_ = 0x80000 };
	struct file *file = (void *)address;
	struct path path = path_of_file(address);
	uint32_t how, mode = READ_FAST(file, f_mode);
	uint64_t key = address;

	how = written_how(key);
	if (how)
		bpf_map_delete_elem(&written, &key);
	if (how & OURS || mode & FMODE_PATH || !(mode & FMODE_OPENED_) || READ_FAST(file, f_flags) & LINUX_FMODE_EXEC ||
	    is_internal(&path) || is_layers_file(file, &path))
		return 0;
	if (!nobody_wants(EV_NOTIFY_PTY_CLOSE)) {
		uint32_t dev = pty_of_master(file);
		uint64_t slots = dev ? wanted_by(EV_NOTIFY_PTY_CLOSE) : 0;
		struct scratch *s = object_begin(EV_NOTIFY_PTY_CLOSE, slots);

		if (s) {
			head_of(s)->num[0] = dev;
			event_send(s, slots);
		}
	}
	if (!nobody_wants(EV_NOTIFY_CLOSE))
		send_object(EV_NOTIFY_CLOSE, &path, how & WRITTEN ? 1 : 0, how & MAPPED_WRITABLE ? 1 : 0);
	return 0;
}

static __always_inline void see_closed(void *ctx)
{
	if (!nobody_wants(EV_NOTIFY_CLOSE) || !nobody_wants(EV_NOTIFY_PTY_CLOSE) || !nobody_wants(EV_NOTIFY_WRITE))
		send_closed(arg(ctx, 0));
}

OBJECT_HOOK(file_release, see_closed(ctx))
OBJECT_ENTRY(__fput, see_closed(ctx))

/* ---- memory ---- */

__noinline int send_mapped(uint64_t address, uint64_t protection, uint64_t flags, uint64_t offset)
{
	struct path path = path_of_file(address);
	uint64_t slots;
	struct scratch *s;

	if (protection & LINUX_PROT_WRITE && flags & LINUX_MAP_SHARED && !nobody_wants(EV_NOTIFY_CLOSE))
		file_written(address, MAPPED_WRITABLE);
	slots = nobody_wants(EV_NOTIFY_MMAP) ? 0 : wanted_by(EV_NOTIFY_MMAP);
	s = object_begin_on(EV_NOTIFY_MMAP, &path, &slots);
	if (!s)
		return 0;
	if (slots) {
		put_mmap(s, (struct file *)address, protection, flags);
		head_of(s)->num[3] = offset;
	}
	event_send(s, slots);
	return 0;
}

/* vm_mmap_pgoff(file, address, length, protection, flags, page). What an exec maps of its program is left out. */
static __always_inline void done_map(void *ctx)
{
	enum { PAGE_SHIFT_ = 12 };
	int64_t result = long_result_of(ctx);
	uint64_t file = arg(ctx, 0), flags = arg(ctx, 4);

	if ((nobody_wants(EV_NOTIFY_MMAP) && nobody_wants(EV_NOTIFY_CLOSE)) || !file || flags & LINUX_MAP_ANONYMOUS)
		return;
	if ((result < 0 && result >= -4095) || current_syscall().kind == ES_KIND_EXEC)
		return;
	send_mapped(file, arg(ctx, 3), flags, arg(ctx, 5) << PAGE_SHIFT_);
}

OBJECT_DONE(vm_mmap_pgoff, done_map(ctx))

__noinline int send_protected(uint64_t start, uint64_t length, uint64_t protection)
{
	uint64_t slots = wanted_by(EV_NOTIFY_MPROTECT);
	struct scratch *s = object_begin(EV_NOTIFY_MPROTECT, slots);

	if (!s)
		return 0;
	head_of(s)->num[0] = protection;
	head_of(s)->num[1] = start;
	head_of(s)->num[2] = length;
	event_send(s, slots);
	return 0;
}

static __always_inline void done_protect(void *ctx)
{
	if (!nobody_wants(EV_NOTIFY_MPROTECT) && !result_of(ctx))
		send_protected(arg(ctx, 0), arg(ctx, 1), arg(ctx, 2));
}

OBJECT_DONE(do_mprotect_pkey, done_protect(ctx))

/* A mapping becomes writable after it was made. */
static __always_inline void see_mprotect(void *ctx)
{
	enum { VM_SHARED_ = 8 };
	struct vm_area_struct *area = (void *)arg(ctx, 0);
	uint64_t file;

	if (nobody_wants(EV_NOTIFY_CLOSE) || !(arg(ctx, 2) & LINUX_PROT_WRITE))
		return;
	file = READ_SCALAR(area, vm_file);
	if (file && READ_FAST(area, vm_flags) & VM_SHARED_)
		file_written(file, MAPPED_WRITABLE);
}

OBJECT_HOOK(file_mprotect, see_mprotect(ctx))

/* ---- copies ---- */

__noinline int send_copied(uint64_t source, uint64_t target, uint64_t flags)
{
	struct path path = path_of_file(source);
	uint64_t slots = wanted_by(EV_NOTIFY_COPYFILE);
	struct scratch *s;

	if (is_layers_file((struct file *)source, &path))
		return 0;
	s = object_begin(EV_NOTIFY_COPYFILE, slots);
	if (!s)
		return 0;
	put_copy(s, (struct file *)source, (struct file *)target, flags);
	event_send(s, slots);
	return 0;
}

static __always_inline void done_copy(void *ctx)
{
	struct file *source = (void *)arg(ctx, 0);
	int64_t copied = long_result_of(ctx);

	if (nobody_wants(EV_NOTIFY_COPYFILE) || copied <= 0 || copied < READ_FAST(READ_FAST(source, f_inode), i_size))
		return;
	send_copied(arg(ctx, 0), arg(ctx, 2), arg(ctx, 5));
}

OBJECT_DONE(vfs_copy_file_range, done_copy(ctx))

__noinline int send_cloned(uint64_t source, uint64_t target)
{
	struct path path = path_of_file(source);
	uint64_t slots = wanted_by(EV_NOTIFY_CLONE);
	struct scratch *s;

	if (is_layers_file((struct file *)source, &path))
		return 0;
	s = object_begin(EV_NOTIFY_CLONE, slots);
	if (!s)
		return 0;
	head_of(s)->file[0] = put_path(s, &path);
	put_dir_and_name_of(s, &head_of(s)->file[1], &head_of(s)->str[0], (struct file *)target);
	event_send(s, slots);
	return 0;
}

static __always_inline void done_clone(void *ctx)
{
	if (!nobody_wants(EV_NOTIFY_CLONE) && long_result_of(ctx) >= 0)
		send_cloned(arg(ctx, 0), arg(ctx, 2));
}

OBJECT_DONE(vfs_clone_file_range, done_clone(ctx))
