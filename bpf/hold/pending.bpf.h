/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * (A4, A8) A waiting thread has an open question (struct pending, in its task storage), and an entry in the array
 * `held` of each client that has to answer. The answer is written into the entry. The waiting task consumes it by
 * freeing the entry.
 */

#include "bpf/base/syscall-args.bpf.h"
#include "bpf/cache/answer.bpf.h"
#include "bpf/record/ring.bpf.h"

enum wait_how {
	WAIT_GATE,			/* no lock is held */
	WAIT_WHOLE,			/* can't start over: the call has done something, or there is none */
	WAIT_SLICED,
	WAIT_RESTART,
};

enum {
	GATE_ROUNDS = 1 << 20,
	ALLOWED_BEFORE_MAX = 16,		/* far more questions than one call asks */
};

/* What was allowed earlier in the same system call. */
struct allowed_before {
	uint32_t type;
	uint32_t round;			/* in which it last counted: it counts once each time the call starts over */
	uint64_t key[3];
};

/* One per thread that asked. `type_and_one` 0: no question is open. */
struct pending {
	uint32_t type_and_one;
	uint32_t denied;
	uint64_t key[3];		/* the objects, as addresses or hashes: equal means the same operation */
	uint64_t slots;			/* clients that were asked and have not answered yet */
	uint64_t unsent;		/* clients still to ask: there was no room so far */
	uint64_t since_ns;		/* when the question was opened */
	uint64_t call;			/* the system call, as a hash of its registers */
	uint32_t watch;			/* control.calls_watched when it began */
	uint32_t round;			/* how often a call was started over */
	uint32_t allowed_before_count;
	uint32_t tid;			/* the thread's, when its question was opened */
	bool starts_over;		/* the call starts over, until its open question is answered */
	bool kick;			/* the call returns -ERESTARTNOINTR, and needs signals for that at its end */
	bool in_handler;		/* a signal's handler was called since, and hasn't returned */
	/* A signal to many, see hold/process.bpf.h: the call, and in its present pass: */
	bool many_open;			/* the answer about one target is missing */
	bool many_kicked;		/* the call will start over */
	bool many_deliver;		/* there is an answer about each target: the allowed ones get the signal */
	uint64_t many_call, many_pass;
	struct allowed_before allowed_before[ALLOWED_BEFORE_MAX];
	uint64_t auth_id[ES_CLIENTS_MAX];
	struct cached_answer cached_answer;	/* in hooks whose answers may be kept */
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct pending);
} pendings SEC(".maps");

/*
 * How many threads have a question open, by the low bits of their ids. It is nearly always 0: then a hook needs no
 * look at the thread's storage.
 */
enum { ASKING_MASK = 4095 };

uint32_t threads_asking[ASKING_MASK + 1];

static __always_inline uint32_t *asking_at(uint32_t tid)
{
	asm volatile("" : "+r"(tid));
	return &threads_asking[tid & ASKING_MASK];
}

static __always_inline bool may_be_asking(void)
{
	struct task_struct *task = bpf_get_current_task_btf();

	return READ_ONCE(*asking_at(task->pid));
}

uint64_t auth_generation;

struct question {
	uint64_t slots;			/* clients to ask */
	uint64_t key[3];
	struct pending *pending;		/* NULL: a kept answer denies it, or `lost` */
	uint64_t inode;			/* what a kept answer would be about; 0: none is looked for, or kept */
	uint64_t dentry;		/* the name that it has there, or 0 */
	uint32_t type;
	uint32_t notify;		/* the NOTIFY type of the same operation */
	uint32_t flags;			/* kept: what has to be allowed, see struct es_cache_slot; and CHANGES_FILE */
	uint32_t number;		/* kept: see cache_kind() */
	uint32_t lost;			/* there is no memory to wait with: see question_lost() */
};

/* The call returns -ERESTARTNOINTR, and comes back. */
static __always_inline void pending_starts_over(struct pending *pending)
{
	pending->starts_over = true;
	pending->round++;
}

/* ---- entries in `held` ---- */

/* Where a wait keeps the id of its entry for a slot. */
static __always_inline uint64_t *auth_id_at(struct pending *pending, uint32_t slot)
{
	asm volatile("" : "+r"(slot));
	return &pending->auth_id[slot & (ES_CLIENTS_MAX - 1)];
}

/*
 * How many entries a user has at a client: the limit leaves room for other users. Users that share a counter share the
 * limit. A process in a user namespace counts for the user that made the outermost one.
 */
enum { USERS = 512 };

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, ES_CLIENTS_MAX);
	__type(key, uint32_t);
	__type(value, uint32_t[USERS]);
} users SEC(".maps");

