/* SPDX-License-Identifier: MIT */
#pragma once

/* (N1) Mounts, sockets with a path, ids, the clock, tracing, modules. */

#include "bpf/base/syscall-args.bpf.h"
#include "bpf/notify/procfs.bpf.h"
#include "bpf/record/argument.bpf.h"
#include "bpf/record/mount.bpf.h"
#include "bpf/record/number.bpf.h"
#include "bpf/record/socket.bpf.h"
#include "bpf/select/event.bpf.h"

/* ---- mounts ---- */

/* mount(source, target, type, flags, data), move_mount(from_fd, from, to_fd, to, flags). */
SEC("tp_btf/sys_exit")
int BPF_PROG(exit_mount, struct pt_regs *regs, long ret)
{
	struct syscall_args *args;
	struct scratch *s;
	uint64_t slots, flags;
	uint32_t type;
	bool move;

	if (ret)
		return 0;
	args = args_of(regs);
	if (!args)
		return 0;
	move = args->variant == ES_VARIANT_AT;
	flags = move ? 0 : args->a[3];
	if (flags & LINUX_MS_PROPAGATION)
		return 0;
	type = flags & LINUX_MS_REMOUNT ? EV_NOTIFY_REMOUNT : EV_NOTIFY_MOUNT;
	slots = call_clients(type);
	if (!slots)
		return 0;
	s = event_begin(type, slots);
	if (s) {
		walk_argument(s, &s->place, move ? args->a[2] : AT_FDCWD, args->a[move ? 3 : 1], WALK_FOLLOW);
		if (s->place.status == PLACE_FOUND && s->place.dentry) {
			put_mounted_on(s, put_place(s, &s->place));
			put_mount(s, s->place.dentry_mount, flags);
		} else {
			put_mounted_on(s, put_argument(s, AT_FDCWD, args->a[move ? 3 : 1], WALK_FOLLOW));
		}
	}
	event_send(s, slots);
	return 0;
}

