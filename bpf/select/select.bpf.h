/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * (N2, A2) Who wants this event? The one decision that all programs share: who subscribed, and has not muted the
 * process or its executable. The answer is a set of clients, a bit for each slot; the empty set, which is the common
 * case, costs one load.
 */

#include "bpf/base/scope.bpf.h"
#include "bpf/select/mute.bpf.h"

/*
 * Verified by its own: then the verifier goes through the programs that call it once, and not once for each of its ways.
 */
__noinline uint64_t select_subscribers(uint32_t type)
{
	uint64_t slots;

	if (type >= ES_EVENT_TYPES || !task_in_scope())
		return 0;
	slots = control.subscribers[type];
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
