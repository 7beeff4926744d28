/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * (N3, A3) A record from beginning to end, for those who want it: event_begin(), put_*(), event_send(). Who has muted
 * what the event acts on is left out as soon as that can be known.
 */

#include "bpf/record/process.bpf.h"
#include "bpf/record/ring.bpf.h"
#include "bpf/select/select.bpf.h"
#include "bpf/select/target.bpf.h"

/* A record of what the current task did. event_send() belongs to each, also if this returns NULL. */
static __always_inline struct scratch *event_begin(uint32_t type)
{
	return record_begin(type);
}

/* The same of one that is about an open file, and nothing else: not for those who have muted it. */
static __always_inline struct scratch *event_begin_on(uint32_t type, struct file *file, uint64_t *slots)
{
	struct scratch *s = event_begin(type);

	if (!s || !(*slots & control.mute_target[type]))
		return s;
	s->climbed.mnt = READ_FAST(file, f_path.mnt);
	s->climbed.dentry = READ_FAST(file, f_path.dentry);
	*slots = select_path(s, *slots, type);
	return s;
}

/* Completes a record whose files are in it: returns who it is still for, and puts in who acted. */
static __always_inline uint64_t event_finish(struct scratch *s, uint64_t slots)
{
	slots = select_targets(s, slots);
	if (slots && !head_of(s)->process)
		head_of(s)->process = put_current(s);
	return head_of(s)->process ? slots : 0;
}

static const uint8_t report_types[] = {
#define REPORT_TYPE(name) EV_NOTIFY_##name,
	ES_REPORTS(REPORT_TYPE)
#undef REPORT_TYPE
};

/*
 * To the daemon, with who wants to be told what it makes of this: that is decided now, while there is the process. By then
 * the others have the record, who need not know. No function of its own: calls may be eight deep.
 */
static __always_inline void event_report(struct scratch *s)
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
	record_send(s, control.reporter);
}

/* To all who want it. */
static __always_inline void event_out(struct scratch *s, uint64_t slots)
{
	uint64_t clients = slots & ~control.reporter;

	if (clients)
		record_send(s, clients);
	if (slots & control.reporter)
		event_report(s);
}

static __always_inline void event_send(struct scratch *s, uint64_t slots)
{
	if (s && slots)
		slots = event_finish(s, slots);
	if (s && slots)
		event_out(s, slots);
	record_end();
}
