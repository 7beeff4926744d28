/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * (N3, A3) A program makes a record in a scratch area, and then copies it into the ring of each client that wants it:
 * it makes each record once, for any number of clients:
 *
 *	s = record_begin(type, slots);	an empty record; NULL if there is no area for it: then it is counted as lost
 *	put_*(s, ...);			fill it in; tails are appended
 *	record_send(s, slots);		to these clients; what doesn't fit is counted as lost
 *	scratch_give(s);
 */

#include "bpf/base/kernel.h"
#include "bpf/base/maps.bpf.h"

static __always_inline struct es_record *head_of(struct scratch *s)
{
	return (struct es_record *)s->record;
}

/*
 * Scratch areas come from a pool. An area for each CPU would have two users: programs may sleep, from 7.0 on all may be
 * preempted, and another program may interrupt them.
 */
uint32_t pool_taken[ES_SCRATCH_POOL];

static long pool_step(uint32_t index, uint32_t *taken)
{
	if (index >= ES_SCRATCH_POOL || index >= scratch_pool)
		return 1;
	if (pool_taken[index] || __sync_val_compare_and_swap(&pool_taken[index], 0, 1))
		return 0;
	*taken = index + 1;
	return 1;
}

/* An area for the caller alone, until scratch_give(); NULL: all are taken. */
static __always_inline struct scratch *scratch_take(void)
{
	uint32_t index = bpf_get_smp_processor_id() & (scratch_pool - 1) & (ES_SCRATCH_POOL - 1), taken = index + 1;
	struct scratch *s;

	/* Start at this CPU's own area, which is nearly always free, and in its cache. */
	if (pool_taken[index] || __sync_val_compare_and_swap(&pool_taken[index], 0, 1)) {
		taken = 0;
		bpf_loop(ES_SCRATCH_POOL, pool_step, &taken, 0);
	}
	if (!taken)
		return NULL;
	index = taken - 1;
	s = bpf_map_lookup_elem(&scratch, &index);
	if (s)
		s->taken = taken;
	return s;
}

static __always_inline void scratch_give(struct scratch *s)
{
	uint32_t index;

	if (!s)
		return;
	index = s->taken - 1;
	if (index < ES_SCRATCH_POOL)
		pool_taken[index] = 0;
}

static __always_inline void record_reset(struct scratch *s, uint32_t type)
{
	struct es_record *head = head_of(s);

	__builtin_memset(head, 0, sizeof(*head));
	head->type = type;
	head->time_ns = bpf_ktime_get_ns();
	head->thread_id = (uint32_t)bpf_get_current_pid_tgid();
	s->used = sizeof(*head);
	s->on_scoped_mount = 0;
	s->doubtful = 0;
}

/* Reserves `bytes`, a constant, at the record's end, aligned to 8; returns its offset, 0 if there is no room. */
static __always_inline uint32_t append(struct scratch *s, uint32_t bytes)
{
	uint32_t off = (s->used + 7) & ~7u;

	if (off > RECORD_BYTES - bytes)
		return 0;
	s->used = off + bytes;
	return off;
}

/* Bounds an offset for the verifier: it, and RECORD_SLACK bytes behind, are inside the record. */
static __always_inline void *at(struct scratch *s, uint32_t off)
{
	asm volatile("" : "+r"(off));
	if (off >= RECORD_BYTES)
		off = 0;
	return s->record + off;
}

/* Appends a string of at most `max` bytes (a constant below RECORD_SLACK) from kernel memory. */
static __always_inline void put_string(struct scratch *s, struct es_span *span, const void *text, uint32_t max)
{
	uint32_t off = s->used;
	long n;

	if (off >= RECORD_BYTES - max)
		return;
	n = bpf_probe_read_kernel_str(at(s, off), max, text);
	if (n <= 0)
		return;
	span->off = off;
	span->len = n - 1;
	s->used = off + n;
}

/* Appends `len` bytes from kernel memory (or a map) and a NUL. */
static __always_inline void put_bytes(struct scratch *s, struct es_span *span, const void *text, uint32_t len)
{
	uint32_t off = s->used;
	uint8_t *to;

	asm volatile("" : "+r"(len));
	if (len >= RECORD_SLACK / 2)
		len = RECORD_SLACK / 2 - 1;
	if (off >= RECORD_BYTES - RECORD_SLACK / 2)
		return;
	to = at(s, off);
	if (bpf_probe_read_kernel(to, len, text))
		return;
	to[len] = 0;
	span->off = off;
	span->len = len;
	s->used = off + len + 1;
}

struct send {
	struct scratch *s;
	uint64_t slots;
	uint64_t reached;		/* clients whose ring had room */
};

