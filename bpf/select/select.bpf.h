/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * (2) Who wants this event? The one decision that all programs share: who subscribed, and has not muted the process or
 * its executable. The answer is a set of clients, a bit for each slot; the empty set, which is the common case, costs
 * one load.
 */

#include "bpf/base/kernel.h"
#include "bpf/base/maps.bpf.h"
#include "bpf/select/mute.bpf.h"

/* Is the current task inside the cgroup that the daemon was limited to? */
static __always_inline bool task_in_scope(void)
{
	if (!control.scope_cgroup)
		return true;
	return bpf_get_current_ancestor_cgroup_id(control.scope_cgroup_level) == control.scope_cgroup;
}

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

/* Is a mount one of those that the daemon was limited to? */
static __always_inline bool mount_in_scope(struct mount *mount)
{
	uint32_t i, id;

	if (!control.scope_mounts)
		return true;
	id = NUMBER(mount, mnt_id);
	for (i = 0; i < ES_SCOPE_MOUNTS; i++) {
		if (i >= control.scope_mounts)
			break;
		if (control.scope_mount[i] == id)
			return true;
	}
	return false;
}
