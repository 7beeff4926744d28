/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * (N1) Processes begin, change their program, end and signal each other:
 *
 *	on_fork		sched_process_fork	NOTIFY_FORK, and stores the child
 *	on_exec_begins	sched_prepare_exec	stores the ids from before; or lsm_exec_begins, an LSM hook
 *	on_exec		sched_process_exec	NOTIFY_EXEC, and the process gets a new pidversion and executable
 *	on_exit		sched_process_exit	NOTIFY_EXIT, when the last thread goes
 *	on_signal	signal_generate		NOTIFY_SIGNAL, NOTIFY_PROC_SUSPEND_RESUME
 *	fill_tasks	iterator over tasks	stores the processes that are older than the sensor
 */

#include "bpf/base/syscall-args.bpf.h"
#include "bpf/hold/wait.bpf.h"
#include "bpf/notify/file.bpf.h"
#include "bpf/notify/user.bpf.h"
#include "bpf/record/exec.bpf.h"
#include "bpf/select/event.bpf.h"
#include "bpf/select/trust.bpf.h"

/* A child has its parent's program, and a pidversion and start of its own. */
static __always_inline struct process *process_fork(struct process *parent, struct task_struct *child)
{
	struct process *p = bpf_task_storage_get(&processes, child, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	uint32_t len = parent->exe_len;

	if (!p)
		return NULL;
	p->exe_inode = parent->exe_inode;
	p->exe_stat = parent->exe_stat;
	p->exe_flags = parent->exe_flags;
	asm volatile("" : "+r"(len));
	if (len > EXE_BYTES)
		len = EXE_BYTES;
	bpf_probe_read_kernel(p->exe, len, parent->exe);
	p->exe_len = len;
	p->original_ppid = READ_CORE(child, real_parent, tgid);
	p->started_by = parent->started_by;
	p->trust = parent->trust;
	p->start_ns = READ_CORE(child, start_boottime);
	p->responsible = parent->responsible;
	p->pidversion = next_pidversion();
	__sync_fetch_and_add(&stats.processes, 1);
	return p;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct *parent, struct task_struct *child)
{
	struct task_struct *leader = parent->group_leader;
	struct process *p, *known;
	struct scratch *s;
	uint64_t slots;

	if (child->tgid != child->pid || !leader)
		return 0;	/* a thread */
	s = scratch_take();
	if (!s)
		return record_lost(select_clients(EV_NOTIFY_FORK), EV_NOTIFY_FORK);
	record_reset(s, EV_NOTIFY_FORK);
	known = process_get(s, leader);
	p = known ? process_fork(known, child) : NULL;
	slots = select_clients(EV_NOTIFY_FORK);
	if (p && slots) {
		head_of(s)->process = put_current(s);
		head_of(s)->other = put_process_part(s, p, address_of_leader(child));
		if (head_of(s)->other)
			put_parent(at(s, head_of(s)->other), child);	/* with CLONE_PARENT, the forker's own */
		record_send(s, slots);
	} else {
		record_lost(slots, EV_NOTIFY_FORK);
	}
	scratch_give(s);
	return 0;
}

static __always_inline int put_exec(struct scratch *s, struct task_struct *task, struct linux_binprm *bprm)
{
	const char *filename = READ_CORE(bprm, filename), *interp = READ_CORE(bprm, interp);
	struct es_record *head = head_of(s);
	struct path cwd = {};

	if (base_of(&cwd, AT_FDCWD))
		head->file[0] = put_path(s, &cwd);
	if (interp != filename)
		head->file[1] = put_script(s, (uint64_t)filename);
	put_string(s, &head->str[0], interp, USER_BYTES);
	put_fds(s, task, true);
	put_image(s, task);
	return 0;
}

/* From here on the process is a new execution. */
static __always_inline void process_exec(struct scratch *s, struct process *p, struct task_struct *task)
{
	struct syscall_state *state = syscall_entered(ES_KIND_EXEC);

	p->pidversion = state && state->pidversion ? state->pidversion : next_pidversion();
	p->started_by = READ_CORE(task, real_cred, uid.val);
	remember_executable(s, p, (uint64_t)READ_CORE(task, mm, exe_file));
	trust_exec(s, p, task);
	if (read_pid(task, PIDTYPE_SID) == READ_CORE(task, tgid))
		read_ids(&p->responsible, task, p->pidversion);
}

/*
 * The process is about to execute a program, and has not changed yet. This stores its ids, and copies its struct
 * process to the thread that will be the first. It runs at an LSM hook where BPF LSM loads, else at a tracepoint that
 * kernels have since 6.10. With neither, records have the ids from after the exec.
 */
static __always_inline void exec_begins(void)
{
	struct task_struct *task = bpf_get_current_task_btf(), *leader = task->group_leader;
	struct syscall_state *state = syscall_state_of_current(true);

	if (state)
		read_ids(&state->former, task, 0);
	if (leader)
		process_hand_on(leader, task);
}

SEC("lsm/bprm_creds_from_file")
int BPF_PROG(lsm_exec_begins, struct linux_binprm *bprm, struct file *file, int ret)
{
	if (!ret)
		exec_begins();
	return ret;
}

SEC("tp_btf/sched_prepare_exec")
int BPF_PROG(on_exec_begins, struct task_struct *task, struct linux_binprm *bprm)
{
	exec_begins();
	return 0;
}

static __always_inline uint32_t put_before_exec(struct scratch *s)
{
	struct syscall_state *state = syscall_state_of_current(false);
	uint32_t off;

	if (!state)
		return put_current(s);
	off = put_current_before(s, &state->former);
	state->former.pid = 0;
	return off;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task, int old_pid, struct linux_binprm *bprm)
{
	struct task_struct *leader = task->group_leader;
	struct process *p;
	struct scratch *s;
	uint64_t slots;

	s = scratch_take();
	if (!s || !leader) {
		scratch_give(s);
		return record_lost(select_clients(EV_NOTIFY_EXEC), EV_NOTIFY_EXEC);
	}
	record_reset(s, EV_NOTIFY_EXEC);
	p = process_get(s, leader);
	slots = select_clients(EV_NOTIFY_EXEC);
	if (p && slots)
		head_of(s)->process = put_before_exec(s);
	if (p)
		process_exec(s, p, task);
	if (!p) {
		record_lost(slots, EV_NOTIFY_EXEC);
		slots = 0;
	}
	if (slots) {
		head_of(s)->other = put_current(s);
		slots = select_targets(s, slots);
	}
	if (slots) {
		put_exec(s, task, bprm);
		exec_record_send(s, task, slots);
	}
	scratch_give(s);
	return 0;
}

SEC("tp_btf/sys_enter")
int BPF_PROG(enter_exec, struct pt_regs *regs, long id)
{
	struct syscall_args *args;
	struct syscall_state *state;
	bool at;

	state = syscall_state_of_current(true);
	if (!state)
		return 0;
	args = args_of(regs);
	if (!args)
		return 0;
	at = args->variant == ES_VARIANT_AT;
	state->kind = at && args->a[4] & LINUX_AT_EXECVE_CHECK ? ES_KIND_NONE : ES_KIND_EXEC;	/* no exec follows */
	state->flags = 0;
	state->asked = 0;
	state->pidversion = 0;
	state->script.dentry = NULL;
	state->compat = args->compat || is_x32(id);
	state->path = args->a[at ? 1 : 0];
	state->argv = args->a[at ? 2 : 1];
	state->envp = args->a[at ? 3 : 2];
	return 0;
}

/* Reports an exec that a client denied. on_exec reports those that succeed. */
SEC("tp_btf/sys_exit")
int BPF_PROG(exit_exec, struct pt_regs *regs, long ret)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct syscall_state *state = syscall_entered(ES_KIND_EXEC);
	uint64_t slots = select_clients(EV_NOTIFY_EXEC);
	struct scratch *s;

	if (!state)
		return 0;
	state->kind = ES_KIND_NONE;
	if (ret == -EPERM && state->flags & SYSCALL_DENIED && slots) {
		s = event_begin(EV_NOTIFY_EXEC, slots);
		if (s) {
			head_of(s)->result = AUTH_DENY;
			bpf_probe_read_user_str(s->capture.path, USER_BYTES, (void *)state->path);
			capture_current(&s->capture, state);
			put_waiting_exec(s, task, state, &s->capture);
		}
		event_send(s, slots);
	}
	return 0;
}

