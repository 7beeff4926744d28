/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * (A2, A4) Asking the clients. question_open() finds those to ask. question_send() puts the record into the ring of
 * each, and claims an entry for its answer. This file also keeps what was allowed earlier in the same system call: a
 * call that starts over doesn't ask that again.
 */

#include "bpf/hold/about.bpf.h"
#include "bpf/hold/pending.bpf.h"
#include "bpf/select/event.bpf.h"

static __always_inline uint32_t gate_pid_of(uint32_t slot)
{
	asm volatile("" : "+r"(slot));
	return control.gate_pid[slot & (ES_CLIENTS_MAX - 1)];
}

/* A client isn't asked about itself. No client is asked about the daemon or its children, the gates' processes. */
struct exempt {
	uint64_t left;			/* slots to check */
	uint64_t slots;			/* slots to ask */
	uint32_t tgid;
	uint32_t pad;
};

static long exempt_step(uint32_t step, struct exempt *exempt)
{
	uint32_t slot = take_slot(&exempt->left);
	struct es_sensor_client *client = bpf_map_lookup_elem(&clients, &slot);

	if (client && client->tgid && !client->gone && client->tgid != exempt->tgid && gate_pid_of(slot))
		exempt->slots |= 1ull << slot;
	return !exempt->left;
}

static __always_inline uint64_t slots_to_ask(uint32_t type)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct exempt exempt = { .left = select_clients(type), .tgid = task->tgid };

	if (!exempt.left || control.daemon_gone || task->flags & PF_KTHREAD || is_daemon(exempt.tgid) ||
	    is_daemon((uint32_t)READ_FAST(READ_FAST(task, real_parent), tgid)))
		return 0;
	exempt.slots = unknown(0);
	bpf_loop(ES_CLIENTS_MAX, exempt_step, &exempt, 0);
	return exempt.slots;
}

/*
 * Is this the question that the task has open? Not if a signal's handler was called since and hasn't returned. Then
 * this is another call, by the handler or after a jump out of it.
 */
static __always_inline bool question_asked(const struct question *q)
{
	const struct pending *pending = q->pending;

	return !pending->in_handler && pending->type_and_one == q->type + 1 && pending->key[0] == q->key[0] &&
	       pending->key[1] == q->key[1] && pending->key[2] == q->key[2];
}

/* False: no client subscribes to the type, so none was asked either. */
static __always_inline bool question_begin(struct question *q, uint32_t type, uint32_t notify)
{
	if (!control.subscribers[type])
		return false;
	q->type = type;
	q->notify = notify;
	q->slots = slots_to_ask(type);
	return true;
}

/*
 * False: no client wants to be asked. The task still waits for a client that was asked and has muted this since: its
 * answer counts.
 */
static __always_inline bool question_key(struct question *q, uint64_t a, uint64_t b, uint64_t c)
{
	q->key[0] = a;
	q->key[1] = b;
	q->key[2] = c;
	if (!q->slots && !may_be_asking())
		return false;
	q->pending = bpf_task_storage_get(&pendings, bpf_get_current_task_btf(), NULL,
				       q->slots ? BPF_LOCAL_STORAGE_GET_F_CREATE : 0);
	q->lost = q->slots && !q->pending;
	return q->lost || (q->pending && (q->slots || question_asked(q)));
}

static __always_inline bool question_open(struct question *q, uint32_t type, uint32_t notify, uint64_t a, uint64_t b,
					  uint64_t c)
{
	return question_begin(q, type, notify) && question_key(q, a, b, c);
}

/* ---- what was allowed already ---- */

/* The system call that the current task is in: the same when it starts over. */
static __always_inline uint64_t call_hash(void)
{
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
	uint64_t hash = regs->orig_ax;

	hash = hash * 0x9e3779b97f4a7c15 + regs->ip;
	hash = hash * 0x9e3779b97f4a7c15 + regs->sp;
	hash = hash * 0x9e3779b97f4a7c15 + regs->di;
	hash = hash * 0x9e3779b97f4a7c15 + regs->si;
	hash = hash * 0x9e3779b97f4a7c15 + regs->dx;
	hash = hash * 0x9e3779b97f4a7c15 + regs->r10;
	return hash * 0x9e3779b97f4a7c15 + regs->bx;	/* a 32-bit program's first argument */
}

static __always_inline struct allowed_before *allowed_before_at(struct pending *pending, uint32_t index)
{
	asm volatile("" : "+r"(index));
	return &pending->allowed_before[index & (ALLOWED_BEFORE_MAX - 1)];
}

