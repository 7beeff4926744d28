/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * (A6, A8) How an LSM hook gets its answer. A hook asks every subscribed client, then the task waits for all of them:
 *
 *	question_open(&q, auth, notify, a, b, c)	finds the clients to ask. False: there are none, go on
 *	question_ask(&q, how, put)		0, -EPERM, or -ERESTARTNOINTR: the call starts over, and comes back here;
 *						`put` fills in the record `s`, which is made when the operation first
 *						comes by, and again to notify of a denial
 *
 * Hooks whose answers may be kept (about.bpf.h) call question_open_cached() with the file that the answer is about. It
 * looks for a kept answer first. Without one, question_ask() keeps the new answer.
 *
 * The answer is in the client's `held` entry, wherever the task sleeps. It sleeps at the client's gate, by reading an
 * extended attribute of a FUSE file: the library replies when the handler has answered. Some hooks hold a directory's
 * lock meanwhile (WAIT_SLICED). There the library replies every few milliseconds anyway. The task then leaves the
 * kernel and starts the system call over, so that others get the lock. Hooks that may not sleep (WAIT_RESTART) only
 * start over, again and again. So do all hooks while their type's gate is shut, since it isn't safe to sleep there
 * (follow.bpf.h).
 *
 * Newer kernels let a task sleep outside of any hook: there both kinds start over once, and wait for all answers in
 * between (task-work.bpf.h). The rest is for older kernels.
 *
 * A call starts over unnoticed by its program through a pending signal ("kick"): at the end of the call the thread gets
 * SIGSTOP, and at once SIGCONT, which cancels it. What remains is the flag that makes the kernel restart the call.
 *
 * The question and the objects that it is about are in task storage, so they outlive the restart. It is asked once. Its
 * answer is used once, and only for the same operation on the same objects.
 *
 * One system call may ask several questions: an open on overlayfs asks two, a SIGSTOP is a signal and a suspension.
 * When the call starts over for the second, it passes the first again. So an allowing answer counts again each time
 * that the call starts over, until the call has ended.
 */

#include "bpf/base/syscall-args.bpf.h"
#include "bpf/hold/about.bpf.h"
#include "bpf/hold/follow.bpf.h"
#include "bpf/hold/pending.bpf.h"
#include "bpf/hold/question.bpf.h"
#include "bpf/hold/task-work.bpf.h"

/* The number of the system call that the current task is in. */
static __always_inline long current_syscall_number(void)
{
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());

	return native_number(regs->orig_ax);
}

/*
 * io_uring has no system call to start over, neither in its workers nor where it does a request at once: the request
 * would end with EINTR. Nor has a task that writes its core dump.
 */
static __always_inline bool without_syscall(void)
{
	enum { NR_IO_URING_ENTER = 426 };
	struct task_struct *task = bpf_get_current_task_btf();

	return task->flags & (PF_IO_WORKER | PF_KTHREAD | PF_DUMPCORE) || current_syscall_number() == NR_IO_URING_ENTER;
}

/*
 * Don't restart init (it ignores SIGSTOP) or a program with a SIGCONT handler: the handler would run, might be held
 * itself, and loop. A thread may block SIGCONT: then one stays pending, and does nothing once it is unblocked.
 */
static __always_inline bool may_restart(void)
{
	struct task_struct *task = bpf_get_current_task_btf();

	if (without_syscall() || task->tgid == 1)
		return false;
	return (uint64_t)READ_CORE(task, sighand, action[LINUX_SIGCONT - 1].sa.sa_handler) <= LINUX_SIG_IGN;
}

/* Is the current task in an exec? When that maps the new program there is no way back to the old one. */
static __always_inline bool in_exec(void)
{
	enum { NR_EXECVE = 59, NR_EXECVEAT = 322, NR_EXECVE_32 = 11, NR_EXECVEAT_32 = 358 };
	long nr = current_syscall_number();

	return nr == NR_EXECVE || nr == NR_EXECVEAT || nr == NR_EXECVE_32 || nr == NR_EXECVEAT_32;
}

