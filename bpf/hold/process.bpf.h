/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * (A1) AUTH events of processes that change their program, or act on each other:
 *
 *	bprm_check_security	AUTH_EXEC, at the last program of a chain of interpreters
 *	task_kill		AUTH_SIGNAL, AUTH_PROC_SUSPEND_RESUME
 *	ptrace_access_check	AUTH_GET_TASK, of ptrace(2)
 */

#include "bpf/hold/hook.bpf.h"
#include "bpf/record/exec.bpf.h"
#include "bpf/record/process.bpf.h"

/* ---- exec ---- */

static __always_inline uint64_t captured(struct capture *capture)
{
	return mix(digest_of(scalar_of(capture->bytes), capture->used), capture->args_bytes);
}

/* What an exec passes, as it is now. */
static __noinline uint64_t passed_now(struct syscall_state *state)
{
	struct scratch *s = state ? scratch_take() : NULL;
	uint64_t digest = 0;

	if (!s)
		return 0;
	rcu_begin(true);
	capture_current(&s->capture, state);
	digest = captured(&s->capture);
	rcu_end(true);
	scratch_give(s);
	return digest;
}

static __always_inline void put_bprm(struct question *q, struct scratch *s, struct syscall_state *state, const char *interp)
{
	bpf_probe_read_kernel_str(s->capture.path, USER_BYTES, interp);
	capture_current(&s->capture, state);
	q->key[2] = captured(&s->capture);
	put_waiting_exec(s, bpf_get_current_task_btf(), state, &s->capture);
}

/*
 * The arguments of the current task's exec, from the registers, since the program at the call's entry may not have
 * run. A program that the kernel starts, for a core dump, a module or a key, has no call: its arguments aren't in the
 * current task's memory.
 */
static __noinline int exec_begin(struct syscall_state *state)
{
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
	struct syscall_args args;
	bool at;

	if (!state)
		return 0;
	if (state->kind != ES_KIND_EXEC) {
		state->flags = 0;
		state->asked = 0;
		state->pidversion = 0;
	}
	state->script.dentry = NULL;
	state->path = state->argv = state->envp = 0;
	if (!in_exec())
		return 0;
	args_read(&args, regs);
	at = args.variant == ES_VARIANT_AT;
	state->compat = args.compat || is_x32(regs->orig_ax);
	state->path = args.a[at ? 1 : 0];
	state->argv = args.a[at ? 2 : 1];
	state->envp = args.a[at ? 3 : 2];
	return 0;
}

/* True: this is the program that will run; false: a script, whose interpreter comes by next. */
static __noinline bool exec_step(struct linux_binprm *bprm, struct syscall_state *state)
{
	struct path file = {};
	char begin[2] = {};

	if (READ_CORE(bprm, interp) == READ_CORE(bprm, filename))
		exec_begin(state);
	file.mnt = READ_CORE(bprm, file, f_path.mnt);
	file.dentry = READ_CORE(bprm, file, f_path.dentry);
	bpf_probe_read_kernel(begin, sizeof(begin), (char *)bprm + bpf_core_field_offset(struct linux_binprm, buf));
	if (begin[0] == '#' && begin[1] == '!') {
		if (!state->script.dentry)
			state->script = file;
		return false;
	}
	state->file = file;
	return true;
}

static __always_inline uint64_t script_facts(struct syscall_state *state)
{
	return state->script.dentry ? file_facts(inode_key(state->script.dentry)) : 0;
}

/*
 * Called once for each program of a chain: a script, its interpreter. The kernel has just read the arguments, so they
 * can be read again without sleeping. The task waits at the gate, and holds no lock that others need. If the call
 * starts over, arguments, script and program may have changed, so they are part of the question's key.
 */
static __always_inline int on_bprm_check_security(struct linux_binprm *bprm, int ret)
{
	enum wait_how how = in_exec() ? WAIT_GATE : WAIT_WHOLE;
	struct question q = {};
	struct syscall_state *state;

	if (ret)
		return ret;
	state = syscall_state_of_current(true);
	if (!state)
		return hook_result(question_lost(slots_to_ask(EV_AUTH_EXEC)));
	if (!exec_step(bprm, state))
		return 0;
	if (!question_open_cached(&q, EV_AUTH_EXEC, EV_NOTIFY_EXEC, file_facts(inode_key(state->file.dentry)),
				  script_facts(state), passed_now(state),
				  if (!state->script.dentry) about_file(&q, READ_CORE(bprm, file), ANSWER_RESULT)))
		return 0;
	return question_ask(&q, how, put_bprm(&q, s, state, READ_CORE(bprm, interp)));
}

LSM_HOOK(bprm_check_security, on_bprm_check_security(bprm, ret), struct linux_binprm *bprm, int ret)

/* ---- signals ---- */

static __always_inline void put_other_process(struct scratch *s, struct task_struct *target, int64_t number)
{
	head_of(s)->other = put_process(s, target);
	head_of(s)->num[0] = number;
}

/* Is this kill(2) of several processes, or pidfd_send_signal(2) to a group? */
static __always_inline bool kills_many(struct task_struct *task)
{
	enum { NR_KILL = 62, NR_KILL_32 = 37, NR_PIDFD_SEND_SIGNAL = 424, PROCESS_GROUP = 1 << 2 };
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);
	long nr = native_number(regs->orig_ax);

	if (nr == NR_PIDFD_SEND_SIGNAL)
		return (is_compat() ? regs->si : regs->r10) & PROCESS_GROUP;
	if (is_compat())
		return nr == NR_KILL_32 && (int)regs->bx <= 0;
	return nr == NR_KILL && (int)regs->di <= 0;
}

