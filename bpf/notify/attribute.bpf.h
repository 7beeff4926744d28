/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * (N1) Reading and changing a file's mode, owner, times, extended attributes, flags and size; a process's directories;
 * reading directories and links.
 */

#include "bpf/base/syscall-args.bpf.h"
#include "bpf/notify/file.bpf.h"
#include "bpf/record/argument.bpf.h"
#include "bpf/select/event.bpf.h"

struct user_time {
	int64_t seconds;
	int64_t fraction;		/* ns or microseconds */
};

/* The times that a program asks for. For "now", and for 32-bit programs' forms, the times that the file got. */
static __noinline int put_times(struct scratch *s, struct syscall_args *args)
{
	uint64_t address = args->variant == ES_VARIANT_AT || args->variant == ES_VARIANT_AT2 ? args->a[2] : args->a[1];
	struct es_file_part *part = at(s, head_of(s)->file[0]);
	int64_t *num = head_of(s)->num;
	struct user_time times[2];
	int64_t plain[2];
	uint32_t scale = args->variant == ES_VARIANT_AT2 ? 1 : 1000;

	num[0] = (uint64_t)part->stat.atime_ns / 1000000000;
	num[1] = (uint64_t)part->stat.atime_ns % 1000000000;
	num[2] = (uint64_t)part->stat.mtime_ns / 1000000000;
	num[3] = (uint64_t)part->stat.mtime_ns % 1000000000;
	if (!address || args->compat)
		return 0;
	if (args->variant == ES_VARIANT_PLAIN) {	/* utime(): two time_t */
		if (bpf_probe_read_user(plain, sizeof(plain), (void *)address))
			return 0;
		num[0] = plain[0];
		num[2] = plain[1];
		num[1] = num[3] = 0;
		return 0;
	}
	if (bpf_probe_read_user(times, sizeof(times), (void *)address))
		return 0;
	num[0] = times[0].seconds;
	num[1] = times[0].fraction * scale;
	num[2] = times[1].seconds;
	num[3] = times[1].fraction * scale;
	return 0;
}

/* A kind's event type, the argument that is its first number, and that of the *at() flags; 0: none. */
struct attribute {
	uint8_t type;
	uint8_t number;
	uint8_t flags;
};

static __always_inline struct attribute attribute_of(struct syscall_args *args)
{
	bool at = args->variant == ES_VARIANT_AT || args->variant == ES_VARIANT_AT2;

	switch (args->kind) {
	case ES_KIND_TRUNCATE:
		return (struct attribute){ EV_NOTIFY_TRUNCATE, 0, 0 };
	case ES_KIND_CHMOD:
		return (struct attribute){ EV_NOTIFY_SETMODE, at ? 2 : 1, args->variant == ES_VARIANT_AT2 ? 3 : 0 };
	case ES_KIND_CHOWN:
		return (struct attribute){ EV_NOTIFY_SETOWNER, at ? 2 : 1, at ? 4 : 0 };
	case ES_KIND_UTIMES:
		return (struct attribute){ EV_NOTIFY_UTIMES, 0, args->variant == ES_VARIANT_AT2 ? 3 : 0 };
	case ES_KIND_STAT:
		return (struct attribute){ EV_NOTIFY_STAT, 0, args->variant == ES_VARIANT_AT2 ? 2 : at ? 3 : 0 };
	case ES_KIND_ACCESS:
		return (struct attribute){ EV_NOTIFY_ACCESS, at ? 2 : 1, args->variant == ES_VARIANT_AT2 ? 3 : 0 };
	case ES_KIND_READLINK:
		return (struct attribute){ EV_NOTIFY_READLINK, 0, 0 };
	case ES_KIND_READDIR:
		return (struct attribute){ EV_NOTIFY_READDIR, 0, 0 };
	case ES_KIND_LISTXATTR:
		return (struct attribute){ EV_NOTIFY_LISTEXTATTR, 0, at ? 2 : 0 };
	case ES_KIND_SETFLAGS:
		return (struct attribute){ EV_NOTIFY_SETFLAGS, 0, 4 };
	default:
		return (struct attribute){ EV_NOTIFY_STAT, 0, 0 };
	}
}

