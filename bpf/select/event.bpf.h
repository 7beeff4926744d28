/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * (N3, A3) A record from beginning to end, for the clients that want it: event_begin(), put_*(), event_send(). These
 * drop a client that has muted the event's target as soon as that can be known.
 */

#include "bpf/record/process.bpf.h"
#include "bpf/record/ring.bpf.h"
#include "bpf/select/select.bpf.h"
#include "bpf/select/target.bpf.h"

/* A record of what the current task did, for these clients. Call event_send() for each, also if this returns NULL. */
static __always_inline struct scratch *event_begin(uint32_t type, uint64_t slots)
{
	return record_begin(type, slots);
}

/* The same for an event that is only about an open file: drops the clients that have muted the file from *slots. */
static __always_inline struct scratch *event_begin_on(uint32_t type, struct file *file, uint64_t *slots)
{
	struct scratch *s = event_begin(type, *slots);

	if (!s || !(*slots & control.mute_target[type]))
		return s;
	s->climbed.mnt = READ_FAST(file, f_path.mnt);
	s->climbed.dentry = READ_FAST(file, f_path.dentry);
	*slots = select_path(s, *slots, type);
	return s;
}

/* Completes a record that has its files: adds the acting process, and returns the clients that still want it. */
static __always_inline uint64_t event_finish(struct scratch *s, uint64_t slots)
{
	slots = select_targets(s, slots);
	if (!slots || head_of(s)->process)
		return slots;
	head_of(s)->process = put_current(s);
	if (head_of(s)->process)
		return slots;
	record_lost(slots, head_of(s)->type);
	return 0;
}

static const uint8_t report_types[] = {
#define REPORT_TYPE(name) EV_NOTIFY_##name,
	ES_REPORTS(REPORT_TYPE)
#undef REPORT_TYPE
};

/*
 * Sends the record to the daemon, with the clients that want the events which the daemon makes of it: they are
 * selected now, while the process exists. Call it after the clients have the record, which lacks this list. Not a
 * function of its own, since calls may only be eight deep.
 */
static __always_inline void event_report(struct scratch *s, uint64_t reporters)
{
	uint32_t off = append(s, sizeof(struct es_reported));
	struct es_reported *reported;

	if (!off)
		return;
	reported = at(s, off);
#pragma clang loop unroll(disable)
	for (uint32_t i = 0; i < ES_REPORT_COUNT; i++)
		reported->slots[i] = select_clients(report_types[i]);
	head_of(s)->fds.off = off;
	head_of(s)->fds.len = sizeof(*reported);
	record_send(s, reporters);
}

/* Sends the record to the clients, then to the daemon. */
static __always_inline void event_out(struct scratch *s, uint64_t slots)
{
	uint64_t reporters = slots & control.reporters, clients = slots & ~reporters;

	if (clients)
		record_send(s, clients);
	if (reporters)
		event_report(s, reporters);
}

/* No slots: there was no event. */
static __always_inline void event_send(struct scratch *s, uint64_t slots)
{
	if (s && slots)
		slots = event_finish(s, slots);
	if (s && slots)
		event_out(s, slots);
	scratch_give(s);
}