static __always_inline int ask_signal(struct task_struct *target, uint32_t type, uint32_t notify, int64_t number)
{
	struct question q = {};

	if (!question_open(&q, type, notify, (uint64_t)target, number, 0))
		return 0;
	return question_ask(&q, WAIT_RESTART, put_other_process(s, target, number));
}

static __noinline bool suspends(int sig)
{
	return sig == LINUX_SIGCONT || sig == LINUX_SIGSTOP || sig == LINUX_SIGTSTP;
}

/*
 * 6.18's verifier takes the signal's number for known after the first question, and removes the second from the
 * program. So suspends() gets a number that the verifier knows nothing about.
 */
static __always_inline int ask_signals(struct task_struct *target, int sig)
{
	uint64_t number = scalar_of((void *)(long)sig);
	int ret = ask_signal(target, EV_AUTH_SIGNAL, EV_NOTIFY_SIGNAL, sig);

	if (ret || !suspends(number + unknown(0)))
		return ret;
	return ask_signal(target, EV_AUTH_PROC_SUSPEND_RESUME, EV_NOTIFY_PROC_SUSPEND_RESUME, number == LINUX_SIGCONT);
}

/*
 * A signal to many must not start over when some targets have it already. So the call goes through its targets in
 * passes. While the answer about one is missing no target gets the signal, and the call starts over. Once a pass has
 * found all answers, the next one delivers. A target that is new in that pass gets no signal: no client was asked
 * about it.
 */
struct many_key {
	uint64_t thread, call, target;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct many_key);
	__type(value, int32_t);
} many_answers SEC(".maps");

static __always_inline int many_restart(struct pending *pending)
{
	if (pending->many_kicked)
		return -ERESTARTNOINTR;
	pending->many_kicked = true;
	return start_over(pending);
}

enum { MANY_ASK = 1 };			/* ask about this target now */

/* What becomes of one target: MANY_ASK, or what the hook returns. */
static __always_inline int many_begin(struct pending *pending, struct many_key *key, bool other)
{
	int32_t *answer;

	if (pending->many_call != call_hash() || pending->in_handler) {
		pending_drop(pending);
		pending->in_handler = false;
		pending->many_call = call_hash();
		pending->many_pass = __sync_fetch_and_add(&many_calls, 1) + 1;
		pending->many_open = pending->many_kicked = pending->many_deliver = false;
	}
	key->call = pending->many_pass;
	answer = bpf_map_lookup_elem(&many_answers, key);
	if (pending->many_deliver)
		return !other || (answer && !*answer) ? 0 : -EPERM;
	if (!other || answer)
		return many_restart(pending);
	pending->many_open = true;
	/* One question at a time: another target's may be open. */
	return pending->type_and_one && pending->key[0] != key->target ? many_restart(pending) : MANY_ASK;
}

static __always_inline int many_end(struct pending *pending, struct many_key *key, int32_t answer)
{
	if (answer == -ERESTARTNOINTR)
		pending->many_kicked = true;
	else
		bpf_map_update_elem(&many_answers, key, &answer, BPF_ANY);
	return many_restart(pending);
}

/* The thread's struct pending, if this call has to go in passes. */
static __always_inline struct pending *many_wait(struct task_struct *task)
{
	if (!kills_many(task) || !may_start_over() ||
	    !(control.subscribers[EV_AUTH_SIGNAL] | control.subscribers[EV_AUTH_PROC_SUSPEND_RESUME]))
		return NULL;
	return bpf_task_storage_get(&pendings, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
}

SEC("lsm/task_kill")
int BPF_PROG(plain_task_kill, struct task_struct *target, struct kernel_siginfo *info, int sig, const struct cred *cred,
	     int ret)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct many_key key = { .thread = scalar_of(task), .target = scalar_of(target) };
	bool other = sent_by_program(info, task, target);
	struct pending *many;
	int step = MANY_ASK;

	if (ret)
		return ret;
	many = many_wait(task);
	if (many)
		step = many_begin(many, &key, other);
	if (step != MANY_ASK)
		return hook_result(step);
	if (other)
		ret = ask_signals(target, sig);
	return hook_result(many ? many_end(many, &key, ret) : ret);
}

/* ---- looking at processes ---- */

/*
 * Only ptrace(2) itself can start over. Other callers of this hook, such as process_vm_readv(2), take any error for a
 * no, and hold a lock: they can't be held. Opens of files in /proc were asked about before, at file_open.
 */
SEC("lsm/ptrace_access_check")
int BPF_PROG(plain_ptrace_access_check, struct task_struct *target, unsigned int mode, int ret)
{
	struct es_syscall call = current_syscall();
	struct question q = {};
	bool read;

	if (ret || !(mode & LINUX_PTRACE_MODE_ATTACH) || call.kind == ES_KIND_OPEN ||
	    READ_CORE(target, tgid) == bpf_get_current_pid_tgid() >> 32)
		return ret;
	read = call.kind == ES_KIND_PTRACE && call.variant == ES_VARIANT_OTHER;
	if (!question_open_cached(&q, read ? EV_AUTH_GET_TASK_READ : EV_AUTH_GET_TASK, EV_NOTIFY_GET_TASK,
				  (uint64_t)target, mode, 0, about_process(&q, scalar_of(target), 0)))
		return 0;
	if (call.kind != ES_KIND_PTRACE || call.variant != ES_VARIANT_PLAIN)
		return hook_result(question_unheld(q.slots));
	return question_ask(&q, WAIT_RESTART, put_other_process(s, target, 0));
}