static __always_inline bool killed(void)
{
	struct task_struct *task = bpf_get_current_task_btf();

	return READ_CORE(task, pending.signal.sig[0]) >> (LINUX_SIGKILL - 1) & 1;
}

/*
 * The call starts over. Where its end is watched, the signals come there: what waits between the hook and that, as 9p
 * does for its server, would have the kernel forget them, and the program see the error -ERESTARTNOINTR.
 */
static __always_inline int kick(struct pending *pending)
{
	pending_starts_over(pending);
	if (control.calls_watched && !waits_in_task_work)
		pending->kick = true;
	else
		kick_now();
	return -ERESTARTNOINTR;
}

static __always_inline bool client_gone(struct es_sensor_client *client)
{
	return control.daemon_gone || !client || client->gone || !client->tgid;
}

/* A client's answer, with its flags. If it is gone it allows; ES_LATE_NS after its deadline, its miss mode decides. */
static __always_inline uint32_t verdict_of(struct es_held *entry, uint32_t slot)
{
	struct es_sensor_client *client;
	uint32_t verdict;

	if (!entry)
		return ES_VERDICT_ALLOW;
	verdict = READ_ONCE(entry->verdict);
	if ((verdict & ES_VERDICT_MASK) != ES_VERDICT_NONE)
		return verdict;
	client = bpf_map_lookup_elem(&clients, &slot);
	if (client_gone(client))
		return ES_VERDICT_ALLOW;
	if (bpf_ktime_get_ns() < entry->deadline_ns + ES_LATE_NS)
		return ES_VERDICT_NONE;
	return client->miss_mode == ES_MISS_DENY ? ES_VERDICT_DENY : ES_VERDICT_ALLOW;
}

/* One step of pending_look(): takes a slot's answer, if there is one, and closes the slot. */
static long verdict_step(uint32_t slot, struct pending **pending_)
{
	struct pending *pending = *pending_;
	struct es_held *entry;
	uint32_t verdict;

	if (slot >= ES_CLIENTS_MAX || !(pending->slots >> slot))
		return 1;
	if (!(pending->slots >> slot & 1))
		return 0;
	entry = entry_of(slot, *auth_id_at(pending, slot));
	if (!entry && !client_gone(bpf_map_lookup_elem(&clients, &slot))) {	/* sweep() has freed it */
		pending->unsent |= 1ull << slot;
		pending->slots &= ~(1ull << slot);
		pending->since_ns = bpf_ktime_get_ns();
		return 0;
	}
	if (entry)
		entry->seen_ns = bpf_ktime_get_ns();
	verdict = verdict_of(entry, slot);
	if ((verdict & ES_VERDICT_MASK) == ES_VERDICT_NONE)
		return 0;
	if ((verdict & ES_VERDICT_MASK) == ES_VERDICT_DENY)
		pending->denied = 1;
	cached_answer_verdict(pending, verdict);
	if (entry)
		entry_free(slot, entry);
	pending->slots &= ~(1ull << slot);
	return 0;
}

static __always_inline uint64_t pending_look(struct pending *pending)
{
	bpf_loop(ES_CLIENTS_MAX, verdict_step, &pending, 0);
	return pending->slots;
}

static __always_inline void remember_allowed(struct pending *pending)
{
	struct allowed_before *allowed;

	if (!control.calls_watched)
		return;
	if (pending->allowed_before_count >= ALLOWED_BEFORE_MAX)
		pending->allowed_before_count = 0;
	allowed = allowed_before_at(pending, pending->allowed_before_count);
	allowed->type = pending->type_and_one - 1;
	allowed->round = pending->round;
	allowed->key[0] = pending->key[0];
	allowed->key[1] = pending->key[1];
	allowed->key[2] = pending->key[2];
	pending->allowed_before_count++;
}

/* The outcome of a question that all clients have answered, or that their miss modes have decided. */
static __always_inline int pending_result(struct pending *pending)
{
	bool denied = pending->denied;

	if (pending->slots)
		cached_answer_verdict(pending, 0);
	if (pending->type_and_one)
		cached_answer_end(&pending->cached_answer, denied);
	if (pending->type_and_one && !denied)
		remember_allowed(pending);
	pending->starts_over = false;
	pending_drop(pending);
	return denied ? -EPERM : 0;
}

