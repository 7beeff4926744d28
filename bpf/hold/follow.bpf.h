/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * (A6) May a task sleep at a hook? Not if another program follows ours there.
 *
 * A BPF LSM hook is a trampoline: one piece of code that calls all attached programs. The kernel makes a new piece
 * whenever the programs change. A task that sleeps in our program returns to the old piece, which calls the next
 * program. That one may have been detached and freed since: the kernel frees a plain program after an ordinary RCU
 * grace period, which doesn't wait for sleeping tasks. Then the kernel jumps into freed memory. The same happens with
 * a fexit program on the hook's function when ours returns an error: the old piece then jumps over the place where
 * the kernel has patched the call of detached fexit programs away.
 *
 * So a task sleeps only where our program is the last. The kernel calls the program that was attached last first. So
 * once ours is attached only fexit programs can get behind it. Two programs here look for that:
 *
 *	follow_look	run by the daemon: reads, in the kernel's own lists, what follows ours
 *	follow_guard	shuts the gates before an fexit program is attached
 *
 * Only the daemon opens a gate, after follow_look (daemon/sensor/follow.c). While it is shut a call starts over until
 * it is answered (wait.bpf.h).
 */

#include "abi/follow.h"
#include "bpf/base/maps.bpf.h"
#include "bpf/cache/versions.bpf.h"
#include "bpf/record/path.bpf.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct mutex {
	struct {
		int64_t counter;
	} owner;
};

struct bpf_prog_aux {
	uint32_t id;
	uint32_t attach_btf_id;
	char name[ES_FOLLOW_NAME_BYTES];
};

struct bpf_prog {
	enum bpf_prog_type type;
	struct bpf_prog_aux *aux;
};

struct bpf_link {
	struct bpf_prog *prog;
};

struct bpf_tramp_link {
	struct bpf_link link;
	struct hlist_node tramp_hlist;
};

struct bpf_trampoline {
	struct mutex mutex;
	struct hlist_head progs_hlist[3];
};

struct bpf_tracing_link {
	struct bpf_tramp_link link;
	struct bpf_trampoline *trampoline;
};

#pragma clang attribute pop

enum bpf_tramp_prog_type {
	BPF_TRAMP_FEXIT = 1,
};

/* By a function's BTF id: the types whose gates shut when a program is attached to it. The daemon fills it in. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, ES_FOLLOW_HOOKS_MAX);
	__type(key, uint32_t);
	__type(value, struct es_follow_types);
} follow_hooks SEC(".maps");

/* Readable when follow_guard has shut a gate. The daemon reads it. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} follow_shut SEC(".maps");

static __always_inline bool gate_open(uint32_t type)
{
	asm volatile("" : "+r"(type));
	return READ_ONCE(control.gates[type & (ES_GATES - 1)]) & ES_GATE_OPEN;
}

static __always_inline void follow_name(struct es_follow *out, struct bpf_link *link)
{
	struct bpf_prog *prog = READ_CORE(link, prog);
	char name[ES_FOLLOW_NAME_BYTES];
	uint32_t i;

	out->id = READ_CORE(prog, aux, id);
	bpf_probe_read_kernel(name, sizeof(name),
			      (char *)READ_CORE(prog, aux) + bpf_core_field_offset(struct bpf_prog_aux, name));
	for (i = 0; i < sizeof(name); i++)	/* no helper writes to a context */
		out->name[i] = name[i];
}

/* The link of a program in a trampoline's list. */
static __always_inline struct bpf_link *link_of(struct hlist_node *node)
{
	return (void *)((char *)node - bpf_core_field_offset(struct bpf_tramp_link, tramp_hlist) +
			bpf_core_field_offset(struct bpf_tramp_link, link));
}

/*
 * Read the lists first, then the lock. If nothing follows and the lock is free, the kernel has also made its code from
 * such lists: it changes the lists with the lock held, and releases it when the code is made.
 */
SEC("syscall")
int follow_look(struct es_follow *ctx)
{
	struct file *file = file_of_fd(ctx->link_fd);
	struct bpf_tracing_link *link = file ? READ_CORE(file, private_data) : NULL;
	struct bpf_trampoline *trampoline;
	struct hlist_node *node;
	struct hlist_head *exits;

	ctx->state = ES_FOLLOW_UNKNOWN;
	if (!link || bpf_get_current_pid_tgid() >> 32 != control.daemon_tgid)
		return 0;
	trampoline = READ_CORE(link, trampoline);
	if (!trampoline)
		return 0;
	ctx->state = ES_FOLLOW_SOMETHING;
	node = READ_CORE(link, link.tramp_hlist.next);
	exits = (void *)((char *)trampoline + bpf_core_field_offset(struct bpf_trampoline, progs_hlist));
	exits += bpf_core_enum_value(enum bpf_tramp_prog_type, BPF_TRAMP_FEXIT);
	if (!node)
		bpf_probe_read_kernel(&node, sizeof(node), exits);
	if (node)
		follow_name(ctx, link_of(node));
	else if (READ_CORE(trampoline, mutex.owner.counter))
		ctx->state = ES_FOLLOW_UNKNOWN;
	else
		ctx->state = ES_FOLLOW_NOTHING;
	return 0;
}

static __always_inline void gate_shut(uint32_t type)
{
	asm volatile("" : "+r"(type));
	type &= ES_GATES - 1;
	/* Count first, then shut: the daemon opens a gate only if the word is still what it was before follow_look. */
	__sync_fetch_and_add(&control.gates[type], ES_GATE_STEP);
	__sync_fetch_and_and(&control.gates[type], ~(uint32_t)ES_GATE_OPEN);
}

/* The tracing program that this call attaches; NULL: none. */
static __always_inline struct bpf_prog *attached(int cmd, union bpf_attr *attr)
{
	uint32_t words[3] = {};		/* of the union: link_create.prog_fd, raw_tracepoint.prog_fd are the 1st and the 3rd */
	struct file *file;
	struct bpf_prog *prog;

	bpf_probe_read_kernel(words, sizeof(words), attr);
	file = file_of_fd(cmd == BPF_LINK_CREATE ? words[0] : words[2]);
	prog = file ? READ_CORE(file, private_data) : NULL;
	return prog && READ_CORE(prog, type) == BPF_PROG_TYPE_TRACING ? prog : NULL;
}

SEC("lsm/bpf")
int BPF_PROG(follow_guard, int cmd, union bpf_attr *attr)
{
	const struct es_follow_types *types;
	struct bpf_prog *prog;
	uint32_t id, i;

	if (cmd != BPF_LINK_CREATE && cmd != BPF_RAW_TRACEPOINT_OPEN)
		return 0;
	prog = attached(cmd, attr);
	if (!prog)
		return 0;
	id = READ_CORE(prog, aux, attach_btf_id);	/* 0: one for many functions, which are listed elsewhere */
	types = bpf_map_lookup_elem(&follow_hooks, &id);
	if (!types)
		return 0;
	for (i = 0; i < ES_EVENT_TYPES; i++) {
		if (types->word[i / 64] >> i % 64 & 1)
			gate_shut(i);
	}
	bpf_ringbuf_output(&follow_shut, &id, sizeof(id), BPF_RB_FORCE_WAKEUP);
	return 0;
}
