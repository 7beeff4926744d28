/* SPDX-License-Identifier: MIT */
#pragma once

/* (1) Mounts, sockets with a path, ids, the clock, tracing, modules. */

#include "bpf/base/syscall-args.bpf.h"
#include "bpf/record/procfs.bpf.h"

enum {
	LINUX_MS_REMOUNT = 32,
	LINUX_MS_BIND = 4096,
	LINUX_MS_PROPAGATION = 1 << 17 | 1 << 18 | 1 << 19 | 1 << 20,
	DISPOSITION_INTERNAL = 1,	/* es_mount_disposition_t */
	DISPOSITION_VIRTUAL = 3,
	DISPOSITION_NULLFS = 4,
	LINUX_AF_UNIX = 1,
	UNIX_PATH_BYTES = 108,
	LINUX_PTRACE_TRACEME = 0,
	LINUX_PTRACE_ATTACH = 16,
	LINUX_PTRACE_SEIZE = 0x4206,
	LINUX_EINPROGRESS = 115,
};

/* ---- mounts ---- */

static __always_inline void put_mounted_on(struct scratch *s, uint32_t file)
{
	struct es_file_part *part = at(s, file);

	head_of(s)->file[0] = file;
	head_of(s)->str[1] = part->path;
}

static __always_inline int64_t disposition_of(uint32_t dev, uint64_t flags)
{
	if (flags & LINUX_MS_BIND)
		return DISPOSITION_NULLFS;
	return dev >> 20 ? DISPOSITION_INTERNAL : DISPOSITION_VIRTUAL;	/* major 0: no device behind it */
}

static __always_inline void put_mount(struct scratch *s, struct mount *mount, uint64_t flags)
{
	struct super_block *sb = READ(mount, mnt.mnt_sb);
	struct es_record *head = head_of(s);

	put_string(s, &head->str[0], READ(sb, s_type, name), NAME_BYTES);
	put_string(s, &head->str[2], READ(mount, mnt_devname), NAME_BYTES);
	head->num[0] = flags;
	head->num[1] = READ(sb, s_magic);
	head->num[2] = READ(sb, s_dev);
	head->num[3] = READ(sb, s_blocksize);
	head->num[4] = disposition_of(READ(sb, s_dev), flags);
	head->num[5] = READ(sb, s_root, d_inode, i_uid.val);
}