/* ---- sleeping at a gate ---- */

struct file *bpf_get_task_exe_file(struct task_struct *task) __ksym __weak;
void bpf_put_file(struct file *file) __ksym __weak;
int bpf_get_file_xattr(struct file *file, const char *name__str, struct bpf_dynptr *value) __ksym __weak;

static __always_inline uint32_t lowest(uint64_t set)
{
	uint32_t n = 0;

	if (!(set & 0xffffffff)) {
		n += 32;
		set >>= 32;
	}
	if (!(set & 0xffff)) {
		n += 16;
		set >>= 16;
	}
	if (!(set & 0xff)) {
		n += 8;
		set >>= 8;
	}
	if (!(set & 0xf)) {
		n += 4;
		set >>= 4;
	}
	if (!(set & 0x3)) {
		n += 2;
		set >>= 2;
	}
	return n + !(set & 1);
}

/* What all gates reply; no program reads it. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, uint32_t);
	__type(value, uint64_t);
} gate_reply SEC(".maps");

/* Reads an attribute of the gate's file. The task sleeps until the library of the client in `slot` replies. */
static __always_inline int gate_read(uint32_t slot, const char *attribute)
{
	uint32_t zero = 0;
	uint64_t *reply = bpf_map_lookup_elem(&gate_reply, &zero);
	struct task_struct *task;
	struct bpf_dynptr value;
	struct file *gate;
	int r = -EPERM;

	task = reply ? bpf_task_from_pid(gate_pid_of(slot)) : NULL;
	if (!task)
		return r;
	gate = bpf_get_task_exe_file(task);
	if (gate) {
		bpf_dynptr_from_mem(reply, sizeof(*reply), 0, &value);
		r = bpf_get_file_xattr(gate, attribute, &value);
		bpf_put_file(gate);
	}
	bpf_task_release(task);
	return r;
}

/*
 * Sleeps until that library replies. Negative: it won't, or a signal has come (-EINTR). Each is a function of its own,
 * since the verifier lets nothing else share the stack slot of the dynptr.
 */
static __noinline int gate_sleep(uint32_t slot)
{
	return gate_read(slot, "user.es");
}

/* The same while there is no room for the question: the library replies after a while, so that the task tries again. */
static __noinline int gate_sleep_unasked(uint32_t slot)
{
	return gate_read(slot, "user.es.later");
}

struct sleeping {
	struct pending *pending;
	int result;
	uint32_t how;
};

static __always_inline void pending_give_up(struct pending *pending, uint32_t slot)
{
	struct es_held *entry = entry_of(slot, *auth_id_at(pending, slot));

	if (entry)
		entry_free(slot, entry);
	cached_answer_verdict(pending, 0);
	pending->slots &= ~(1ull << (slot & (ES_CLIENTS_MAX - 1)));
}

/* Sleeps until that client's library replies. The flag shows the daemon and the warden that the task sleeps. */
static __always_inline int entry_sleep(struct pending *pending, uint32_t slot)
{
	struct es_held *entry = entry_of(slot, *auth_id_at(pending, slot));
	int r;

	if (entry)
		__sync_fetch_and_or(&entry->flags, ES_HELD_AT_GATE);
	r = gate_sleep(slot);
	if (entry)
		__sync_fetch_and_and(&entry->flags, ~ES_HELD_AT_GATE);
	return r;
}

static long gate_round(uint32_t round, struct sleeping *sleeping)
{
	struct pending *pending = sleeping->pending;
	uint64_t open = pending_look(pending);
	uint32_t slot;
	int r;

	if (!open)
		return 1;
	slot = lowest(open);
	r = entry_sleep(pending, slot);
	if (sleeping->how == WAIT_WHOLE && killed()) {
		sleeping->result = -EINTR;
		return 1;
	}
	if (r == -EINTR && sleeping->how == WAIT_WHOLE)
		return 0;
	if (r == -EINTR) {
		sleeping->result = -ERESTARTNOINTR;
		return 1;
	}
	if (r < 0) {		/* the gate is gone: for this client the operation is allowed */
		pending_give_up(pending, slot);
		return 0;
	}
	if (sleeping->how == WAIT_SLICED && pending_look(pending) && may_restart()) {
		sleeping->result = kick(pending);
		return 1;
	}
	return 0;
}

