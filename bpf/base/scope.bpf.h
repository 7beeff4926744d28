/* SPDX-License-Identifier: MIT */
#pragma once

/* Is a task or a mount in the daemon's scope? A cgroup and a list of mounts limit that. And which tasks are its own. */

#include "bpf/base/kernel.h"
#include "bpf/base/maps.bpf.h"

/* The daemon or its keeper (daemon/keeper.h), by the number of a process. */
static __always_inline bool is_daemon(uint32_t tgid)
{
	return tgid == control.daemon_tgid || tgid == control.keeper_tgid;
}

/* Is the current task in the cgroup that limits the scope? */
static __always_inline bool task_in_scope(void)
{
	if (!control.scope_cgroup)
		return true;
	return bpf_get_current_ancestor_cgroup_id(control.scope_cgroup_level) == control.scope_cgroup;
}

/* Is another task in the cgroup that limits the scope? */
static __always_inline bool other_in_scope(struct task_struct *task)
{
	struct cgroup *cgroup, *ancestor = NULL;

	if (!control.scope_cgroup)
		return true;
	cgroup = READ_CORE(task, cgroups, dfl_cgrp);
	if (READ_CORE(cgroup, level) < (int)control.scope_cgroup_level)
		return false;
	bpf_probe_read_kernel(&ancestor, sizeof(ancestor),
			      (char *)cgroup + bpf_core_field_offset(struct cgroup, ancestors) +
			      control.scope_cgroup_level * sizeof(ancestor));
	return READ_CORE(ancestor, kn, id) == control.scope_cgroup;
}

/* Is a mount one of those that limit the scope? */
static __always_inline bool mount_in_scope(struct mount *mount)
{
	uint32_t i, id;

	if (!control.scope_mounts)
		return true;
	id = READ_SCALAR(mount, mnt_id);
	for (i = 0; i < ES_SCOPE_MOUNTS; i++) {
		if (i >= control.scope_mounts)
			break;
		if (control.scope_mount[i] == id)
			return true;
	}
	return false;
}
