/* SPDX-License-Identifier: MIT */
#pragma once

/* (N1) One process looks at another, by its number or by its files in /proc. */

#include "bpf/record/procfs.bpf.h"
#include "bpf/select/event.bpf.h"

static __noinline int send_numbered(uint32_t type, int pid, uint64_t address, int64_t number)
{
	uint64_t slots = call_clients(type);
	struct scratch *s;

	if (!slots || pid <= 0 || pid == (int)(bpf_get_current_pid_tgid() >> 32))
		return 0;
	s = event_begin(type, slots);
	if (s) {
		head_of(s)->other = put_numbered(s, pid, address);
		head_of(s)->num[0] = number;
	}
	event_send(s, s && head_of(s)->other ? slots : 0);
	return 0;
}

/* A file was opened. */
static __always_inline void send_look(struct file *file)
{
	struct look look = {};

	if (!(control.subscribers[EV_NOTIFY_GET_TASK] | control.subscribers[EV_NOTIFY_GET_TASK_READ] |
	      control.subscribers[EV_NOTIFY_PROC_CHECK]))
		return;
	if (look_of(&look, file))
		send_numbered(look.notify, look.pid, look.leader, look.number);
}
