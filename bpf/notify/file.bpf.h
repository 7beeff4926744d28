/* SPDX-License-Identifier: MIT */
#pragma once

/* (N1) Opening, writing, duplicating and closing files. */

#include "bpf/base/syscall-args.bpf.h"
#include "bpf/notify/procfs.bpf.h"
#include "bpf/record/argument.bpf.h"
#include "bpf/record/file.bpf.h"
#include "bpf/select/event.bpf.h"

enum {
	FDS_MAX = 1 << 20,
};

/* An event whose only content is one open file. */
static __noinline int send_file_event(uint32_t type, uint64_t address, int64_t num0, int64_t num1)
{
	struct file *file = (void *)address;
	uint64_t slots = call_clients(type);
	struct scratch *s;

	if (!slots || !file)
		return 0;
	s = event_begin_on(type, file, &slots);
	if (s && slots) {
		head_of(s)->file[0] = put_file(s, file);
		head_of(s)->num[0] = num0;
		head_of(s)->num[1] = num1;
	}
	event_send(s, slots);
	return 0;
}

/* Reports an open that a client denied, with the file that the client was asked about. */
static __always_inline void open_denied_send(struct syscall_state *state)
{
	uint64_t slots = select_clients(EV_NOTIFY_OPEN);
	struct scratch *s;

	if (!slots)
		return;
	s = event_begin(EV_NOTIFY_OPEN, slots);
	if (s) {
		head_of(s)->file[0] = put_path(s, &state->file);
		head_of(s)->num[0] = state->open_flags;
		head_of(s)->flags = ES_RECORD_FLAGS_RESULT;
		head_of(s)->result = 0;
	}
	event_send(s, slots);
}

static __always_inline void open_send(struct file *file)
{
	uint64_t slots = call_clients(EV_NOTIFY_OPEN);
	struct scratch *s;

	if (!slots)
		return;
	s = event_begin_on(EV_NOTIFY_OPEN, file, &slots);
	if (s && slots) {
		head_of(s)->file[0] = put_file(s, file);
		head_of(s)->num[0] = fflag_of(file);
		head_of(s)->flags = ES_RECORD_FLAGS_RESULT;
		head_of(s)->result = (uint32_t)-1;
	}
	event_send(s, slots);
}

SEC("tp_btf/sys_exit")
int BPF_PROG(exit_open, struct pt_regs *regs, long ret)
{
	struct syscall_state *state = syscall_entered(ES_KIND_OPEN);
	struct syscall_args *args;
	struct file *file;
	uint32_t mode;
	uint64_t key;
	bool denied;

	denied = state && state->flags & SYSCALL_DENIED;
	if (state)
		state->kind = ES_KIND_NONE;
	if (ret == -EPERM && denied)
		open_denied_send(state);
	if (ret < 0)
		return 0;
	file = file_of_fd(ret);
	if (!file)
		return 0;
	mode = READ_FAST(file, f_mode);
	if (mode & FMODE_PATH)
		return 0;
	key = (uint64_t)file;
	if (bpf_map_lookup_elem(&written, &key))
		bpf_map_delete_elem(&written, &key);
	args = args_of(regs);
	if (!args)
		return 0;
	if (args->variant == ES_VARIANT_OTHER2)
		send_file_event(EV_NOTIFY_FSGETPATH, (uint64_t)file, 0, 0);
	send_look(file);
	if (mode & FMODE_CREATED)
		send_file_event(EV_NOTIFY_CREATE, (uint64_t)file, 0, 0);
	open_send(file);
	return 0;
}

/* Stores an open's flags, for clients that are asked about it: the fanotify event lacks them. */
SEC("tp_btf/sys_enter")
int BPF_PROG(enter_open, struct pt_regs *regs, long id)
{
	struct syscall_args *args;
	struct syscall_state *state;
	uint64_t flags;

	if (!control.subscribers[EV_AUTH_OPEN])
		return 0;
	state = syscall_state_of_current(true);
	if (!state)
		return 0;
	args = args_of(regs);
	if (!args)
		return 0;
	flags = open_flags_passed(args);
	state->kind = ES_KIND_OPEN;
	state->flags = 0;
	state->open_flags = flags & O_ACCMODE ? (flags & O_ACCMODE) == O_WRONLY ? FMODE_WRITE : FMODE_READ | FMODE_WRITE
					     : FMODE_READ;
	if (flags & O_TRUNC)
		state->open_flags |= FMODE_WRITE;
	return 0;
}

/* ---- writing ---- */