/* ---- in task work ---- */

/* Will the thread handle a signal, stop or freeze when it leaves the kernel? */
static __always_inline bool signal_waits(void)
{
	struct task_struct *task = bpf_get_current_task_btf();
	uint64_t signals = READ_CORE(task, pending.signal.sig[0]) | READ_CORE(task, signal, shared_pending.signal.sig[0]);

	return signals & ~READ_CORE(task, blocked.sig[0]) || task->jobctl & JOBCTL_PENDING;
}

/*
 * The sleep has ended at once though no signal has come. A tracer lets the task run its work while the kernel still
 * takes the work itself for a signal. So the task sleeps in slices, which signals don't end.
 */
static __always_inline void entry_slice(struct pending *pending, uint32_t slot)
{
	struct es_held *entry = entry_of(slot, *auth_id_at(pending, slot));

	if (entry)
		__sync_fetch_and_or(&entry->flags, ES_HELD_SLICED | ES_HELD_WHOLE);
}

static long work_round(uint32_t round, struct pending **pending_)
{
	struct pending *pending = *pending_;
	uint64_t open = pending_look(pending);
	uint32_t slot;
	int r;

	if (!open || signal_waits())
		return 1;
	slot = lowest(open);
	r = entry_sleep(pending, slot);
	if (r == -EINTR && !signal_waits())
		entry_slice(pending, slot);
	else if (r < 0 && r != -EINTR)
		pending_give_up(pending, slot);
	return 0;
}

static __always_inline void task_work_sleep(struct pending *pending)
{
	if (!bpf_get_file_xattr || !bpf_get_task_exe_file || !bpf_task_from_pid)
		return;
	bpf_loop(GATE_ROUNDS, work_round, &pending, 0);
	if (pending->unsent && !signal_waits())
		gate_sleep_unasked(lowest(pending->unsent));
}

static long unheld_step(uint32_t slot, struct pending **pending_)
{
	struct pending *pending = *pending_;
	struct es_sensor_client *client;

	if (slot >= ES_CLIENTS_MAX || !(pending->slots >> slot))
		return 1;
	client = bpf_map_lookup_elem(&clients, &slot);
	if (pending->slots >> slot & 1 && client && !client_gone(client))
		lost_by_policy(pending, client);
	return 0;
}

/*
 * For an operation that can't wait each client's miss mode decides, as if the client were late. Else a program could
 * evade a denial by handling SIGCONT. What an exec maps and init's operations go on: a denial would end a program that is
 * being executed, and init needs what it does.
 */
static __always_inline void pending_unheld(struct pending *pending)
{
	__sync_fetch_and_add(&stats.not_held, 1);
	if (!(pending->type_and_one == EV_AUTH_MMAP + 1 && in_exec()) && bpf_get_current_pid_tgid() >> 32 != 1)
		bpf_loop(ES_CLIENTS_MAX, unheld_step, &pending, 0);
}

/* ---- when there is no room to ask ---- */

static long unsent_step(uint32_t slot, struct pending **pending_)
{
	struct pending *pending = *pending_;
	struct es_sensor_client *client;

	if (slot >= ES_CLIENTS_MAX || !(pending->unsent >> slot))
		return 1;
	client = bpf_map_lookup_elem(&clients, &slot);
	if (pending->unsent >> slot & 1 && client && !client_gone(client)) {
		count_lost(client, pending->type_and_one - 1);
		lost_by_policy(pending, client);
	}
	return 0;
}

/* The miss modes of the clients that couldn't be asked decide, as if they were late. */
static __always_inline void unsent_decide(struct pending *pending)
{
	__sync_fetch_and_add(&stats.not_held, 1);
	bpf_loop(ES_CLIENTS_MAX, unsent_step, &pending, 0);
	pending->unsent = 0;
}

