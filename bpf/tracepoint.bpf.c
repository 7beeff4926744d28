/* SPDX-License-Identifier: GPL-2.0-only OR MIT */

/*
 * (1) The tracepoint sensor, for kernels where LSM programs don't load. Its programs, in the order in which an event
 * passes:
 *
 *	on_sys_enter	sys_enter		of the kinds of calls that have to be seen before they are done
 *	on_sys_exit	sys_exit		of all kinds in abi/syscalls.def: files, mounts, sockets, ids
 *	on_call_over	sys_exit		of calls that may start over: wait.bpf.h
 *	on_fork, on_exec, on_exit, on_signal, fill_tasks	processes: task.bpf.h
 *	on_module_*	module_load, module_free
 *	ask		run by the library for an operation that waits at its gate: ask.bpf.h
 *
 * The rest (enter_*, exit_*) is reached from the first two by tail call.
 */

#include "kernel.h"
#include "ask.bpf.h"
#include "attribute.bpf.h"
#include "lsm.bpf.h"
#include "lsm-object.bpf.h"
#include "name.bpf.h"
#include "open.bpf.h"
#include "system.bpf.h"
#include "task.bpf.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, ES_KIND_COUNT);
	__uint(key_size, sizeof(uint32_t));
	__array(values, int(void *));
} enters SEC(".maps") = {
	.values = {
		[ES_KIND_OPEN] = (void *)&enter_open,
		[ES_KIND_COPY] = (void *)&enter_copy,
		[ES_KIND_EXEC] = (void *)&enter_exec,
		[ES_KIND_CLOSE] = (void *)&enter_close,
		[ES_KIND_DUP] = (void *)&enter_dup,
		[ES_KIND_UNLINK] = (void *)&enter_name,
		[ES_KIND_RENAME] = (void *)&enter_name,
		[ES_KIND_UMOUNT] = (void *)&enter_umount,
	},
};

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, ES_KIND_COUNT);
	__uint(key_size, sizeof(uint32_t));
	__array(values, int(void *));
} exits SEC(".maps") = {
	.values = {
		[ES_KIND_OPEN] = (void *)&exit_open,
		[ES_KIND_EXEC] = (void *)&exit_exec,
		[ES_KIND_WRITE] = (void *)&exit_write,
		[ES_KIND_TRUNCATE] = (void *)&exit_attribute,
		[ES_KIND_UNLINK] = (void *)&exit_unlink,
		[ES_KIND_RENAME] = (void *)&exit_rename,
		[ES_KIND_LINK] = (void *)&exit_link,
		[ES_KIND_MAKE] = (void *)&exit_make,
		[ES_KIND_CHMOD] = (void *)&exit_attribute,
		[ES_KIND_CHOWN] = (void *)&exit_attribute,
		[ES_KIND_UTIMES] = (void *)&exit_attribute,
		[ES_KIND_SETXATTR] = (void *)&exit_setxattr,
		[ES_KIND_GETXATTR] = (void *)&exit_getxattr,
		[ES_KIND_LISTXATTR] = (void *)&exit_attribute,
		[ES_KIND_DELXATTR] = (void *)&exit_delxattr,
		[ES_KIND_IOCTL] = (void *)&exit_ioctl,
		[ES_KIND_COPY] = (void *)&exit_copy,
		[ES_KIND_CHDIR] = (void *)&exit_chdir,
		[ES_KIND_CHROOT] = (void *)&exit_chroot,
		[ES_KIND_STAT] = (void *)&exit_attribute,
		[ES_KIND_ACCESS] = (void *)&exit_attribute,
		[ES_KIND_READLINK] = (void *)&exit_attribute,
		[ES_KIND_READDIR] = (void *)&exit_attribute,
		[ES_KIND_DUP] = (void *)&exit_dup,
		[ES_KIND_FCNTL] = (void *)&exit_fcntl,
		[ES_KIND_MOUNT] = (void *)&exit_mount,
		[ES_KIND_UMOUNT] = (void *)&exit_umount,
		[ES_KIND_SETTIME] = (void *)&exit_settime,
		[ES_KIND_BIND] = (void *)&exit_bind,
		[ES_KIND_CONNECT] = (void *)&exit_connect,
		[ES_KIND_SETID] = (void *)&exit_setid,
		[ES_KIND_PTRACE] = (void *)&exit_ptrace,
		[ES_KIND_KILL] = (void *)&exit_kill,
		[ES_KIND_MAP] = (void *)&exit_memory,
	},
};

SEC("tp_btf/sys_enter")
int BPF_PROG(on_sys_enter, struct pt_regs *regs, long id)
{
	uint32_t kind = live_kind(id);

	if (kind != ES_KIND_NONE)
		bpf_tail_call(ctx, &enters, kind);
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_sys_exit, struct pt_regs *regs, long ret)
{
	uint32_t kind = live_kind(regs->orig_ax);

	if (kind != ES_KIND_NONE)
		bpf_tail_call(ctx, &exits, kind);
	return 0;
}
