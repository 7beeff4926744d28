/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * (N3, A3) Puts processes into a record. Task storage keeps what doesn't change between execs (the executable,
 * pidversion, start, the first parent) from fork and exec on, so that a message about a process that has gone is as
 * complete as any. It belongs to the first thread, and passes to a thread that takes its place (process_hand_on()).
 * Ids come from the acting thread, parents from the first one, when the record is made.
 */

#include "bpf/base/kernel.h"
#include "bpf/base/maps.bpf.h"
#include "bpf/record/path.bpf.h"
#include "bpf/record/ring.bpf.h"

static __always_inline uint32_t next_pidversion(void)
{
	return __sync_fetch_and_add(&stats.pidversion, 1) + 1;
}

static __always_inline void read_ids(struct es_token *token, struct task_struct *task, uint32_t pidversion)
{
	const struct cred *cred = READ_CORE(task, real_cred);

	token->euid = READ_CORE(cred, euid.val);
	token->egid = READ_CORE(cred, egid.val);
	token->ruid = READ_CORE(cred, uid.val);
	token->rgid = READ_CORE(cred, gid.val);
	token->auid = token->asid = (uint32_t)-1;
	if (bpf_core_field_exists(task->loginuid))
		token->auid = READ_CORE(task, loginuid.val);
	if (bpf_core_field_exists(task->sessionid))
		token->asid = READ_CORE(task, sessionid);
	token->pid = READ_CORE(task, tgid);
	token->pidversion = pidversion;
}

static __always_inline int read_pid(struct task_struct *task, int type)
{
	struct pid *pid = READ_CORE(task, signal, pids[type]);

	return pid ? READ_CORE(pid, numbers[0].nr) : 0;
}

/* Stores the executable that a task runs now. A scratch record serves to make the path. */
__noinline int remember_executable(struct scratch *s, struct process *p, uint64_t address)
{
	struct file *exe = (void *)address;
	struct es_file_part *part;
	struct path path = {};
	struct inode *inode;
	uint32_t used, off, len, doubtful;

	if (!s || !p)
		return 0;
	used = s->used;
	doubtful = s->doubtful;

	p->exe_len = 0;
	p->exe_flags = ES_FILE_NO_STAT;
	p->exe[0] = 0;
	if (!exe)
		return 0;
	path.mnt = READ_CORE(exe, f_path.mnt);
	path.dentry = READ_CORE(exe, f_path.dentry);
	inode = READ_CORE(exe, f_inode);
	p->exe_inode = (uint64_t)inode;
	if (inode) {
		read_stat(&p->exe_stat, (uint64_t)inode);
		p->exe_flags = 0;
	}
	off = append(s, sizeof(*part));
	if (!off)
		return 0;
	part = at(s, off);
	__builtin_memset(part, 0, sizeof(*part));
	if (is_internal(&path))
		put_internal_name(s, part, &path);
	else
		put_path_at(s, part, &path, 0);
	len = part->path.len;
	asm volatile("" : "+r"(len));
	if (len > EXE_BYTES) {
		len = EXE_BYTES;
		part->flags |= ES_FILE_TRUNCATED;
	}
	bpf_probe_read_kernel(p->exe, len, at(s, part->path.off));
	p->exe_len = len;
	if (part->flags & ES_FILE_REAL)
		read_stat(&p->exe_stat, READ_SCALAR((struct dentry *)s->view.dentry, d_inode));
	p->exe_flags |= part->flags;
	s->used = used;
	s->doubtful = doubtful;
	return 0;
}

static __always_inline struct process *process_find(struct task_struct *leader)
{
	struct process *p = bpf_task_storage_get(&processes, leader, NULL, 0);

	return p && p->pidversion ? p : NULL;
}

static __always_inline struct process *process_of(struct task_struct *task)
{
	struct task_struct *leader = task->group_leader;

	return leader ? process_find(leader) : NULL;
}

/* A leader's address as a mere number, for functions that are verified by their own: what is read is one. */
static __always_inline uint64_t address_of_leader(struct task_struct *leader)
{
	return (uint64_t)READ_CORE(leader, group_leader);
}

/*
 * Fills in a process that is older than the sensor, or whose fork was missed; or one that may have executed another
 * program while there was no client, and no program watched.
 */