/* Stores the mount before the kernel removes it. */
SEC("tp_btf/sys_enter")
int BPF_PROG(enter_umount, struct pt_regs *regs, long id)
{
	struct syscall_args *args;
	struct scratch *s;
	struct syscall_state *state;

	args = args_of(regs);
	if (!args)
		return 0;
	state = syscall_state_of_current(true);
	s = scratch_take();
	if (s && state) {
		state->kind = ES_KIND_UMOUNT;
		state->fstype[0] = state->devname[0] = 0;
		state->magic = state->dev = state->blksize = 0;
		walk_argument(s, &state->from, AT_FDCWD, args->a[0], WALK_FOLLOW);
		if (state->from.status == PLACE_FOUND && state->from.dentry) {
			struct mount *mount = state->from.dentry_mount;
			struct super_block *sb = READ_CORE(mount, mnt.mnt_sb);

			bpf_probe_read_kernel_str(state->fstype, sizeof(state->fstype), READ_CORE(sb, s_type, name));
			bpf_probe_read_kernel_str(state->devname, sizeof(state->devname), READ_CORE(mount, mnt_devname));
			state->magic = READ_CORE(sb, s_magic);
			state->dev = READ_CORE(sb, s_dev);
			state->blksize = READ_CORE(sb, s_blocksize);
		}
	}
	scratch_give(s);
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(exit_umount, struct pt_regs *regs, long ret)
{
	struct syscall_state *state = syscall_entered(ES_KIND_UMOUNT);
	uint64_t slots = call_clients(EV_NOTIFY_UNMOUNT);
	struct scratch *s;
	struct syscall_args *args;

	if (!state)
		return 0;
	state->kind = ES_KIND_NONE;
	if (ret || !slots)
		return 0;
	args = args_of(regs);
	if (!args)
		return 0;
	s = event_begin(EV_NOTIFY_UNMOUNT, slots);
	if (s) {
		struct es_record *head = head_of(s);

		/* If the path could not be read on entry, it can be now: the directory is still there. */
		put_mounted_on(s, state->from.status == PLACE_FOUND ? put_place(s, &state->from)
								   : put_argument(s, AT_FDCWD, args->a[0], WALK_FOLLOW));
		put_string(s, &head->str[0], state->fstype, sizeof(state->fstype));
		put_string(s, &head->str[2], state->devname, sizeof(state->devname));
		head->num[1] = state->magic;
		head->num[2] = state->dev;
		head->num[3] = state->blksize;
		head->num[4] = disposition_of(state->dev, 0);
	}
	event_send(s, slots);
	return 0;
}

/* ---- UNIX-domain sockets ---- */

SEC("tp_btf/sys_exit")
int BPF_PROG(exit_bind, struct pt_regs *regs, long ret)
{
	uint64_t slots = call_clients(EV_NOTIFY_UIPC_BIND);
	struct unix_address address = {};
	struct syscall_args *args;
	struct scratch *s;
	bool is_unix = false;

	if (ret || !slots)
		return 0;
	args = args_of(regs);
	if (!args)
		return 0;
	address.at = args->a[1];
	address.len = args->a[2];
	s = event_begin(EV_NOTIFY_UIPC_BIND, slots);
	if (s)
		is_unix = read_unix_address(s, &address);
	if (s && is_unix) {
		walk_unix_path(s, 0);
		put_bound(s, &address);
	}
	event_send(s, is_unix ? slots : 0);
	return 0;
}

static __always_inline struct socket *socket_of_fd(int fd)
{
	struct file *file = file_of_fd(fd);

	return file ? READ_CORE(file, private_data) : NULL;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(exit_connect, struct pt_regs *regs, long ret)
{
	uint64_t slots = call_clients(EV_NOTIFY_UIPC_CONNECT);
	struct unix_address address = {};
	struct syscall_args *args;
	struct scratch *s;
	bool is_unix = false;

	if (!slots || (ret && ret != -LINUX_EINPROGRESS))
		return 0;
	args = args_of(regs);
	if (!args)
		return 0;
	address.at = args->a[1];
	address.len = args->a[2];
	s = event_begin(EV_NOTIFY_UIPC_CONNECT, slots);
	if (s)
		is_unix = read_unix_address(s, &address);
	if (s && is_unix) {
		walk_unix_path(s, WALK_FOLLOW);
		put_connected(s, &address, socket_of_fd(args->a[0]));
	}
	event_send(s, is_unix ? slots : 0);
	return 0;
}

/* ---- ids, clock ---- */

static __noinline int send_numbers(uint32_t type, int64_t first, int64_t second, const struct es_token *before)
{
	uint64_t slots = call_clients(type);
	struct scratch *s;

	if (!slots)
		return 0;
	s = event_begin(type, slots);
	if (s) {
		head_of(s)->num[0] = first;
		head_of(s)->num[1] = second;
		if (before)
			head_of(s)->process = put_current_before(s, before);
	}
	event_send(s, slots);
	return 0;
}

/* Stores the ids from before the call, for the message. */
SEC("tp_btf/sys_enter")
int BPF_PROG(enter_setid, struct pt_regs *regs, long id)
{
	struct syscall_state *state = syscall_state_of_current(true);

	if (!state)
		return 0;
	state->kind = ES_KIND_SETID;
	read_ids(&state->former, bpf_get_current_task_btf(), 0);
	return 0;
}

/*
 * seteuid(e) is setresuid(-1, e, -1) to the kernel, and so on. The arguments are ids of the program's user namespace;
 * the message has the ids of the initial one, which the task has now.
 */
SEC("tp_btf/sys_exit")
int BPF_PROG(exit_setid, struct pt_regs *regs, long ret)
{
	struct syscall_state *state = syscall_entered(ES_KIND_SETID);
	bool first, second, user = true;
	struct es_token now = {};
	uint32_t effective, real;
	struct syscall_args *args;
	uint32_t type;

	if (state)
		state->kind = ES_KIND_NONE;
	if (ret)
		return 0;
	args = args_of(regs);
	if (!args)
		return 0;
	first = (uint32_t)args->a[0] != (uint32_t)-1;
	second = (uint32_t)args->a[1] != (uint32_t)-1;
	switch (args->variant) {
	case ES_VARIANT_PLAIN:
		type = EV_NOTIFY_SETUID;
		break;
	case ES_VARIANT_OTHER:
		type = EV_NOTIFY_SETGID;
		user = false;
		break;
	case ES_VARIANT_AT:
		type = EV_NOTIFY_SETREUID;
		break;
	case ES_VARIANT_OTHER2:
		type = EV_NOTIFY_SETREGID;
		user = false;
		break;
	case ES_VARIANT_AT2:
		type = first ? EV_NOTIFY_SETREUID : EV_NOTIFY_SETEUID;
		break;
	default:
		type = first ? EV_NOTIFY_SETREGID : EV_NOTIFY_SETEGID;
		user = false;
	}
	read_ids(&now, bpf_get_current_task_btf(), 0);
	effective = user ? now.euid : now.egid;
	real = user ? now.ruid : now.rgid;
	if (type == EV_NOTIFY_SETREUID || type == EV_NOTIFY_SETREGID)
		send_numbers(type, first ? real : (uint32_t)-1, second ? effective : (uint32_t)-1,
			     state ? &state->former : NULL);
	else
		send_numbers(type, effective, 0, state ? &state->former : NULL);
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(exit_settime, struct pt_regs *regs, long ret)
{
	struct syscall_args *args;

	if (ret)
		return 0;
	args = args_of(regs);
	if (!args)
		return 0;
	if (args->variant == ES_VARIANT_PLAIN ? args->a[0] != 0 : args->a[0] == 0)	/* a time; CLOCK_REALTIME */
		send_numbers(EV_NOTIFY_SETTIME, 0, 0, NULL);
	return 0;
}

/* ---- tracing, and the signal that is none ---- */

/* An event about the process that has a number in the caller's pid namespace. */
static __always_inline void send_called(uint32_t type, uint64_t pid)
{
	send_numbered(type, number_of_pid(pid), leader_of_pid(pid), 0);
}

SEC("tp_btf/sys_exit")
int BPF_PROG(exit_ptrace, struct pt_regs *regs, long ret)
{
	struct syscall_args *args;
	uint64_t pid;

	if (ret < 0)
		return 0;
	args = args_of(regs);
	if (!args)
		return 0;
	pid = pid_by_number(args->a[args->variant == ES_VARIANT_PLAIN ? 1 : 0]);
	switch (args->variant) {
	case ES_VARIANT_OTHER:	/* process_vm_readv(pid, ...) */
		send_called(EV_NOTIFY_GET_TASK_READ, pid);
		break;
	case ES_VARIANT_OTHER2:	/* process_vm_writev(pid, ...) */
		send_called(EV_NOTIFY_GET_TASK, pid);
		break;
	case ES_VARIANT_OTHER3:	/* pidfd_open(pid, flags) */
		send_called(EV_NOTIFY_GET_TASK_NAME, pid);
		break;
	default:		/* ptrace(request, pid, ...) */
		if (args->a[0] != LINUX_PTRACE_ATTACH && args->a[0] != LINUX_PTRACE_SEIZE)
			break;
		send_called(EV_NOTIFY_GET_TASK, pid);
		send_called(EV_NOTIFY_TRACE, pid);
	}
	return 0;
}

/* kill(pid, 0) and the like only ask whether a process is there; signal_generate reports other signals. */
SEC("tp_btf/sys_exit")
int BPF_PROG(exit_kill, struct pt_regs *regs, long ret)
{
	struct syscall_args *args;
	bool group;

	if (ret)
		return 0;
	args = args_of(regs);
	if (!args)
		return 0;
	group = args->variant == ES_VARIANT_OTHER;	/* tgkill(tgid, tid, sig) */
	if (args->a[group ? 2 : 1] == 0)
		send_called(EV_NOTIFY_SIGNAL, pid_by_number(args->a[0]));
	return 0;
}

/* ---- modules ---- */

static __noinline int send_module(uint32_t type, uint64_t address)
{
	struct module *module = (void *)address;
	uint64_t slots = call_clients(type);
	struct scratch *s;

	if (!slots)
		return 0;
	s = event_begin(type, slots);
	if (s)
		put_string(s, &head_of(s)->str[0], (char *)module + bpf_core_field_offset(struct module, name), 56);
	event_send(s, slots);
	return 0;
}

SEC("tp_btf/module_load")
int BPF_PROG(on_module_load, struct module *module)
{
	return send_module(EV_NOTIFY_KEXTLOAD, (uint64_t)module);
}

SEC("tp_btf/module_free")
int BPF_PROG(on_module_free, struct module *module)
{
	return send_module(EV_NOTIFY_KEXTUNLOAD, (uint64_t)module);
}