/* Has the task tried to ask for as long as the first of the unasked clients has for an answer? */
static __always_inline bool unsent_for_long(struct pending *pending)
{
	uint32_t slot = lowest(pending->unsent), type = pending->type_and_one - 1;
	struct es_sensor_client *client = bpf_map_lookup_elem(&clients, &slot);

	asm volatile("" : "+r"(type));
	if (!client || type >= ES_EVENT_TYPES)
		return true;
	return bpf_ktime_get_ns() > pending->since_ns + client->deadline_ms[type] * 1000000ull;
}

enum { NOT_YET = 1 };

static __always_inline bool may_wait_in_work(uint32_t how)
{
	return waits_in_task_work && how != WAIT_WHOLE && !without_syscall();
}

/*
 * True: the call has to start over until there is room to ask. False: no client is left to ask. If asking took too
 * long, or the call can't start over, the miss modes of those clients have decided.
 */
__noinline int question_later(struct pending *pending, uint32_t how)
{
	if (!pending || !pending->unsent)
		return false;
	if ((may_wait_in_work(how) || (how != WAIT_WHOLE && may_restart())) && !unsent_for_long(pending))
		return true;
	unsent_decide(pending);
	return false;
}

/* When a call began to start over for lack of task storage: by thread and call. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, uint64_t);
	__type(value, uint64_t);
} lost_since SEC(".maps");

enum { LOST_NS = 1000000000 };

/* There was no memory for task storage: start over for up to LOST_NS, then let the miss modes decide. */
__noinline int question_lost(uint64_t slots)
{
	uint64_t key = scalar_of(bpf_get_current_task_btf()) ^ call_hash(), now = bpf_ktime_get_ns(), *since;

	if (!slots)
		return 0;
	unsent_count(UNSENT_MEMORY);
	since = bpf_map_lookup_elem(&lost_since, &key);
	if (!since)
		bpf_map_update_elem(&lost_since, &key, &now, BPF_ANY);
	if (may_restart() && (!since || now - *since < LOST_NS)) {
		kick_now();
		return -ERESTARTNOINTR;
	}
	bpf_map_delete_elem(&lost_since, &key);
	return question_unheld(slots);
}

/* Doesn't sleep. NOT_YET: the task has to leave the hook, see question_wait(). */
__noinline int restart_wait(struct pending *pending, uint32_t how)
{
	if (!pending)
		return 0;
	if (question_later(pending, how))
		return NOT_YET;
	if (pending_look(pending)) {
		if (may_wait_in_work(how) || (how != WAIT_WHOLE && may_restart()))
			return NOT_YET;
		pending_unheld(pending);
	}
	if (question_later(pending, how))
		return NOT_YET;
	return pending_result(pending);
}

__noinline int gate_wait(struct pending *pending, uint32_t how)
{
	struct sleeping sleeping = { .pending = pending, .how = how, .result = unknown(0) };

	if (!pending)
		return 0;
	if (!bpf_get_file_xattr || !bpf_get_task_exe_file || !bpf_task_from_pid || !gate_open(pending->type_and_one - 1))
		return restart_wait(pending, how);
	if (waits_in_task_work && how != WAIT_WHOLE && (how == WAIT_SLICED || pending->unsent))
		return restart_wait(pending, how);
	if (pending->unsent && how != WAIT_WHOLE && gate_sleep_unasked(lowest(pending->unsent)) == -EINTR)
		return -ERESTARTNOINTR;
	if (question_later(pending, how))
		return NOT_YET;
	bpf_loop(GATE_ROUNDS, gate_round, &sleeping, 0);
	if (!sleeping.result && question_later(pending, how))
		return NOT_YET;
	return sleeping.result ? sleeping.result : pending_result(pending);
}

__noinline int kick_wait(struct pending *pending)
{
	if (!pending)
		return 0;
	if (may_restart())
		return kick(pending);
	if (pending->unsent)
		unsent_decide(pending);
	if (pending->slots)
		pending_unheld(pending);
	return pending_result(pending);
}