__noinline int process_learn(struct scratch *s, struct process *p, uint64_t address)
{
	struct task_struct *leader = (void *)address;
	bool before;

	if (!s || !p)
		return 0;
	before = p->pidversion;
	p->pidversion = next_pidversion();
	if (!before) {
		p->original_ppid = READ_CORE(leader, real_parent, tgid);
		p->start_ns = READ_CORE(leader, start_boottime);
		read_ids(&p->responsible, leader, p->pidversion);
	}
	p->started_by = READ_CORE(leader, real_cred, uid.val);
	remember_executable(s, p, (uint64_t)READ_CORE(leader, mm, exe_file));
	p->trust = READ_CORE(leader, tgid) == 1 ? TRUST_INIT | TRUST_DEFAULT : 0;
	__sync_fetch_and_add(&stats.processes, 1);
	return 0;
}

/* The process of a thread group's leader; filled in now if it wasn't yet. */
static __always_inline struct process *process_get(struct scratch *s, struct task_struct *leader)
{
	struct process *p = bpf_task_storage_get(&processes, leader, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);

	if (p && !p->pidversion)
		process_learn(s, p, address_of_leader(leader));
	return p;
}

/*
 * A thread is about to execute a program. If it isn't the first thread, it takes that one's place and number. It gets a
 * copy of the first one's struct process, which is gone when the program runs.
 */