static __always_inline uint32_t *user_count(uint32_t slot, uint32_t user)
{
	uint32_t *counts = bpf_map_lookup_elem(&users, &slot);

	asm volatile("" : "+r"(user));
	return counts ? &counts[user & (USERS - 1)] : NULL;
}

static __noinline uint32_t user_of_current(void)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct user_namespace *space = READ_CORE(task, real_cred, user_ns), *outer;
	uint32_t i;

	if (!READ_CORE(space, level))
		return READ_CORE(task, real_cred, uid.val);
	for (i = 0; i < 33 && READ_CORE(space, level) > 1; i++) {
		outer = READ_CORE(space, parent);
		space = outer;
	}
	return READ_CORE(space, owner.val);
}

/* Counts an entry for the user. False: the user has ES_HELD_A_USER already. */
static __always_inline bool user_enter(uint32_t slot, uint32_t user, bool always)
{
	uint32_t *count = user_count(slot, user);

	if (!count)
		return true;
	if (__sync_fetch_and_add(count, 1) < ES_HELD_A_USER || always)
		return true;
	__sync_fetch_and_add(count, -1);
	return false;
}

static __always_inline void user_leave(uint32_t slot, uint32_t user)
{
	uint32_t *count = user_count(slot, user);

	if (count && *count)
		__sync_fetch_and_add(count, -1);
}

struct claim {
	void *array;
	uint64_t generation;
	uint64_t auth_id;		/* of the claimed entry; 0: none */
	uint32_t tid;
	uint32_t pad;
};

static long claim_step(uint32_t step, struct claim *claim)
{
	uint32_t index = (claim->tid + step) % ES_HELD_MAX;
	uint64_t id = claim->generation * ES_HELD_MAX + index;
	struct es_held *entry = bpf_map_lookup_elem(claim->array, &index);

	if (!entry)
		return 1;
	if (entry->auth_id || __sync_val_compare_and_swap(&entry->auth_id, 0, id))
		return 0;
	claim->auth_id = id;
	return 1;
}

static __always_inline struct es_held *entry_of(uint32_t slot, uint64_t auth_id)
{
	uint32_t index = auth_id % ES_HELD_MAX;
	struct es_held *entry;
	void *array;

	array = bpf_map_lookup_elem(&held, &slot);
	entry = array ? bpf_map_lookup_elem(array, &index) : NULL;
	return entry && entry->auth_id == auth_id ? entry : NULL;
}

static __always_inline void entry_free(uint32_t slot, struct es_held *entry)
{
	uint32_t user = entry->user;

	entry->user = 0;
	if (user)
		user_leave(slot, user - 1);
	entry->deadline_ns = 0;
	entry->tid = 0;
	entry->request = 0;
	entry->verdict = ES_VERDICT_NONE;
	entry->auth_id = 0;
}

static long drop_step(uint32_t slot, struct pending **pending_)
{
	struct pending *pending = *pending_;
	struct es_held *entry;

	if (slot >= ES_CLIENTS_MAX || !(pending->slots >> slot))
		return 1;
	if (!(pending->slots >> slot & 1))
		return 0;
	entry = entry_of(slot, *auth_id_at(pending, slot));
	if (entry)
		entry_free(slot, entry);
	return 0;
}

/* Closes the question, answered or not. */
__noinline int pending_drop(struct pending *pending)
{
	if (!pending)
		return 0;
	if (!pending->type_and_one)
		return 0;
	bpf_loop(ES_CLIENTS_MAX, drop_step, &pending, 0);
	__sync_fetch_and_add(asking_at(pending->tid), -1);
	pending->type_and_one = 0;
	pending->slots = 0;
	pending->unsent = 0;
	pending->denied = 0;
	return 0;
}

static long gone_step(uint32_t slot, uint32_t *tgid)
{
	struct es_sensor_client *client = bpf_map_lookup_elem(&clients, &slot);

	if (!client)
		return 1;
	if (client->tgid == *tgid)
		client->gone = 1;
	return 0;
}

static __always_inline void daemon_gone(void)
{
	control.daemon_gone = 1;
	bpf_ringbuf_output(&end, &control.daemon_gone, sizeof(control.daemon_gone), BPF_RB_FORCE_WAKEUP);
}

/*
 * A process ends. If it is a client or the daemon, calls that start over for its answer see that at once: user space
 * may notice late, above all on a machine that is busy with calls that start over.
 *
 * A daemon that ends has yet to close its descriptors, and taking down dozens of programs takes up to seconds. So the
 * libraries and the warden, which can wake tasks at gates, are notified here.
 */
static __always_inline void pending_process_gone(struct task_struct *task)
{
	uint32_t tgid = READ_CORE(task, tgid);

	if (tgid == control.keeper_tgid)
		daemon_gone();
	if (bpf_map_lookup_elem(&client_processes, &tgid))
		bpf_loop(ES_CLIENTS_MAX, gone_step, &tgid, 0);
}
