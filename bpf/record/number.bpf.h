/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * (N3) A process number that a program passes is of its own namespace; messages have those of the initial one. The
 * kernel keeps the numbers of a pid namespace in a tree, by six bits of the number at each level. The search here
 * uses the tree of the caller's namespace.
 */

#include "bpf/base/kernel.h"
#include "bpf/base/maps.bpf.h"

enum {
	TREE_LEVELS = 6,
	TREE_INTERNAL = 2,		/* low bits of an entry that is a node; it has no low numbers */
	TREE_NODES_FROM = 4096,
};

/* The address of the struct pid that has a number in the current task's pid namespace; 0: none has. */
__noinline uint64_t pid_by_number(int number)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct pid *own = READ_CORE(task, thread_pid);
	struct upid *upid = (void *)((char *)own + bpf_core_field_offset(struct pid, numbers) +
				     READ_CORE(own, level) * bpf_core_type_size(struct upid));
	uint64_t entry = (uint64_t)READ_CORE(upid, ns, idr.idr_rt.xa_head);
	uint32_t i, shift, last = 64;

	if (number <= 0)
		return 0;
	for (i = 0; i < TREE_LEVELS; i++) {
		struct xa_node *node = (void *)(entry & ~3ull);

		if ((entry & 3) != TREE_INTERNAL || entry < TREE_NODES_FROM)
			break;
		shift = READ_CORE(node, shift);
		if (shift >= last || (i == 0 && (uint32_t)number >> shift >> 6))
			return 0;
		last = shift;
		bpf_probe_read_kernel(&entry, sizeof(entry), (char *)node + bpf_core_field_offset(struct xa_node, slots) +
				      ((uint32_t)number >> shift & 63) * sizeof(entry));
	}
	return last == 0 && !(entry & 3) ? entry : 0;
}

/* Its number in the initial namespace, and the address of its process's first task; both 0 if there is none. */
static __always_inline int number_of_pid(uint64_t pid)
{
	return pid ? READ_CORE((struct pid *)pid, numbers[0].nr) : 0;
}

static __always_inline uint64_t leader_of_pid(uint64_t pid)
{
	struct hlist_node *node = pid ? READ_CORE((struct pid *)pid, tasks[PIDTYPE_PID].first) : NULL;
	struct task_struct *task;

	if (!node)
		return 0;
	task = (void *)((char *)node - bpf_core_field_offset(struct task_struct, pid_links[PIDTYPE_PID]));
	return (uint64_t)READ_CORE(task, group_leader);
}