struct allowed_before_search {
	struct pending *pending;
	uint64_t key[3];
	uint32_t type;
	uint32_t found;
	bool ever;			/* in any round */
};

static long allowed_before_step(uint32_t index, struct allowed_before_search *search)
{
	struct allowed_before *allowed = allowed_before_at(search->pending, index);

	if (index >= search->pending->allowed_before_count)
		return 1;
	if (allowed->type != search->type || (!search->ever && allowed->round == search->pending->round) ||
	    allowed->key[0] != search->key[0] || allowed->key[1] != search->key[1] || allowed->key[2] != search->key[2])
		return 0;
	allowed->round = search->pending->round;
	search->found = 1;
	return 1;
}

static __always_inline void call_forget(struct pending *pending)
{
	pending->allowed_before_count = 0;
	pending->starts_over = false;
}

static __always_inline void raise_again(uint32_t signal, uint64_t thread, uint64_t process)
{
	if (thread >> (signal - 1) & 1)
		bpf_send_signal_thread(signal);
	if (process >> (signal - 1) & 1)
		bpf_send_signal(signal);
}

/*
 * What makes the kernel start a call over. If the thread has a signal to handle anyway, that does it. SIGCONT also cancels
 * stop signals that were pending: send those again.
 */
static __always_inline void kick_now(void)
{
	struct task_struct *task = bpf_get_current_task_btf();
	const uint64_t stops = 15ull << (LINUX_SIGSTOP - 1);
	uint64_t thread = READ_CORE(task, pending.signal.sig[0]);
	uint64_t process = READ_CORE(task, signal, shared_pending.signal.sig[0]);

	if (thread & ~READ_CORE(task, blocked.sig[0]))
		return;
	bpf_send_signal_thread(LINUX_SIGSTOP);
	bpf_send_signal_thread(LINUX_SIGCONT);
	if ((thread | process) & stops) {
		raise_again(LINUX_SIGSTOP, thread, process);
		raise_again(LINUX_SIGTSTP, thread, process);
		raise_again(LINUX_SIGTTIN, thread, process);
		raise_again(LINUX_SIGTTOU, thread, process);
	}
}

/*
 * Runs at the end of each system call, while hooks that start calls over are in use. It drops what was allowed in the
 * call: the next call may have the same registers and name, but mean another file.
 */
SEC("tp_btf/sys_exit")
int BPF_PROG(on_call_over, struct pt_regs *regs, long ret)
{
	struct pending *pending = bpf_task_storage_get(&pendings, bpf_get_current_task_btf(), NULL, 0);

	if (!pending)
		return 0;
	if (pending->in_handler && (long)regs->orig_ax == -1) {	/* sigreturn(2): back in the call that was left */
		pending->in_handler = false;
		return 0;
	}
	if (ret == -ERESTARTNOINTR && pending->kick)
		kick_now();
	pending->kick = false;
	if (ret != -ERESTARTNOINTR) {
		pending->many_call = 0;
		if (!pending->in_handler)
			pending_drop(pending);
		call_forget(pending);
		return 0;
	}
	pending->many_deliver = !pending->many_open;
	pending->many_open = pending->many_kicked = false;
	return 0;
}

/* A signal's handler is about to run. The held call goes on when the handler returns. */
SEC("tp_btf/signal_deliver")
int BPF_PROG(on_signal_deliver, int sig, struct kernel_siginfo *info, struct k_sigaction *action)
{
	struct pending *pending;

	if ((uint64_t)READ_CORE(action, sa.sa_handler) <= LINUX_SIG_IGN)
		return 0;
	pending = bpf_task_storage_get(&pendings, bpf_get_current_task_btf(), NULL, 0);
	if (pending && (pending->type_and_one || pending->many_call))
		pending->in_handler = true;
	return 0;
}

/*
 * Was it allowed already, before the call was started over? A signal's handler may make calls in between, or jump out of
 * it to make the same call anew.
 */
static __noinline bool question_allowed_before(struct question *q)
{
	struct allowed_before_search search = { .pending = q->pending, .type = q->type };
	uint64_t call = call_hash();

	if (q->pending->call != call || q->pending->watch != control.calls_watched || q->pending->in_handler) {
		q->pending->call = call;
		q->pending->watch = control.calls_watched;
		call_forget(q->pending);
	}
	if (!q->pending->starts_over)
		return false;
	search.key[0] = q->key[0];
	search.key[1] = q->key[1];
	search.key[2] = q->key[2];
	search.found = unknown(0);
	bpf_loop(ALLOWED_BEFORE_MAX, allowed_before_step, &search, 0);
	return search.found;
}

