/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * (N3) Events that the daemon reports. It makes a record from one that event_report() sent it and from what it found.
 * Only kernel programs can write to the rings. So the daemon runs this one, which copies the record into the rings of
 * the clients that wanted it when the process acted, and still do.
 */

#include "bpf/notify/object.bpf.h"

struct es_report_bytes {
	uint8_t bytes[ES_REPORT_BYTES];
};

/* A record for each of the daemon's threads that report; the daemon maps them. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, ES_REPORTERS);
	__type(key, uint32_t);
	__type(value, struct es_report_bytes);
} reports SEC(".maps");

__noinline int report_send(struct scratch *s, uint64_t slots, uint32_t reporter, uint32_t bytes)
{
	void *from = bpf_map_lookup_elem(&reports, &reporter);

	if (!s || !from || bytes < sizeof(struct es_record) || bytes > ES_REPORT_BYTES)
		return 0;
	asm volatile("" : "+r"(bytes));
	if (bytes > ES_REPORT_BYTES || bpf_probe_read_kernel(s->record, bytes, from))
		return 0;
	head_of(s)->time_ns = bpf_ktime_get_ns();
	s->used = bytes;
	record_send(s, slots);
	return 0;
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
	report_send(s, slots, ctx->reporter, bytes);
	scratch_give(s);
	return 0;
}