/* The status that wait(2) will return: that of the group, or of its first thread. */
static __always_inline int wait_status(struct task_struct *task)
{
	if (READ_CORE(task, signal, flags) & SIGNAL_GROUP_EXIT)
		return READ_CORE(task, signal, group_exit_code);
	return READ_CORE(task, group_leader, exit_code);
}

/*
 * Marks the process as ended: the daemon mutes no such process. False: it was marked already. Before 6.16, threads
 * that end at the same time may all be counted out before the first of them gets here.
 */
static __always_inline bool process_exited(struct task_struct *task)
{
	struct process *p = process_of(task);

	return !p || !__sync_val_compare_and_swap(&p->exited, 0, 1);
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
	struct pending *pending = bpf_task_storage_get(&pendings, task, NULL, 0);
	struct scratch *s;
	uint64_t slots;

	if (pending)
		pending_drop(pending);	/* killed while it waited */
	if (READ_CORE(task, signal, live.counter))
		return 0;	/* other threads go on */
	pending_process_gone(task);
	if (!process_exited(task))
		return 0;
	user_exit();
	__sync_fetch_and_add(&stats.processes, -1);
	if (control.kind_live[ES_KIND_CLOSE] && READ_CORE(task, files, count.counter) == 1)
		fds_closing(0, FDS_MAX);
	slots = select_clients(EV_NOTIFY_EXIT);
	if (!slots)
		return 0;
	s = record_begin(EV_NOTIFY_EXIT, slots);
	if (s) {
		head_of(s)->process = put_current(s);
		head_of(s)->num[0] = wait_status(task);
		if (head_of(s)->process)
			record_send(s, slots);
		else
			record_lost(slots, EV_NOTIFY_EXIT);
	}
	scratch_give(s);
	return 0;
}