/* Was it allowed in this call, at another hook? */
static __noinline bool call_allowed(uint32_t type, uint64_t a, uint64_t b, uint64_t c)
{
	struct allowed_before_search search = { .type = type, .key = { a, b, c }, .ever = true };

	search.pending = bpf_task_storage_get(&pendings, bpf_get_current_task_btf(), NULL, 0);
	if (!search.pending || search.pending->call != call_hash() || search.pending->watch != control.calls_watched)
		return false;
	search.found = unknown(0);
	bpf_loop(ALLOWED_BEFORE_MAX, allowed_before_step, &search, 0);
	return search.found;
}

/* Counts calls that send a signal to many, to give each a number. */
uint64_t many_calls;

/* ---- what can't be held ---- */

struct unheld {
	uint64_t left;
	uint32_t denied;
	uint32_t pad;
};

static long unheld_client(uint32_t step, struct unheld *unheld)
{
	uint32_t slot = take_slot(&unheld->left);
	struct es_sensor_client *client = bpf_map_lookup_elem(&clients, &slot);

	if (client && client->miss_mode == ES_MISS_DENY)
		unheld->denied = 1;
	return !unheld->left;
}

/* For an operation that can't be asked about where it is done: miss modes decide, as if all its clients were late. */
__noinline int question_unheld(uint64_t slots)
{
	struct unheld unheld = { .left = slots };

	if (!slots)
		return 0;
	__sync_fetch_and_add(&stats.not_held, 1);
	unheld.denied = unknown(0);
	bpf_loop(ES_CLIENTS_MAX, unheld_client, &unheld, 0);
	return unheld.denied ? -EPERM : 0;
}

/* ---- asking each of them ---- */

/* The record; NULL: there is no room, so question_send() marks the clients `unsent`. Call that either way. */
static __always_inline struct scratch *question_record(struct question *q)
{
	struct scratch *s = scratch_take();

	if (!s)
		return NULL;
	record_reset(s, q->type);
	head_of(s)->flags = ES_RECORD_AUTH;
	return s;
}

/* The record has its files: drops the clients that need not be asked after all, and adds the acting process. */
static __always_inline void question_finish(struct question *q, struct scratch *s)
{
	q->slots = event_finish(s, q->slots);
}

struct asking {
	struct scratch *s;
	struct pending *pending;
	uint64_t slots;
	uint32_t flags;
	uint32_t user;
};

/* Why a client couldn't be asked at once: see es_sensor_stats. */
enum unsent_cause {
	UNSENT_SCRATCH,
	UNSENT_USER,
	UNSENT_TABLE,
	UNSENT_RING,
	UNSENT_MEMORY,
};

static __always_inline void unsent_count(enum unsent_cause cause)
{
	__sync_fetch_and_add(&stats.unsent[cause], 1);
}

/* A client whose question was lost allows the operation, unless its miss mode is to deny. */
static __always_inline void lost_by_policy(struct pending *pending, struct es_sensor_client *client)
{
	if (client->miss_mode == ES_MISS_DENY)
		pending->denied = 1;
}

/*
 * A thread that leaves its call, by a jump out of a signal's handler, leaves its entry claimed. When an entry is
 * wanted, this frees those that their threads haven't looked at for ES_LEFT_NS. A thread that looks after all asks
 * again: see verdict_step().
 */
struct sweep {
	void *array;
	uint64_t now;
	uint32_t slot;
	uint32_t pad;
};

enum { SWEEP_NS = 50000000 };

uint64_t swept_ns[ES_CLIENTS_MAX];

static long sweep_step(uint32_t index, struct sweep *sweep)
{
	struct es_held *entry = bpf_map_lookup_elem(sweep->array, &index);

	if (!entry)
		return 1;
	if (entry->auth_id && entry->deadline_ns && !(entry->flags & ES_HELD_AT_GATE) &&
	    sweep->now > entry->seen_ns + ES_LEFT_NS)
		entry_free(sweep->slot, entry);
	return 0;
}

static __noinline int sweep(uint32_t slot)
{
	struct sweep sweep = { .slot = slot, .now = bpf_ktime_get_ns() };
	uint64_t *last;

	asm volatile("" : "+r"(slot));
	last = &swept_ns[slot & (ES_CLIENTS_MAX - 1)];
	sweep.array = bpf_map_lookup_elem(&held, &sweep.slot);
	if (!sweep.array || sweep.now - *last < SWEEP_NS)
		return 0;
	*last = sweep.now;
	bpf_loop(ES_HELD_MAX, sweep_step, &sweep, 0);
	return 0;
}