static __always_inline void process_hand_on(struct task_struct *leader, struct task_struct *task)
{
	struct process *from, *to;

	if (leader == task)
		return;
	from = process_find(leader);
	if (!from)
		return;
	to = bpf_task_storage_get(&processes, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (to)
		bpf_probe_read_kernel(to, sizeof(*to), from);
}

static __always_inline bool is_client(uint32_t tgid)
{
	return bpf_map_lookup_elem(&client_processes, &tgid);
}

struct terminal {
	uint64_t node;			/* among the terminal's open files, the next to check */
	uint64_t head;
	uint64_t file;			/* one that is the terminal's own node */
	uint32_t rdev;
};

static long terminal_step(uint32_t index, struct terminal *terminal)
{
	struct tty_file_private *private;
	struct file *file;

	if (!terminal->node || terminal->node == terminal->head)
		return 1;
	private = (void *)(terminal->node - bpf_core_field_offset(struct tty_file_private, list));
	terminal->node = (uint64_t)READ_CORE((struct list_head *)terminal->node, next);
	file = READ_CORE(private, file);
	if (READ_CORE(file, f_inode, i_rdev) != terminal->rdev)
		return 0;
	terminal->file = (uint64_t)file;
	return 1;
}

/*
 * The controlling terminal of a session, as a file: its own node, if a process has that open. It may also be open as
 * /dev/tty, which is each process's own terminal, and as the console.
 */
static __always_inline uint32_t put_tty(struct scratch *s, struct task_struct *task)
{
	enum { FILES_MAX = 256 };
	struct tty_struct *tty = READ_CORE(task, signal, tty);
	struct terminal terminal = { .file = unknown(0) };

	if (!tty)
		return 0;
	terminal.rdev = READ_CORE(tty, driver, major) << 20 | (READ_CORE(tty, driver, minor_start) + READ_CORE(tty, index));
	terminal.head = (uint64_t)tty + bpf_core_field_offset(struct tty_struct, tty_files);
	terminal.node = (uint64_t)READ_CORE(tty, tty_files.next);
	bpf_loop(FILES_MAX, terminal_step, &terminal, 0);
	return terminal.file ? put_file(s, (struct file *)terminal.file) : 0;
}

static __always_inline void put_executable(struct scratch *s, struct es_process_part *part, struct process *p)
{
	part->executable.stat = p->exe_stat;
	part->executable.flags = p->exe_flags;
	if (p->exe_flags & ES_FILE_DOUBTFUL)
		s->doubtful = 1;
	put_bytes(s, &part->executable.path, p->exe, p->exe_len);
}

/* The namespace that the process itself is in; that of its children, which nsproxy has, can be another. */
static __always_inline uint32_t pid_namespace_of(struct task_struct *task)
{
	struct pid *pid = READ_CORE(task, thread_pid);
	struct upid *number;

	if (!pid)
		return 0;
	number = (void *)((char *)pid + bpf_core_field_offset(struct pid, numbers) +
			  (READ_CORE(pid, level) & 63) * bpf_core_type_size(struct upid));
	return READ_CORE(number, ns, ns.inum);
}

static __always_inline void read_namespaces(struct es_process_part *part, struct task_struct *task)
{
	struct nsproxy *ns = READ_CORE(task, nsproxy);

	part->cgroup_id = READ_CORE(task, cgroups, dfl_cgrp, kn, id);
	if (!ns)
		return;
	part->mnt_ns = READ_CORE(ns, mnt_ns, ns.inum);
	part->pid_ns = pid_namespace_of(task);
}

static __always_inline void put_parent(struct es_process_part *part, struct task_struct *task)
{
	struct task_struct *parent = task->real_parent, *leader;
	struct process *p;

	if (!parent)
		return;
	leader = parent->group_leader;
	if (!leader)
		return;
	part->ppid = READ_CORE(parent, tgid);
	p = process_find(leader);
	read_ids(&part->parent, leader, p ? p->pidversion : 0);
}

/* Puts a process into the record, with what `p` has of it; returns its offset, or 0 if there is no room. */
__noinline uint32_t put_process_part(struct scratch *s, struct process *p, uint64_t address)
{
	struct task_struct *task = (void *)address;
	struct es_process_part *part;
	uint32_t off;

	if (!s || !p)
		return 0;
	off = append(s, sizeof(struct es_process_part));
	if (!off)
		return 0;
	part = at(s, off);
	__builtin_memset(part, 0, sizeof(*part));
	read_ids(&part->token, task, p->pidversion);
	part->responsible = p->responsible;
	if (p->responsible.pid == part->token.pid)
		part->responsible = part->token;
	part->original_ppid = p->original_ppid;
	part->start_ns = p->start_ns;
	part->group_id = read_pid(task, PIDTYPE_PGID);
	part->session_id = read_pid(task, PIDTYPE_SID);
	read_namespaces(part, task);
	if (READ_CORE(task, flags) & PF_KTHREAD)
		part->flags |= ES_PROCESS_KTHREAD;
	if (is_client(part->token.pid))
		part->flags |= ES_PROCESS_ES_CLIENT;
	put_executable(s, part, p);
	part->tty = put_tty(s, task);
	return off;
}

/* Adds the process's parent, and the acting thread's ids, which may differ from the first thread's. */
static __noinline int put_process_rest(struct scratch *s, uint32_t off, struct task_struct *task,
				       struct task_struct *leader)
{
	struct es_process_part *part = at(s, off);

	put_parent(part, leader);
	if (task == leader)
		return 0;
	read_ids(&part->token, task, part->token.pidversion);
	if (part->responsible.pid == part->token.pid)
		part->responsible = part->token;
	return 0;
}

/* The process of `task`, any thread of it, with its ids, and with parent. */
static __always_inline uint32_t put_process(struct scratch *s, struct task_struct *task)
{
	struct task_struct *leader = task->group_leader;
	struct process *p;
	uint32_t off;

	if (!leader)
		return 0;
	p = process_get(s, leader);
	if (!p)
		return 0;
	off = put_process_part(s, p, address_of_leader(leader));
	if (off)
		put_process_rest(s, off, task, leader);
	return off;
}

/*
 * Puts the acting process. The verifier checks this function by itself, for programs that may sleep, too: these hold
 * no RCU lock.
 */
__noinline uint32_t put_current(struct scratch *s)
{
	uint32_t off;

	if (!s)
		return 0;
	rcu_begin(true);
	off = put_process(s, bpf_get_current_task_btf());
	rcu_end(true);
	return off;
}

/* The acting process, with the ids that it had before, if they are known. */
static __always_inline uint32_t put_current_before(struct scratch *s, const struct es_token *former)
{
	uint32_t off = put_current(s);
	struct es_process_part *part;

	if (!off || !former->pid)
		return off;
	part = at(s, off);
	part->token.euid = former->euid;
	part->token.egid = former->egid;
	part->token.ruid = former->ruid;
	part->token.rgid = former->rgid;
	if (part->responsible.pid == part->token.pid)
		part->responsible = part->token;
	return off;
}

/*
 * Is this a call that sends signals: kill, rt_sigqueueinfo, tkill, tgkill, rt_tgsigqueueinfo or pidfd_send_signal, by
 * the numbers of either table? Signals of timers and queues pass during any call.
 */
static __always_inline bool sends_signals(void)
{
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
	long nr = native_number(regs->orig_ax);

	if (is_compat())
		return nr == 37 || nr == 178 || nr == 238 || nr == 270 || nr == 335 || nr == 424;
	return nr == 62 || nr == 129 || nr == 200 || nr == 234 || nr == 297 || nr == 424;
}

/*
 * Did a program send this signal, to another process? info: 0 is kill(2), 1 the kernel. A program may choose any code
 * but the kernel's, which are positive.
 */
static __always_inline bool sent_by_program(struct kernel_siginfo *info, struct task_struct *sender,
					    struct task_struct *target)
{
	int code;

	if ((unsigned long)info == 1 || READ_CORE(target, tgid) == READ_CORE(sender, tgid))
		return false;
	if (!info)
		return true;
	code = READ_CORE(info, si_code);
	return code <= 0 && sends_signals();
}
