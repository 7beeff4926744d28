/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * (A1) AUTH_OPEN of an open that makes its file. At file_open the file exists, and an open that started over would
 * find it. With O_EXCL it would fail. Without, it would have less access than its maker has, or empty the file once
 * more. So the task sleeps there in one piece. If the gate is shut, or there is none, path_mknod asks instead, before
 * anything is made: by directory, name, and the access that the call asks for. That answer counts at file_open.
 * Called by hold/name.bpf.h and hold/file.bpf.h.
 */

#include "bpf/hold/hook.bpf.h"
#include "bpf/record/file.bpf.h"

/* From the call's arguments, what fflag_asked() returns once there is a file. */
static __noinline uint32_t fflag_passed(void)
{
	struct syscall_args args;
	uint64_t flags;

	args_of_current(&args);
	flags = open_flags_passed(&args);
	return ((flags + 1) & O_ACCMODE) | (flags & O_TRUNC ? FMODE_WRITE : 0);
}

static __always_inline void put_making(struct scratch *s, const struct path *dir, struct dentry *dentry, uint32_t fflag)
{
	struct path at_ = { .mnt = READ_CORE(dir, mnt), .dentry = READ_CORE(dir, dentry) };
	long n = bpf_probe_read_kernel_str(s->name, NAME_BYTES, READ_CORE(dentry, d_name.name));

	s->place.stat.mode = 0;
	head_of(s)->file[0] = put_as_was(s, &at_, &s->place.stat, n > 0 ? n - 1 : 0);
	head_of(s)->num[0] = fflag;
	if (head_of(s)->type == EV_NOTIFY_OPEN) {
		head_of(s)->flags = ES_RECORD_FLAGS_RESULT;
		head_of(s)->result = 0;
	}
}

static __noinline int ask_making(const struct path *dir, struct dentry *dentry)
{
	struct question q = {};
	uint32_t fflag;

	if (!control.subscribers[EV_AUTH_OPEN] || current_syscall().kind != ES_KIND_OPEN || without_syscall() ||
	    by_kernel() || gate_open(EV_AUTH_OPEN))
		return 0;
	fflag = fflag_passed();
	if (!question_open(&q, EV_AUTH_OPEN, EV_NOTIFY_OPEN, inode_key(READ_CORE(dir, dentry)), name_key(dentry), fflag))
		return 0;
	return question_ask(&q, WAIT_RESTART, put_making(s, dir, dentry, fflag));
}

/* Did this open make the file? A message queue is made before, unmarked: then O_CREAT decides. */
static __always_inline bool made_by_open(struct file *file)
{
	uint32_t flags = READ_CORE(file, f_flags);

	if (flags & LINUX_O_TMPFILE)
		return false;
	return READ_CORE(file, f_mode) & FMODE_CREATED ||
	       (flags & O_CREAT && READ_CORE(file, f_inode, i_sb, s_magic) == LINUX_MQUEUE_MAGIC);
}

/* Was the open of this file allowed at path_mknod, in this call, with the same access? */
static __noinline bool making_allowed(struct file *file)
{
	struct dentry *dentry = READ_CORE(file, f_path.dentry);

	return call_allowed(EV_AUTH_OPEN, inode_key(READ_CORE(dentry, d_parent)), name_key(dentry), fflag_asked(file));
}