/* mount(source, target, type, flags, data), move_mount(from_fd, from, to_fd, to, flags). */
SEC("tp_btf/sys_exit")
int BPF_PROG(exit_mount, struct pt_regs *regs, long ret)
{
	struct args *args;
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
	slots = select_clients(type);
	if (!slots)
		return 0;
	s = event_begin(type);
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

/* What is mounted there, before it goes. */
SEC("tp_btf/sys_enter")
int BPF_PROG(enter_umount, struct pt_regs *regs, long id)
{
	struct args *args;
	struct scratch *s;
	struct call *call;

	args = args_of(regs);
	if (!args)
		return 0;
	call = call_of_current(true);
	s = scratch_enter();
	if (s && call) {
		call->kind = ES_KIND_UMOUNT;
		call->fstype[0] = call->devname[0] = 0;
		call->magic = call->dev = call->blksize = 0;
		walk_argument(s, &call->from, AT_FDCWD, args->a[0], WALK_FOLLOW);
		if (call->from.status == PLACE_FOUND && call->from.dentry) {
			struct mount *mount = call->from.dentry_mount;
			struct super_block *sb = READ(mount, mnt.mnt_sb);

			bpf_probe_read_kernel_str(call->fstype, sizeof(call->fstype), READ(sb, s_type, name));
			bpf_probe_read_kernel_str(call->devname, sizeof(call->devname), READ(mount, mnt_devname));
			call->magic = READ(sb, s_magic);
			call->dev = READ(sb, s_dev);
			call->blksize = READ(sb, s_blocksize);
		}
	}
	scratch_leave();
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(exit_umount, struct pt_regs *regs, long ret)
{
	struct call *call = call_entered(ES_KIND_UMOUNT);
	uint64_t slots = select_clients(EV_NOTIFY_UNMOUNT);
	struct scratch *s;
	struct args *args;

	if (!call)
		return 0;
	call->kind = ES_KIND_NONE;
	if (ret || !slots)
		return 0;
	args = args_of(regs);
	if (!args)
		return 0;
	s = event_begin(EV_NOTIFY_UNMOUNT);
	if (s) {
		struct es_record *head = head_of(s);

		/* What could not be read on entry can be now: the directory is still there. */
		put_mounted_on(s, call->from.status == PLACE_FOUND ? put_place(s, &call->from)
								   : put_argument(s, AT_FDCWD, args->a[0], WALK_FOLLOW));
		put_string(s, &head->str[0], call->fstype, sizeof(call->fstype));
		put_string(s, &head->str[2], call->devname, sizeof(call->devname));
		head->num[1] = call->magic;
		head->num[2] = call->dev;
		head->num[3] = call->blksize;
		head->num[4] = disposition_of(call->dev, 0);
	}
	event_send(s, slots);
	return 0;
}

/* ---- UNIX-domain sockets ---- */

struct socket {
	short type;
	void *sk;
} __attribute__((preserve_access_index));

struct sock {
	uint16_t sk_protocol;
} __attribute__((preserve_access_index));

/* The address that a program passes, or, where the kernel has copied it, that. */
struct unix_address {
	uint64_t at;
	uint32_t len;
	uint16_t family;		/* hooks read it */
	bool copied;
};

static __always_inline long read_address(void *to, uint32_t bytes, const struct unix_address *address, uint32_t offset)
{
	const void *from = (const void *)(address->at + offset);

	return address->copied ? bpf_probe_read_kernel(to, bytes, from) : bpf_probe_read_user(to, bytes, from);
}

/* Reads an address' path into scratch.user, an abstract name with '@' in front. False: not of AF_UNIX, or unnamed. */
static __noinline bool read_unix_address(struct scratch *s, struct unix_address *address)
{
	uint32_t len = address->len;
	uint16_t family = 0;

	if (len <= sizeof(family) || len > sizeof(family) + UNIX_PATH_BYTES)
		return false;
	if (read_address(&family, sizeof(family), address, 0) || family != LINUX_AF_UNIX)
		return false;
	len -= sizeof(family);
	__builtin_memset(s->user, 0, NAME_BYTES);
	asm volatile("" : "+r"(len));
	len &= 127;
	if (read_address(s->user, len, address, sizeof(family)))
		return false;
	if (!s->user[0])
		s->user[0] = '@';
	return true;
}

/* A name that is no file. */
static __noinline uint32_t put_abstract(struct scratch *s, bool with_name)
{
	uint32_t off = append(s, sizeof(struct es_file_part));
	struct es_file_part *part;

	if (!off)
		return 0;
	part = at(s, off);
	__builtin_memset(part, 0, sizeof(*part));
	part->flags = ES_FILE_NO_STAT;
	if (with_name)
		put_string(s, &part->path, s->user, NAME_BYTES);
	s->on_scoped_mount = 1;
	return off;
}

/* The file that a socket's path (in scratch.user) is. */
static __always_inline void walk_unix_path(struct scratch *s, uint32_t flags)
{
	struct path base = {};

	s->place.status = PLACE_NONE;
	if (s->user[0] != '@' && base_of(&base, AT_FDCWD))
		walk_user(s, &s->place, &base, flags);
}

/*
 * After walk_unix_path(). Before the kernel has looked a path up, it may not be in the cache: then the text is told as
 * it was passed.
 */
static __noinline int put_bound(struct scratch *s, struct unix_address *address)
{
	struct es_record *head = head_of(s);
	struct path base = {};

	if (s->user[0] == '@') {
		head->file[0] = put_abstract(s, false);
		put_string(s, &head->str[0], s->user, NAME_BYTES);
		return 0;
	}
	if (s->place.status == PLACE_FOUND) {
		put_dir_and_name(s, &head->file[0], &head->str[0], &s->place);
		head->num[0] = s->place.dentry ? s->place.stat.mode & 07777 : 0;
	} else if (base_of(&base, AT_FDCWD) && read_unix_address(s, address)) {
		head->file[0] = put_path(s, &base);
		put_string(s, &head->str[0], s->user, NAME_BYTES);
		__sync_fetch_and_add(&stats.unresolved, 1);
	}
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(exit_bind, struct pt_regs *regs, long ret)
{
	uint64_t slots = select_clients(EV_NOTIFY_UIPC_BIND);
	struct unix_address address = {};
	struct args *args;
	struct scratch *s;
	bool is_unix = false;

	if (ret || !slots)
		return 0;
	args = args_of(regs);
	if (!args)
		return 0;
	address.at = args->a[1];
	address.len = args->a[2];
	s = event_begin(EV_NOTIFY_UIPC_BIND);
	if (s)
		is_unix = read_unix_address(s, &address);
	if (s && is_unix) {
		walk_unix_path(s, 0);
		put_bound(s, &address);
	}
	event_send(is_unix ? s : NULL, slots);
	return 0;
}

static __always_inline struct socket *socket_of_fd(int fd)
{
	struct file *file = file_of_fd(fd);

	return file ? READ(file, private_data) : NULL;
}

static __noinline int put_connected(struct scratch *s, struct unix_address *address, struct socket *socket)
{
	struct sock *sk = READ(socket, sk);
	struct path base = {};

	if (s->user[0] == '@') {
		head_of(s)->file[0] = put_abstract(s, true);
	} else if (s->place.status == PLACE_FOUND) {
		head_of(s)->file[0] = put_place(s, &s->place);
	} else if (base_of(&base, AT_FDCWD) && read_unix_address(s, address)) {
		head_of(s)->file[0] = put_lexical(s, &base);
	}
	head_of(s)->num[0] = LINUX_AF_UNIX;
	head_of(s)->num[1] = READ(socket, type);
	head_of(s)->num[2] = READ(sk, sk_protocol);
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(exit_connect, struct pt_regs *regs, long ret)
{
	uint64_t slots = select_clients(EV_NOTIFY_UIPC_CONNECT);
	struct unix_address address = {};
	struct args *args;
	struct scratch *s;
	bool is_unix = false;

	if (!slots || (ret && ret != -LINUX_EINPROGRESS))
		return 0;
	args = args_of(regs);
	if (!args)
		return 0;
	address.at = args->a[1];
	address.len = args->a[2];
	s = event_begin(EV_NOTIFY_UIPC_CONNECT);
	if (s)
		is_unix = read_unix_address(s, &address);
	if (s && is_unix) {
		walk_unix_path(s, WALK_FOLLOW);
		put_connected(s, &address, socket_of_fd(args->a[0]));
	}
	event_send(is_unix ? s : NULL, slots);
	return 0;
}

/* ---- ids, clock ---- */

static __noinline int send_numbers(uint32_t type, int64_t first, int64_t second)
{
	uint64_t slots = select_clients(type);
	struct scratch *s;

	if (!slots)
		return 0;
	s = event_begin(type);
	if (s) {
		head_of(s)->num[0] = first;
		head_of(s)->num[1] = second;
	}
	event_send(s, slots);
	return 0;
}

/* seteuid(e) is setresuid(-1, e, -1) to the kernel, and so on. */
SEC("tp_btf/sys_exit")
int BPF_PROG(exit_setid, struct pt_regs *regs, long ret)
{
	struct args *args;
	uint32_t a, b, type;

	if (ret)
		return 0;
	args = args_of(regs);
	if (!args)
		return 0;
	a = args->a[0];
	b = args->a[1];
	switch (args->variant) {
	case ES_VARIANT_PLAIN:
		type = EV_NOTIFY_SETUID;
		break;
	case ES_VARIANT_OTHER:
		type = EV_NOTIFY_SETGID;
		break;
	case ES_VARIANT_AT:
		type = EV_NOTIFY_SETREUID;
		break;
	case ES_VARIANT_OTHER2:
		type = EV_NOTIFY_SETREGID;
		break;
	case ES_VARIANT_AT2:
		type = a == (uint32_t)-1 ? EV_NOTIFY_SETEUID : EV_NOTIFY_SETREUID;
		break;
	default:
		type = a == (uint32_t)-1 ? EV_NOTIFY_SETEGID : EV_NOTIFY_SETREGID;
	}
	if (type == EV_NOTIFY_SETEUID || type == EV_NOTIFY_SETEGID)
		a = b;
	send_numbers(type, a, b);
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(exit_settime, struct pt_regs *regs, long ret)
{
	struct args *args;

	if (ret)
		return 0;
	args = args_of(regs);
	if (!args)
		return 0;
	if (args->variant == ES_VARIANT_PLAIN ? args->a[0] != 0 : args->a[0] == 0)	/* a time; CLOCK_REALTIME */
		send_numbers(EV_NOTIFY_SETTIME, 0, 0);
	return 0;
}

/* ---- tracing, and the signal that is none ---- */

/* The process that the current task has attached to last, as a number. */
static __always_inline uint64_t last_traced(void)
{
	struct task_struct *tracer = bpf_get_current_task_btf(), *traced;
	struct list_head *first = READ(tracer, ptraced.next);

	traced = (void *)((char *)first - bpf_core_field_offset(struct task_struct, ptrace_entry));
	return (uint64_t)READ(traced, group_leader);
}

SEC("tp_btf/sys_exit")
int BPF_PROG(exit_ptrace, struct pt_regs *regs, long ret)
{
	struct args *args;

	if (ret < 0)
		return 0;
	args = args_of(regs);
	if (!args)
		return 0;
	switch (args->variant) {
	case ES_VARIANT_OTHER:	/* process_vm_readv(pid, ...) */
		send_numbered(EV_NOTIFY_GET_TASK_READ, args->a[0], 0, 0);
		break;
	case ES_VARIANT_OTHER2:	/* process_vm_writev(pid, ...) */
		send_numbered(EV_NOTIFY_GET_TASK, args->a[0], 0, 0);
		break;
	case ES_VARIANT_OTHER3:	/* pidfd_open(pid, flags) */
		send_numbered(EV_NOTIFY_GET_TASK_NAME, args->a[0], 0, 0);
		break;
	default:		/* ptrace(request, pid, ...) */
		if (args->a[0] != LINUX_PTRACE_ATTACH && args->a[0] != LINUX_PTRACE_SEIZE)
			break;
		send_numbered(EV_NOTIFY_GET_TASK, args->a[1], last_traced(), 0);
		send_numbered(EV_NOTIFY_TRACE, args->a[1], last_traced(), 0);
	}
	return 0;
}

/* kill(pid, 0) and kin only ask whether a process is there; other signals come from signal_generate. */
SEC("tp_btf/sys_exit")
int BPF_PROG(exit_kill, struct pt_regs *regs, long ret)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct args *args;
	bool group;

	if (ret)
		return 0;
	args = args_of(regs);
	if (!args)
		return 0;
	group = args->variant == ES_VARIANT_OTHER;	/* tgkill(tgid, tid, sig) */
	if (args->a[group ? 2 : 1] == 0 && (int)args->a[0] != task->tgid)
		send_numbered(EV_NOTIFY_SIGNAL, args->a[0], 0, 0);
	return 0;
}

/* ---- modules ---- */

static __noinline int send_module(uint32_t type, uint64_t address)
{
	struct module *module = (void *)address;
	uint64_t slots = select_clients(type);
	struct scratch *s;

	if (!slots)
		return 0;
	s = event_begin(type);
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
