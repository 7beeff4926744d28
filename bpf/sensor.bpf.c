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
 *	follow_look, follow_guard	may a task sleep at a hook? follow.bpf.h
 *
 * The rest (enter_*, exit_*) is reached from the first two by tail call.
 */

#include "bpf/base/kernel.h"
#include "bpf/hold/attribute.bpf.h"
#include "bpf/hold/fanotify.bpf.h"
#include "bpf/hold/file.bpf.h"
#include "bpf/notify/attribute.bpf.h"
#include "bpf/notify/file.bpf.h"
#include "bpf/notify/name.bpf.h"
#include "bpf/notify/process.bpf.h"
#include "bpf/notify/system.bpf.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* The programs for the kinds of calls, put in by the daemon (daemon/sensor/tracepoints.c) when it has loaded them. */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, ES_KIND_COUNT);
	__type(key, uint32_t);
	__type(value, uint32_t);
} enters SEC(".maps"), exits SEC(".maps");

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