SEC("tp_btf/sys_exit")
int BPF_PROG(exit_attribute, struct pt_regs *regs, long ret)
{
	struct syscall_args *args;
	struct attribute attribute;
	uint32_t at_flags = 0;
	struct scratch *s;
	uint64_t slots;

	if (ret < 0)
		return 0;
	args = args_of(regs);
	if (!args)
		return 0;
	attribute = attribute_of(args);
	slots = call_clients(attribute.type);
	if (!slots)
		return 0;
	if (args->kind == ES_KIND_READLINK)
		at_flags = AT_SYMLINK_NOFOLLOW;
	else if (attribute.flags)
		at_flags = args->a[attribute.flags & 7 & (attribute.flags < 6 ? 7 : 0)];
	s = event_begin(attribute.type, slots);
	if (s) {
		struct es_record *head = head_of(s);

		head->file[0] = put_target(s, args, at_flags);
		if (args->kind == ES_KIND_UTIMES)
			put_times(s, args);
		else if (args->kind == ES_KIND_SETFLAGS)	/* FS_XFLAG_*, as of ioctl FS_IOC_FSSETXATTR */
			bpf_probe_read_user(&head->num[0], sizeof(uint32_t), (void *)args->a[2]);
		else if (attribute.number == 1)
			head->num[0] = (uint32_t)args->a[1];
		else if (attribute.number == 2)
			head->num[0] = (uint32_t)args->a[2];
		if (args->kind == ES_KIND_CHOWN)
			head->num[1] = (uint32_t)(attribute.number == 1 ? args->a[2] : args->a[3]);
		if (args->kind == ES_KIND_TRUNCATE && args->variant == ES_VARIANT_FD)
			file_written((uint64_t)file_of_fd(args->a[0]), WRITTEN);
	}
	event_send(s, slots);
	return 0;
}

/* ---- extended attributes ---- */

static __always_inline bool is_acl(struct scratch *s)
{
	const char prefix[] = "system.posix_acl_";
	uint32_t i;

	for (i = 0; i < sizeof(prefix) - 1; i++) {
		if (s->user[i] != prefix[i])
			return false;
	}
	return true;
}

/* The *at() forms have the name behind a directory, a path and flags. */
static __always_inline uint64_t xattr_name(const struct syscall_args *args)
{
	return args->variant == ES_VARIANT_AT ? args->a[3] : args->a[1];
}

static __always_inline void xattr_send(struct syscall_args *args, uint32_t type, uint64_t name, int64_t number)
{
	uint64_t slots = call_clients(type);
	struct scratch *s;

	if (!slots)
		return;
	s = event_begin(type, slots);
	if (s) {
		struct es_record *head = head_of(s);

		head->file[0] = put_target(s, args, args->variant == ES_VARIANT_AT ? args->a[2] : 0);
		head->num[0] = number;
		if (name && bpf_probe_read_user_str(s->user, NAME_BYTES, (void *)name) > 0)
			put_string(s, &head->str[0], s->user, NAME_BYTES);
	}
	event_send(s, slots);
}

static __noinline int xattr_is_acl(uint64_t name)
{
	struct scratch *s = scratch_take();
	int acl = 0;

	if (s && bpf_probe_read_user_str(s->user, NAME_BYTES, (void *)name) > 0)
		acl = is_acl(s);
	scratch_give(s);
	return acl;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(exit_setxattr, struct pt_regs *regs, long ret)
{
	struct syscall_args *args;

	if (ret < 0)
		return 0;
	args = args_of(regs);
	if (!args)
		return 0;
	if (xattr_is_acl(xattr_name(args)))
		xattr_send(args, EV_NOTIFY_SETACL, 0, ES_ACL_SET);
	else
		xattr_send(args, EV_NOTIFY_SETEXTATTR, xattr_name(args), 0);
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(exit_delxattr, struct pt_regs *regs, long ret)
{
	struct syscall_args *args;

	if (ret < 0)
		return 0;
	args = args_of(regs);
	if (!args)
		return 0;
	if (xattr_is_acl(xattr_name(args)))
		xattr_send(args, EV_NOTIFY_SETACL, 0, ES_ACL_CLEAR);
	else
		xattr_send(args, EV_NOTIFY_DELETEEXTATTR, xattr_name(args), 0);
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(exit_getxattr, struct pt_regs *regs, long ret)
{
	struct syscall_args *args;

	if (ret < 0)
		return 0;
	args = args_of(regs);
	if (!args)
		return 0;
	xattr_send(args, EV_NOTIFY_GETEXTATTR, xattr_name(args), 0);
	return 0;
}

/* ---- where the process is ---- */

static __noinline int send_path_event(uint32_t type, struct path *path)
{
	uint64_t slots = call_clients(type);
	struct scratch *s;

	if (!slots)
		return 0;
	s = event_begin(type, slots);
	if (s)
		head_of(s)->file[0] = put_path(s, path);
	event_send(s, slots);
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(exit_chdir, struct pt_regs *regs, long ret)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct path path = {};

	if (ret)
		return 0;
	path.mnt = READ_CORE(task, fs, pwd.mnt);
	path.dentry = READ_CORE(task, fs, pwd.dentry);
	send_path_event(EV_NOTIFY_CHDIR, &path);
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(exit_chroot, struct pt_regs *regs, long ret)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct path path = {};

	if (ret)
		return 0;
	path.mnt = READ_CORE(task, fs, root.mnt);
	path.dentry = READ_CORE(task, fs, root.dentry);
	send_path_event(EV_NOTIFY_CHROOT, &path);
	return 0;
}