static __always_inline void ask_slot(struct asking *asking, uint32_t slot, struct es_sensor_client *client, void *array)
{
	struct es_record *head = head_of(asking->s);
	struct claim claim = { .array = array, .tid = head->thread_id };
	uint32_t user = asking->user;
	struct es_held *entry;

	if (!user_enter(slot, user, asking->flags & ES_HELD_WHOLE)) {
		sweep(slot);
		unsent_count(UNSENT_USER);
		asking->pending->unsent |= 1ull << slot;
		return;
	}
	claim.generation = __sync_fetch_and_add(&auth_generation, 1) + 1;
	bpf_loop(ES_HELD_MAX, claim_step, &claim, 0);
	entry = claim.auth_id ? entry_of(slot, claim.auth_id) : NULL;
	if (!entry) {
		user_leave(slot, user);
		sweep(slot);
		unsent_count(UNSENT_TABLE);
		asking->pending->unsent |= 1ull << slot;
		return;
	}
	entry->user = user % USERS + 1;
	entry->seen_ns = head->time_ns;
	head->auth_id = claim.auth_id;
	head->deadline_ns = deadline_of(client, head);
	entry->verdict = ES_VERDICT_MARK(claim.generation);
	entry->type = head->type;
	put_about(entry, asking->s);
	entry->flags = asking->flags;
	entry->tid = head->thread_id;
	put_deadline(entry, head, asking->pending->since_ns);
	if (!record_send(asking->s, 1ull << slot)) {
		entry_free(slot, entry);
		unsent_count(UNSENT_RING);
		asking->pending->unsent |= 1ull << slot;
		return;
	}
	__sync_fetch_and_add(&client->asked, 1);
	*auth_id_at(asking->pending, slot) = claim.auth_id;
	asking->pending->slots |= 1ull << slot;
}

static long ask_step(uint32_t slot, struct asking *asking)
{
	struct es_sensor_client *client;
	uint32_t type;
	void *array;

	if (slot >= ES_CLIENTS_MAX || !(asking->slots >> slot))
		return 1;
	if (!(asking->slots >> slot & 1))
		return 0;
	client = bpf_map_lookup_elem(&clients, &slot);
	array = bpf_map_lookup_elem(&held, &slot);
	type = head_of(asking->s)->type;
	asm volatile("" : "+r"(type));
	if (type < ES_EVENT_TYPES && client && array && client->tgid && !client->gone && !control.daemon_gone &&
	    control.subscribers[type] >> slot & 1)
		ask_slot(asking, slot, client, array);
	return 0;
}

/* A global function, which is verified once by itself: a hook calls it in several places. */
__noinline int ask_all(struct pending *pending, struct scratch *s, uint64_t slots, uint32_t how)
{
	struct asking asking = { .s = s, .pending = pending, .slots = slots };

	if (!pending || !s)
		return 0;
	asking.user = user_of_current();
	/* Signals don't wake a task that waits in one piece. Slices let it check whether it was killed. */
	asking.flags = how == WAIT_WHOLE ? ES_HELD_WHOLE | ES_HELD_SLICED :
		       how == WAIT_SLICED && !waits_in_task_work ? ES_HELD_SLICED : 0;
	bpf_loop(ES_CLIENTS_MAX, ask_step, &asking, 0);
	cached_answer_asked(pending);
	if (s->doubtful)
		pending->cached_answer.hindrance = ES_CACHE_UNFIT;	/* next time the path may lead elsewhere */
	return 0;
}

/* True: it is another question. False: it is the open one, for the clients that couldn't be asked before. */
static __always_inline bool question_anew(struct question *q)
{
	if (question_asked(q)) {
		q->slots = q->pending->unsent;
		q->pending->unsent = 0;
		q->pending->cached_answer.generation = 0;
		return false;
	}
	pending_drop(q->pending);
	q->pending->since_ns = bpf_ktime_get_ns();
	return true;
}

/* Clients that can't be asked for lack of room go into `unsent`: see question_later(). */
static __always_inline void question_send(struct question *q, struct scratch *s, uint32_t how)
{
	struct pending *pending = q->pending;

	if (q->slots) {
		pending->key[0] = q->key[0];
		pending->key[1] = q->key[1];
		pending->key[2] = q->key[2];
		if (!pending->type_and_one) {
			pending->tid = bpf_get_current_pid_tgid();
			__sync_fetch_and_add(asking_at(pending->tid), 1);
		}
		pending->type_and_one = q->type + 1;
		pending->in_handler = false;
	}
	if (s && q->slots) {
		ask_all(pending, s, q->slots, how);
	} else if (!s) {
		pending->unsent = q->slots;
		unsent_count(UNSENT_SCRATCH);
	}
	scratch_give(s);
}