static __always_inline void count_lost(struct es_sensor_client *client, uint32_t type)
{
	if (type >= ES_EVENT_TYPES)
		return;
	__sync_fetch_and_add(&client->lost[type], 1);
	__sync_fetch_and_add(&client->lost_all, 1);
}

struct losing {
	uint64_t left;
	uint32_t type;
	uint32_t pad;
};

static long lose_step(uint32_t step, struct losing *losing)
{
	uint32_t slot = take_slot(&losing->left);
	struct es_sensor_client *client = bpf_map_lookup_elem(&clients, &slot);

	if (client)
		count_lost(client, losing->type);
	return !losing->left;
}

/* An event that could not be reported: counts it as lost for each of the clients. */
__noinline int record_lost(uint64_t slots, uint32_t type)
{
	struct losing losing = { .left = slots, .type = type };

	if (slots)
		bpf_loop(ES_CLIENTS_MAX, lose_step, &losing, 0);
	return 0;
}

static __always_inline struct scratch *record_begin(uint32_t type, uint64_t slots)
{
	struct scratch *s = scratch_take();

	if (s)
		record_reset(s, type);
	else
		record_lost(slots, type);
	return s;
}

/* The head counts the client's earlier losses, so that they become a gap in the sequence numbers. */
static __always_inline void put_lost(struct es_record *head, struct es_sensor_client *client)
{
	uint32_t type = head->type;

	if (type >= ES_EVENT_TYPES)
		return;
	head->lost_type = client->lost[type];
	head->lost_all = client->lost_all;
}

/* The deadline of a question that is asked now. */
static __always_inline uint64_t deadline_of(struct es_sensor_client *client, struct es_record *head)
{
	uint32_t type = head->type;

	if (type >= ES_EVENT_TYPES)
		type = 0;
	return head->time_ns + client->deadline_ms[type] * 1000000ull;
}

/* Sets the entry's deadline, so that the daemon and the warden watch it; since_ns: when its task began to wait. */
static __always_inline void put_deadline(struct es_held *entry, struct es_record *head, uint64_t since_ns)
{
	entry->limit_ns = since_ns + (head->deadline_ns - head->time_ns) * ES_DEADLINES_MAX;
	entry->deadline_ns = head->deadline_ns;
}

/* The operation's file, for the log: its first file, or the program of an exec, or of the other process. */
static __always_inline void put_about(struct es_held *entry, struct scratch *s)
{
	struct es_record *head = head_of(s);
	struct es_process_part *process;
	struct es_file_part *file;
	uint32_t off = head->file[0];

	if (!off || head->type == EV_AUTH_EXEC) {
		process = at(s, head->other);
		file = &process->executable;
	} else {
		file = at(s, off);
	}
	entry->path[0] = 0;
	if (off || head->other)
		bpf_probe_read_kernel_str(entry->path, sizeof(entry->path), at(s, file->path.off));
	process = at(s, head->process);
	entry->tgid = process->token.pid;
}

static long send_to_slot(uint32_t slot, struct send *send)
{
	struct es_sensor_client *client;
	struct scratch *s = send->s;
	struct es_record *head = head_of(s);
	uint32_t used = s->used;
	void *ring;

	if (slot >= ES_CLIENTS_MAX || !(send->slots >> slot))
		return 1;
	if (!(send->slots >> slot & 1))
		return 0;
	client = bpf_map_lookup_elem(&clients, &slot);
	ring = bpf_map_lookup_elem(&rings, &slot);
	if (!client || !ring)
		return 0;

	put_lost(head, client);
	asm volatile("" : "+r"(used));
	if (used > RECORD_BYTES)
		used = RECORD_BYTES;
	if (bpf_ringbuf_output(ring, s->record, used, 0)) {
		if (!(head->flags & ES_RECORD_AUTH))	/* of AUTH, the caller asks again or counts it */
			count_lost(client, head->type);
		return 0;
	}
	__sync_fetch_and_add(&client->delivered, 1);
	send->reached |= 1ull << slot;
	return 0;
}

/* Copies the record into the rings of `slots`; returns those whose ring had room. */
__noinline uint64_t record_send(struct scratch *s, uint64_t slots)
{
	struct send send = { .s = s, .slots = slots };

	if (!s)
		return 0;
	head_of(s)->size = s->used;
	bpf_loop(ES_CLIENTS_MAX, send_to_slot, &send, 0);
	return send.reached;
}

/* A record with files is in scope if one of its files is on a mount that limits the scope; one without always is. */
static __always_inline bool record_in_scope(struct scratch *s)
{
	return !control.scope_mounts || s->on_scoped_mount || !head_of(s)->file[0];
}
