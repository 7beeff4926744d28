/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * (A1) Processes change their program, and do something to each other, when asked about:
 *
 *	bprm_check_security	AUTH_EXEC, at the last program of a chain of interpreters
 *	task_kill		AUTH_SIGNAL, AUTH_PROC_SUSPEND_RESUME
 *	ptrace_access_check	AUTH_GET_TASK, of ptrace(2)
 */

#include "bpf/hold/hook.bpf.h"
#include "bpf/record/exec.bpf.h"
#include "bpf/record/process.bpf.h"

static __always_inline void put_bprm(struct scratch *s, struct syscall_state *state, const char *interp)
{
	bpf_probe_read_kernel_str(s->capture.path, USER_BYTES, interp);
	capture_current(&s->capture, state);
	put_waiting_exec(s, bpf_get_current_task_btf(), state, &s->capture);
}

/*
 * Called once for each program of a chain: a script, its interpreter. The kernel has just read the arguments, so they
 * can be read again without sleeping. Waiting is at the gate; nothing that others need is locked.
 */
static __always_inline int on_bprm_check_security(struct linux_binprm *bprm, int ret)
{
	struct syscall_state *state = syscall_entered(ES_KIND_EXEC);
	struct path file = {};
	struct question q = {};
	char begin[2] = {};

	if (ret || !state)
		return ret;
	file.mnt = READ_CORE(bprm, file, f_path.mnt);
	file.dentry = READ_CORE(bprm, file, f_path.dentry);
	bpf_probe_read_kernel(begin, sizeof(begin), (char *)bprm + bpf_core_field_offset(struct linux_binprm, buf));
	if (begin[0] == '#' && begin[1] == '!') {
		if (!state->script.dentry)
			state->script = file;
		return 0;
	}
	if (!question_open_cached(&q, EV_AUTH_EXEC, EV_NOTIFY_EXEC, inode_key(file.dentry), 0, 0,
				  if (!state->script.dentry) about_file(&q, READ_CORE(bprm, file), ANSWER_RESULT)))
		return 0;
	state->file = file;
	return question_ask(&q, WAIT_GATE, put_bprm(s, state, READ_CORE(bprm, interp)));
}

LSM_HOOK(bprm_check_security, on_bprm_check_security(bprm, ret), struct linux_binprm *bprm, int ret)

static __always_inline void put_other_process(struct scratch *s, struct task_struct *target, int64_t number)
{
	head_of(s)->other = put_process(s, target);
	head_of(s)->num[0] = number;
}

/* kill(2) of many: those before would get the signal again if the call were started over. */
static __always_inline bool kills_many(struct task_struct *task)
{
	enum { NR_KILL = 62, NR_KILL_32 = 37 };
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);

	if (is_compat())
		return regs->orig_ax == NR_KILL_32 && (int)regs->bx <= 0;
	return regs->orig_ax == NR_KILL && (int)regs->di <= 0;
}

static __always_inline int ask_signal(struct task_struct *target, uint32_t type, uint32_t notify, int64_t number)
{
	struct question q = {};

	if (!question_open(&q, type, notify, (uint64_t)target, number, 0))
		return 0;
	return question_ask(&q, WAIT_RESTART, put_other_process(s, target, number));
}

SEC("lsm/task_kill")
int BPF_PROG(plain_task_kill, struct task_struct *target, struct kernel_siginfo *info, int sig, const struct cred *cred,
	     int ret)
{
	struct task_struct *task = bpf_get_current_task_btf();

	if (ret || !sent_by_program(info, task, target))
		return ret;
	if (kills_many(task)) {
		__sync_fetch_and_add(&stats.not_held, 1);
		return 0;
	}
	ret = ask_signal(target, EV_AUTH_SIGNAL, EV_NOTIFY_SIGNAL, sig);
	if (!ret && (sig == LINUX_SIGCONT || sig == LINUX_SIGSTOP || sig == LINUX_SIGTSTP))
		ret = ask_signal(target, EV_AUTH_PROC_SUSPEND_RESUME, EV_NOTIFY_PROC_SUSPEND_RESUME,
				 sig == LINUX_SIGCONT);
	return ret;
}

/*
 * Only ptrace(2) itself can be started over: where else this is asked (process_vm_readv(2) and its kin), the answer is
 * yes or no, given with a lock held, and starting over would look like a no. Those go on, and are counted. Opens of
 * files in /proc were asked about before, at file_open.
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
	if (call.kind != ES_KIND_PTRACE || call.variant != ES_VARIANT_PLAIN) {
		__sync_fetch_and_add(&stats.not_held, 1);
		return 0;
	}
	return question_ask(&q, WAIT_RESTART, put_other_process(s, target, 0));
}