static __noinline int file_written(uint64_t address, uint32_t how)
{
	struct file *file = (void *)address;
	uint32_t seen;

	if (!file || (READ_CORE(file, f_inode, i_mode) & S_IFMT) != S_IFREG)
		return 0;
	seen = written_how(address);
	if (seen & how)
		return 0;
	written_note(address, seen | how);
	return how == WRITTEN;
}

static __always_inline void write_done(struct file *file)
{
	if (file_written((uint64_t)file, WRITTEN))
		send_file_event(EV_NOTIFY_WRITE, (uint64_t)file, 0, 0);
}

SEC("tp_btf/sys_exit")
int BPF_PROG(exit_write, struct pt_regs *regs, long ret)
{
	struct syscall_args *args;

	args = args_of(regs);
	if (!args)
		return 0;
	if (ret < 0 && ret >= -4095)
		return 0;
	switch (args->variant) {
	case ES_VARIANT_OTHER:	/* splice(in, off, out, ...) */
		if (ret)
			write_done(file_of_fd(args->a[2]));
		break;
	default:
		write_done(file_of_fd(args->a[0]));
	}
	return 0;
}

/* ---- mapping ---- */

/* The six arguments of the old 32-bit mmap are in memory. */
static __always_inline void old_mmap_arguments(struct syscall_args *args)
{
	uint32_t passed[6] = {};
	uint32_t i;

	bpf_probe_read_user(passed, sizeof(passed), (void *)args->a[0]);
	for (i = 0; i < 6; i++)
		args->a[i] = passed[i];
}

/* mmap(address, length, protection, flags, fd, offset) of a file; mprotect(address, length, protection). */
SEC("tp_btf/sys_exit")
int BPF_PROG(exit_memory, struct pt_regs *regs, long ret)
{
	enum { PAGE_SHIFT_32 = 12 };
	struct syscall_args *args = args_of(regs);
	struct file *file = NULL;
	struct scratch *s;
	uint64_t slots;
	uint32_t type;

	if (!args || (ret < 0 && ret >= -4095))
		return 0;
	type = args->variant == ES_VARIANT_OTHER2 ? EV_NOTIFY_MPROTECT : EV_NOTIFY_MMAP;
	if (type == EV_NOTIFY_MMAP) {
		if (args->compat && args->variant == ES_VARIANT_PLAIN)
			old_mmap_arguments(args);
		if (args->a[3] & LINUX_MAP_ANONYMOUS)
			return 0;
		file = file_of_fd(args->a[4]);
		if (!file)
			return 0;
		if (args->a[2] & LINUX_PROT_WRITE && args->a[3] & LINUX_MAP_SHARED)
			file_written((uint64_t)file, MAPPED_WRITABLE);
	}
	slots = call_clients(type);
	if (!slots)
		return 0;
	s = event_begin(type, slots);
	if (s && file) {
		put_mmap(s, file, args->a[2], args->a[3]);
		head_of(s)->num[3] = args->variant == ES_VARIANT_AT2 ? args->a[5] << PAGE_SHIFT_32 : args->a[5];
	} else if (s) {
		put_mprotect(s, args);
	}
	event_send(s, slots);
	return 0;
}

/* ---- closing ---- */

struct file___count {
	struct { long counter; } f_count;
} __attribute__((preserve_access_index));

struct file___ref {
	struct { struct { long counter; } refcnt; } f_ref;
} __attribute__((preserve_access_index));

/* Is this the last descriptor that leads to the open file? */
static __always_inline bool last_reference(struct file *file)
{
	struct file___count *count = (void *)file;
	struct file___ref *ref = (void *)file;

	if (bpf_core_field_exists(ref->f_ref))
		return READ_CORE(ref, f_ref.refcnt.counter) <= 0;	/* counts from -1: none */
	return READ_CORE(count, f_count.counter) <= 1;
}

/* The device of the terminal whose master side an open file is, or 0. */
static __always_inline uint32_t pty_of_master(struct file *file)
{
	enum { PTMX = 5 << 20 | 2 };
	struct tty_file_private *private;
	struct tty_struct *tty;

	if ((READ_CORE(file, f_inode, i_mode) & S_IFMT) != S_IFCHR || READ_CORE(file, f_inode, i_rdev) != PTMX)
		return 0;
	private = READ_CORE(file, private_data);
	tty = READ_CORE(private, tty, link);
	if (!tty)
		return 0;
	return READ_CORE(tty, driver, major) << 20 | (READ_CORE(tty, driver, minor_start) + READ_CORE(tty, index));
}

static __noinline int send_pty(uint32_t type, uint32_t dev)
{
	uint64_t slots = call_clients(type);
	struct scratch *s;

	if (!slots || !dev)
		return 0;
	s = event_begin(type, slots);
	if (s)
		head_of(s)->num[0] = dev;
	event_send(s, slots);
	return 0;
}