/*
 * Waits until all have answered. The kernel takes a function that it verifies by itself for one that sleeps if the
 * task work sleeps: so the code that schedules the work is part of each hook's program.
 */
static __always_inline int question_wait(struct question *q, uint32_t how)
{
	int r = how == WAIT_RESTART ? restart_wait(q->pending, how) : gate_wait(q->pending, how);

	if (r != NOT_YET)
		return r;
	if (may_wait_in_work(how) && task_work_wait(q->pending))
		return -ERESTARTNOINTR;
	return kick_wait(q->pending);
}

/* Can the call come back to this hook? */
static __always_inline bool may_start_over(void)
{
	return may_wait_in_work(WAIT_RESTART) || may_restart();
}

/* Starts the call over, whatever the answers are. Where there is task work it waits for open answers first. */
static __always_inline int start_over(struct pending *pending)
{
	if (may_wait_in_work(WAIT_RESTART) && task_work_wait(pending))
		return -ERESTARTNOINTR;
	return may_restart() ? kick(pending) : -EPERM;
}

/* ---- reporting denials ---- */

/* The NOTIFY record of a denied operation. No other program reports it, since it didn't happen. */
static __always_inline struct scratch *denied_record(struct question *q)
{
	struct scratch *s;

	q->slots = select_clients(q->notify);
	if (!q->slots)
		return NULL;
	s = record_begin(q->notify, q->slots);
	if (s)
		head_of(s)->result = AUTH_DENY;
	return s;
}

static __always_inline void denied_send(struct question *q, struct scratch *s)
{
	if (s && q->slots)
		record_send(s, q->slots);
	scratch_give(s);
}

/* Keeps the compiler from using a register that equals `value`: the verifier can't tell that they are equal. */
static __always_inline int constant(int value)
{
	asm volatile("" : "+r"(value));
	return value;
}

/* A hook's return value, in a form that lets the verifier see that it isn't positive. */
static __always_inline int hook_result(int result)
{
	switch (result) {
	case 0:
		return constant(0);
	case -EPERM:
		return constant(-EPERM);
	case -EINTR:
		return constant(-EINTR);
	default:
		return constant(-ERESTARTNOINTR);
	}
}

static __always_inline void cached_answer_prepare(struct question *q)
{
	struct cached_answer *answer = &q->pending->cached_answer;

	answer->kind = cache_kind(q->type, q->number);
	answer->flags = q->flags;
	answer->generation = 0;
	if (q->inode)
		cached_answer_begin(answer, q->inode, q->dentry, q->slots);
}

#define question_ask(q_, wait_, put_) ({ \
	const bool sleeps_ = (wait_) != WAIT_RESTART; \
	uint32_t how_ = sleeps_ && without_syscall() ? WAIT_WHOLE : (wait_); \
	struct pending *asked_ = (q_)->pending; \
	struct scratch *s; \
	int result_ = -EPERM; \
	asm volatile("" : "+r"(asked_));	/* the verifier knows it, but not what the compiler takes for the same */ \
	if (asked_) { \
		if (question_asked(q_) && !asked_->unsent) { \
			/* It has come back. */ \
		} else if (!question_asked(q_) && question_allowed_before(q_)) { \
			return 0; \
		} else { \
			bool anew_ = question_anew(q_); \
			rcu_begin(sleeps_); \
			if (anew_) \
				cached_answer_prepare(q_); \
			s = question_record(q_); \
			if (s) { \
				put_; \
				question_finish(q_, s); \
			} \
			rcu_end(sleeps_); \
			question_send(q_, s, how_); \
		} \
		result_ = question_wait(q_, how_); \
	} else if ((q_)->lost) { \
		result_ = question_lost((q_)->slots); \
	} \
	if (result_ == -EPERM) { \
		rcu_begin(sleeps_); \
		s = denied_record(q_); \
		if (s) { \
			put_; \
			question_finish(q_, s); \
		} \
		rcu_end(sleeps_); \
		denied_send(q_, s); \
	} \
	hook_result(result_); \
})