static __noinline int send_signal_record(uint32_t type, int value, struct task_struct *target)
{
	uint64_t slots = call_clients(type);
	struct scratch *s;

	if (!slots)
		return 0;
	s = event_begin(type, slots);
	if (s) {
		head_of(s)->other = put_process(s, target);
		head_of(s)->num[0] = value;
	}
	event_send(s, s && head_of(s)->other ? slots : 0);
	return 0;
}

SEC("tp_btf/signal_generate")
int BPF_PROG(on_signal, int sig, struct kernel_siginfo *info, struct task_struct *target, int group, int result)
{
	if (!sent_by_program(info, bpf_get_current_task_btf(), target))
		return 0;
	send_signal_record(EV_NOTIFY_SIGNAL, sig, target);
	if (sig == LINUX_SIGCONT)
		send_signal_record(EV_NOTIFY_PROC_SUSPEND_RESUME, 1, target);
	else if (sig == LINUX_SIGSTOP || sig == LINUX_SIGTSTP)
		send_signal_record(EV_NOTIFY_PROC_SUSPEND_RESUME, 0, target);
	return 0;
}

SEC("iter/task")
int fill_tasks(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct process *p;
	struct scratch *s;

	daemon_mounts = (uint64_t)READ_CORE(bpf_get_current_task_btf(), nsproxy, mnt_ns);
	accounts_root = (uint64_t)READ_CORE(bpf_get_current_task_btf(), fs, root.dentry);
	if (!task || task->pid != task->tgid)
		return 0;
	p = bpf_task_storage_get(&processes, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!p)
		return 0;
	if (fill_pass) {
		trust_found(p, task);
		return 0;
	}
	s = scratch_take();
	if (!s)
		return 0;
	s->used = sizeof(struct es_record);
	process_learn(s, p, address_of_leader(task));
	scratch_give(s);
	return 0;
}
