/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * (N1) System calls. on_sys_exit looks the number up. If a client wants events of calls of that kind, it goes on in
 * the program for the kind (a tail call: the verifier checks each by itself). A call that failed did nothing and is
 * no event. on_sys_enter does the same for the few kinds whose objects are gone or different afterwards.
 */

#include "bpf/base/syscall-args.bpf.h"

/* The kind of a call, or ES_KIND_NONE if no client wants events of it. */
static __always_inline uint32_t live_kind(long nr)
{
	uint32_t kind = syscalls[syscall_index(nr) & (2 * ES_SYSCALLS - 1)].kind;

	if (kind >= ES_KIND_COUNT || !control.kind_live[kind])
		return ES_KIND_NONE;
	return kind;
}

/* The programs for the kinds of calls. The daemon puts them in when it has loaded them (daemon/sensor/tracepoints.c). */
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
