/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * (N2, A2) Who wants this event? The one decision that all programs share: who subscribed, and has not muted the
 * process or its executable. The answer is a set of clients, a bit for each slot; the empty set, which is the common
 * case, costs one load.
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
 * What has the mark of lib/unseen.h is done for clients. A library looks something up for a handler, which would be told of
 * that, and ask again: the clients of its process are left out. The daemon finds out who made a program, by itself and by
 * programs that it starts: all are. Who is neither can hide nothing by the mark.
 */
__noinline uint64_t select_unseen(uint64_t slots)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct unseen unseen = { .slots = slots, .tgid = task->tgid };

	if (READ_CORE(task, timer_slack_ns) != ES_UNSEEN_SLACK_NS)
		return slots;
	if (unseen.tgid == control.daemon_tgid || (uint32_t)READ_CORE(task, real_parent, tgid) == control.daemon_tgid)
		return 0;
	bpf_loop(ES_CLIENTS_MAX, unseen_step, &unseen, 0);
	return unseen.slots;
}

/*
 * Verified by its own: then the verifier goes through the programs that call it once, and not once for each of its ways.
 */
__noinline uint64_t select_subscribers(uint32_t type)
{
	uint64_t slots;

	if (type >= ES_EVENT_TYPES || !task_in_scope())
		return 0;
	slots = select_unseen(control.subscribers[type]);
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

/* The same for programs that see system calls: nobody of types that are told by what the kernel acted on. */
static __always_inline uint64_t call_clients(uint32_t type)
{
	if (type >= ES_EVENT_TYPES || control.by_object[type])
		return 0;
	return select_clients(type);
}
