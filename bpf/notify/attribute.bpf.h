/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * (1) Files are looked at and changed, other than by their content: mode, owner, times, extended attributes, flags,
 * size; where the process is; what a directory or a link holds.
 */

#include "bpf/base/syscall-args.bpf.h"
#include "bpf/notify/file.bpf.h"

enum {
	ES_ACL_SET = 0,			/* es_set_or_clear_t */
	ES_ACL_CLEAR = 1,
};

struct user_time {
	int64_t seconds;
	int64_t fraction;		/* ns or microseconds */
};

/* The times that a program asks for; "now", and forms of 32-bit programs, are what the file has got. */
static __noinline int put_times(struct scratch *s, struct args *args)
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

/* The type of event that a kind of call is, the place of its first number, and of the *at() flags; 0: it has none. */
struct attribute {
	uint8_t type;
	uint8_t number;
	uint8_t flags;
};

static __always_inline struct attribute attribute_of(struct args *args)
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
		return (struct attribute){ EV_NOTIFY_LISTEXTATTR, 0, 0 };
	default:
		return (struct attribute){ EV_NOTIFY_STAT, 0, 0 };
	}
}

SEC("tp_btf/sys_exit")
int BPF_PROG(exit_attribute, struct pt_regs *regs, long ret)
{
	struct args *args;
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
	slots = select_clients(attribute.type);
	if (!slots)
		return 0;
	if (args->kind == ES_KIND_READLINK)
		at_flags = AT_SYMLINK_NOFOLLOW;
	else if (attribute.flags)
		at_flags = args->a[attribute.flags & 7 & (attribute.flags < 6 ? 7 : 0)];
	s = event_begin(attribute.type);
	if (s) {
		struct es_record *head = head_of(s);

		head->file[0] = put_target(s, args, at_flags);
		if (args->kind == ES_KIND_UTIMES)
			put_times(s, args);
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

static __always_inline void xattr_send(struct args *args, uint32_t type, uint64_t name, int64_t number)
{
	uint64_t slots = select_clients(type);
	struct scratch *s;

	if (!slots)
		return;
	s = event_begin(type);
	if (s) {
		struct es_record *head = head_of(s);

		head->file[0] = put_target(s, args, 0);
		head->num[0] = number;
		if (name && bpf_probe_read_user_str(s->user, NAME_BYTES, (void *)name) > 0)
			put_string(s, &head->str[0], s->user, NAME_BYTES);
	}
	event_send(s, slots);
}

static __noinline int xattr_is_acl(uint64_t name)
{
	struct scratch *s = scratch_enter();
	int acl = 0;

	if (s && bpf_probe_read_user_str(s->user, NAME_BYTES, (void *)name) > 0)
		acl = is_acl(s);
	scratch_leave();
	return acl;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(exit_setxattr, struct pt_regs *regs, long ret)
{
	struct args *args;

	if (ret < 0)
		return 0;
	args = args_of(regs);
	if (!args)
		return 0;
	if (xattr_is_acl(args->a[1]))
		xattr_send(args, EV_NOTIFY_SETACL, 0, ES_ACL_SET);
	else
		xattr_send(args, EV_NOTIFY_SETEXTATTR, args->a[1], 0);
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(exit_delxattr, struct pt_regs *regs, long ret)
{
	struct args *args;

	if (ret < 0)
		return 0;
	args = args_of(regs);
	if (!args)
		return 0;
	if (xattr_is_acl(args->a[1]))
		xattr_send(args, EV_NOTIFY_SETACL, 0, ES_ACL_CLEAR);
	else
		xattr_send(args, EV_NOTIFY_DELETEEXTATTR, args->a[1], 0);
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(exit_getxattr, struct pt_regs *regs, long ret)
{
	struct args *args;

	if (ret < 0)
		return 0;
	args = args_of(regs);
	if (!args)
		return 0;
	xattr_send(args, EV_NOTIFY_GETEXTATTR, args->a[1], 0);
	return 0;
}

/* ---- where the process is ---- */

static __noinline int send_path_event(uint32_t type, struct path *path)
{
	uint64_t slots = select_clients(type);
	struct scratch *s;

	if (!slots)
		return 0;
	s = event_begin(type);
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
	path.mnt = READ(task, fs, pwd.mnt);
	path.dentry = READ(task, fs, pwd.dentry);
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
	path.mnt = READ(task, fs, root.mnt);
	path.dentry = READ(task, fs, root.dentry);
	send_path_event(EV_NOTIFY_CHROOT, &path);
	return 0;
}

/* ---- ioctl, copy_file_range ---- */

enum {
	LINUX_FICLONE = 0x40049409,
	LINUX_FICLONERANGE = 0x4020940d,
	LINUX_FS_IOC_SETFLAGS = 0x40086602,
	LINUX_FS_IOC32_SETFLAGS = 0x40046602,
	LINUX_FS_IOC_FSSETXATTR = 0x401c5820,
	LINUX_TIOCSPTLCK = 0x40045431,
};

static __noinline int send_clone(uint64_t source, uint64_t target)
{
	uint64_t slots = select_clients(EV_NOTIFY_CLONE);
	struct scratch *s;

	if (!slots || !source || !target)
		return 0;
	s = event_begin(EV_NOTIFY_CLONE);
	if (s) {
		struct es_record *head = head_of(s);

		head->file[0] = put_file(s, (struct file *)source);
		put_dir_and_name_of(s, &head->file[1], &head->str[0], (struct file *)target);
	}
	event_send(s, slots);
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(exit_ioctl, struct pt_regs *regs, long ret)
{
	struct args *args;
	struct file *file;
	uint32_t value = 0;
	int64_t from = -1;

	if (ret < 0)
		return 0;
	args = args_of(regs);
	if (!args)
		return 0;
	switch ((uint32_t)args->a[1]) {
	case LINUX_FICLONE:
		send_clone((uint64_t)file_of_fd(args->a[2]), (uint64_t)file_of_fd(args->a[0]));
		break;
	case LINUX_FICLONERANGE:
		bpf_probe_read_user(&from, sizeof(from), (void *)args->a[2]);
		send_clone((uint64_t)file_of_fd(from), (uint64_t)file_of_fd(args->a[0]));
		break;
	case LINUX_FS_IOC_SETFLAGS:
	case LINUX_FS_IOC32_SETFLAGS:
	case LINUX_FS_IOC_FSSETXATTR:
		bpf_probe_read_user(&value, sizeof(value), (void *)args->a[2]);
		send_file_event(EV_NOTIFY_SETFLAGS, (uint64_t)file_of_fd(args->a[0]), value, 0);
		break;
	case LINUX_TIOCSPTLCK:
		bpf_probe_read_user(&value, sizeof(value), (void *)args->a[2]);
		file = file_of_fd(args->a[0]);
		if (!value && file)
			send_pty(EV_NOTIFY_PTY_GRANT, pty_of_master(file));
	}
	return 0;
}

/* copy_file_range(2) comes by its hook several times on some kernels: what was answered is noted in `flags`. */
SEC("tp_btf/sys_enter")
int BPF_PROG(enter_copy, struct pt_regs *regs, long id)
{
	struct call *call = control.subscribers[EV_AUTH_COPYFILE] ? call_of_current(true) : NULL;

	if (call) {
		call->kind = ES_KIND_COPY;
		call->flags = 0;
	}
	return 0;
}

static __noinline int put_copy(struct scratch *s, struct file *source, struct file *target, uint32_t flags)
{
	struct es_record *head = head_of(s);

	head->file[0] = put_file(s, source);
	head->file[1] = put_file(s, target);
	put_dir_and_name_of(s, &head->file[2], &head->str[0], target);
	head->num[0] = READ(target, f_inode, i_mode);
	head->num[1] = flags;
	return 0;
}

/* copy_file_range(in, &offset, out, &offset, length, flags). A copy that reached the end of the source is copyfile. */
SEC("tp_btf/sys_exit")
int BPF_PROG(exit_copy, struct pt_regs *regs, long ret)
{
	uint64_t slots = select_clients(EV_NOTIFY_COPYFILE);
	struct file *source, *target;
	struct args *args;
	struct scratch *s;

	if (ret <= 0)
		return 0;
	args = args_of(regs);
	if (!args)
		return 0;
	source = file_of_fd(args->a[0]);
	target = file_of_fd(args->a[2]);
	if (!source || !target)
		return 0;
	write_done(target);
	if (!slots || ret < READ(source, f_inode, i_size))
		return 0;
	s = event_begin(EV_NOTIFY_COPYFILE);
	if (s)
		put_copy(s, source, target, args->a[5]);
	event_send(s, slots);
	return 0;
}
