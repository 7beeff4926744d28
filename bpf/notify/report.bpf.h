/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * (N3) Events that the daemon reports. It makes a record from one that event_report() sent it and from what it found.
 * Only kernel programs can write to the rings. So the daemon runs this one, which copies the record into the rings of
 * the clients that wanted it when the process acted, and still do. What it hears of systemd-logind it passes to the
 * other one here.
 */

#include "bpf/notify/object.bpf.h"

struct es_report_bytes {
	uint8_t bytes[ES_REPORT_BYTES];
};

/* A record for each of the daemon's threads that report; the daemon maps them. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, ES_REPORT_RECORDS);
	__type(key, uint32_t);
	__type(value, struct es_report_bytes);
} reports SEC(".maps");

/* Copies what the daemon has made; 0: it is none. */
__noinline int report_copy(struct scratch *s, uint32_t reporter, uint32_t bytes)
{
	void *from = bpf_map_lookup_elem(&reports, &reporter);

	if (!s || !from || bytes < sizeof(struct es_record) || bytes > ES_REPORT_BYTES)
		return 0;
	asm volatile("" : "+r"(bytes));
	if (bytes > ES_REPORT_BYTES || bpf_probe_read_kernel(s->record, bytes, from))
		return 0;
	head_of(s)->time_ns = bpf_ktime_get_ns();
	s->used = bytes;
	return 1;
}

SEC("syscall")
int report(struct es_report *ctx)
{
	uint32_t type = ctx->type, bytes = ctx->bytes;
	uint64_t slots = ctx->slots;
	struct scratch *s;

	if (bpf_get_current_pid_tgid() >> 32 != control.daemon_tgid || type >= ES_EVENT_TYPES)
		return 0;
	slots &= control.subscribers[type];
	if (!slots)
		return 0;
	s = scratch_take();
	if (!s)
		return record_lost(slots, type);
	if (report_copy(s, ctx->reporter, bytes))
		record_send(s, slots);
	scratch_give(s);
	return 0;
}

/* Those that still want what this process does, which isn't the current one. Its struct process has been filled in. */
static __always_inline uint64_t select_of(struct task_struct *task, uint32_t type)
{
	uint64_t slots = control.subscribers[type];

	return other_in_scope(task) ? select_actor(task, type, slots) : 0;
}

/*
 * What another process has told the daemon. No kernel program has seen it act, so the record has no process yet: the
 * daemon runs this over that one task, whose process it becomes, and for whose mutes it goes.
 */
SEC("iter/task")
int report_of(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	uint32_t reporter = ES_REPORT_SESSIONS, type;
	struct es_record *from;
	struct scratch *s;

	if (!task || task->pid != task->tgid)
		return 0;
	from = bpf_map_lookup_elem(&reports, &reporter);
	if (!from)
		return 0;
	type = *(volatile uint16_t *)&from->type;
	if (type >= ES_EVENT_TYPES || !control.subscribers[type])
		return 0;
	s = scratch_take();
	if (!s)
		return record_lost(control.subscribers[type], type);
	if (report_copy(s, reporter, *(volatile uint32_t *)&from->size)) {
		head_of(s)->process = put_process(s, task);
		if (head_of(s)->process)
			record_send(s, select_of(task, type));
		else
			record_lost(control.subscribers[type], type);
	}
	scratch_give(s);
	return 0;
}
