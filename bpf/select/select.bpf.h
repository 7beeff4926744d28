/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * (N2, A2) Which clients want this event? All programs share this decision: those that subscribe, and have not muted
 * the process or its executable. The answer is a set of clients, a bit for each slot. The empty set, which is the
 * common case, costs one load.
 */

#include "bpf/base/scope.bpf.h"
#include "bpf/select/mute.bpf.h"

struct unseen {
	uint64_t slots;
	uint32_t tgid;
	uint32_t pad;
};

static long unseen_step(uint32_t slot, struct unseen *unseen)
{
	struct es_sensor_client *client = bpf_map_lookup_elem(&clients, &slot);

	if (client && client->tgid == unseen->tgid)
		unseen->slots &= ~(1ull << slot);
	return 0;
}

/*
 * A thread with the mark of lib/unseen.h looks something up for clients. A library does that for a handler, which
 * would get an event of it, and look it up again: so leave out the clients of its process. The daemon and the
 * programs that it starts find out where a file comes from: leave out all clients. Any other process hides
 * nothing by the mark.
 */
__noinline uint64_t select_unseen(uint64_t slots)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct unseen unseen = { .slots = slots, .tgid = task->tgid };

	if (READ_CORE(task, timer_slack_ns) != ES_UNSEEN_SLACK_NS)
		return slots;
	if (is_daemon(unseen.tgid) || is_daemon((uint32_t)READ_CORE(task, real_parent, tgid)))
		return 0;
	bpf_loop(ES_CLIENTS_MAX, unseen_step, &unseen, 0);
	return unseen.slots;
}

/* A global function, verified by itself: else the verifier would check its callers once for each path through it. */
__noinline uint64_t select_subscribers(uint32_t type)
{
	uint64_t slots;

	if (type >= ES_EVENT_TYPES)
		return 0;
	slots = control.subscribers[type];
	if (!task_in_scope())
		slots &= control.reporters;	/* else the daemon would blame a later process for this change */
	if (!slots)
		return 0;
	slots = select_unseen(slots);
	if (!(slots & control.mute_actor[type]))
		return slots;
	rcu_begin(true);
	slots = select_actor(bpf_get_current_task_btf(), type, slots);
	rcu_end(true);
	return slots;
}

static __always_inline uint64_t select_clients(uint32_t type)
{
	if (type >= ES_EVENT_TYPES || !control.subscribers[type])
		return 0;
	return select_subscribers(type);
}

/* The same for programs that see system calls. Other programs report the types that are in control.by_object. */
static __always_inline uint64_t call_clients(uint32_t type)
{
	if (type >= ES_EVENT_TYPES || control.by_object[type])
		return 0;
	return select_clients(type);
}