/* A descriptor is about to be closed. */
static __always_inline int file_closing(uint64_t address)
{
	struct file *file = (void *)address;
	uint64_t key = address;
	struct path path = {};
	uint32_t how;

	if (!file || READ_CORE(file, f_mode) & FMODE_PATH || !last_reference(file))
		return 0;
	path.mnt = READ_CORE(file, f_path.mnt);
	path.dentry = READ_CORE(file, f_path.dentry);
	if (is_internal(&path))
		return 0;
	send_pty(EV_NOTIFY_PTY_CLOSE, pty_of_master(file));
	how = written_how(key);
	bpf_map_delete_elem(&written, &key);
	if (how & OURS)
		return 0;
	send_file_event(EV_NOTIFY_CLOSE, address, how & WRITTEN ? 1 : 0, how & MAPPED_WRITABLE ? 1 : 0);
	return 0;
}

struct closing {
	struct file **files;
	uint32_t next;
	uint32_t last;
};

static long closing_step(uint32_t index, struct closing *closing)
{
	struct file *file = NULL;
	uint32_t fd = closing->next;

	if (fd > closing->last)
		return 1;
	closing->next = fd + 1;
	bpf_probe_read_kernel(&file, sizeof(file), &closing->files[fd]);
	if (file)
		file_closing((uint64_t)file);
	return 0;
}

/* Descriptors `first` to `last` of the current process are about to be closed. */
static __always_inline int fds_closing(uint32_t first, uint32_t last)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct fdtable *table = READ_CORE(task, files, fdt);
	struct closing closing = { .next = unknown(first), .last = last };
	uint32_t fds;

	if (!table)
		return 0;
	fds = READ_CORE(table, max_fds);
	if (!fds)
		return 0;
	if (closing.last >= fds)
		closing.last = fds - 1;
	closing.files = READ_CORE(table, fd);
	bpf_loop(FDS_MAX, closing_step, &closing, 0);
	return 0;
}

SEC("tp_btf/sys_enter")
int BPF_PROG(enter_close, struct pt_regs *regs, long id)
{
	struct syscall_args *args;

	args = args_of(regs);
	if (!args)
		return 0;
	if (args->variant == ES_VARIANT_OTHER)
		fds_closing(args->a[0], args->a[1]);
	else
		fds_closing(args->a[0], args->a[0]);
	return 0;
}

/* dup2() and dup3() close what was there. */
SEC("tp_btf/sys_enter")
int BPF_PROG(enter_dup, struct pt_regs *regs, long id)
{
	struct syscall_args *args;

	args = args_of(regs);
	if (!args)
		return 0;
	if (args->variant != ES_VARIANT_PLAIN && args->a[0] != args->a[1] && file_of_fd(args->a[0]))
		fds_closing(args->a[1], args->a[1]);
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(exit_dup, struct pt_regs *regs, long ret)
{
	if (ret >= 0)
		send_file_event(EV_NOTIFY_DUP, (uint64_t)file_of_fd(ret), 0, 0);
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(exit_fcntl, struct pt_regs *regs, long ret)
{
	struct syscall_args *args;

	if (ret < 0)
		return 0;
	args = args_of(regs);
	if (!args)
		return 0;
	send_file_event(EV_NOTIFY_FCNTL, (uint64_t)file_of_fd(args->a[0]), args->a[1], 0);
	if (args->a[1] == LINUX_F_DUPFD || args->a[1] == LINUX_F_DUPFD_CLOEXEC)
		send_file_event(EV_NOTIFY_DUP, (uint64_t)file_of_fd(ret), 0, 0);
	return 0;
}

/* ---- ioctl, copy_file_range ---- */

static __noinline int send_clone(uint64_t source, uint64_t target)
{
	uint64_t slots = call_clients(EV_NOTIFY_CLONE);
	struct scratch *s;

	if (!slots || !source || !target)
		return 0;
	s = event_begin(EV_NOTIFY_CLONE, slots);
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
	struct syscall_args *args;
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

/* copy_file_range(in, &offset, out, &offset, length, flags). A copy that reached the end of the source is copyfile. */
SEC("tp_btf/sys_exit")
int BPF_PROG(exit_copy, struct pt_regs *regs, long ret)
{
	uint64_t slots = call_clients(EV_NOTIFY_COPYFILE);
	struct file *source, *target;
	struct syscall_args *args;
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
	if (!slots || ret < READ_CORE(source, f_inode, i_size))
		return 0;
	s = event_begin(EV_NOTIFY_COPYFILE, slots);
	if (s)
		put_copy(s, source, target, args->a[5]);
	event_send(s, slots);
	return 0;
}
