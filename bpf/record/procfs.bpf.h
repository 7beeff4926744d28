/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * (N3, A3) Puts a process that another acts on, by its number or by its files in /proc. An open of another process's
 * files counts as:
 *
 *	/proc/PID/mem, for reading	get_task_read
 *	/proc/PID/mem, for writing	get_task
 *	any other below /proc/PID	proc_check: PIDFDINFO of fd and fdinfo, SETCONTROL for writing, PIDINFO of the rest
 */

#include "bpf/base/constants.h"
#include "bpf/record/process.bpf.h"

/*
 * On kernels before 6.2 a program can't get a task by its number, so it can't reach the task's storage. The record
 * then has the process as it is now, without pidversion, and only if its address is known.
 */
static __noinline uint32_t put_unknown_process(struct scratch *s, uint64_t address)
{
	struct task_struct *leader = (void *)address;
	struct process *p = &s->unknown_process;
	struct es_process_part *part;
	uint32_t off;

	p->pidversion = 0;
	p->original_ppid = READ_CORE(leader, real_parent, tgid);
	p->start_ns = READ_CORE(leader, start_boottime);
	__builtin_memset(&p->responsible, 0, sizeof(p->responsible));
	remember_executable(s, p, (uint64_t)READ_CORE(leader, mm, exe_file));
	off = put_process_part(s, p, address);
	if (!off)
		return 0;
	part = at(s, off);
	part->responsible = part->token;
	part->ppid = READ_CORE(leader, real_parent, tgid);
	read_ids(&part->parent, READ_CORE(leader, real_parent), 0);
	return off;
}

static __noinline uint32_t put_found_process(struct scratch *s, int pid)
{
	struct task_struct *task = bpf_task_from_pid(pid);
	uint32_t off;

	if (!task)
		return 0;
	off = put_process(s, task);
	bpf_task_release(task);
	return off;
}

/*
 * Puts the process that has a number in the initial namespace; `address` is that of its first task, 0: not known. It
 * calls two functions in turn, not nested, since the stack is short.
 */
static __always_inline uint32_t put_numbered(struct scratch *s, int pid, uint64_t address)
{
	if (bpf_task_from_pid)
		return put_found_process(s, pid);
	return address ? put_unknown_process(s, address) : 0;
}

/* ---- /proc ---- */

/* How an open looks at another process. */
struct look {
	uint64_t leader;		/* its first task */
	int64_t number;			/* es_proc_check_type_t; 0 of the others */
	int32_t pid;
	uint32_t auth;			/* types */
	uint32_t notify;
};

static __always_inline bool is_called(struct dentry *dentry, const char *name, uint32_t bytes)
{
	char text[8] = {};
	uint32_t i;

	bpf_probe_read_kernel_str(text, sizeof(text), READ_CORE(dentry, d_name.name));
	for (i = 0; i < bytes; i++) {
		if (text[i] != name[i])
			return false;
	}
	return true;
}

static __always_inline int64_t proc_check_type(struct dentry *dentry, uint32_t mode)
{
	if (mode & FMODE_WRITE)
		return PROC_SETCONTROL;
	if (is_called(dentry, "fd", 3) || is_called(dentry, "fdinfo", 7) ||
	    is_called(READ_CORE(dentry, d_parent), "fdinfo", 7))
		return PROC_PIDFDINFO;
	return PROC_PIDINFO;
}

/* Does the open look at another process? */
static __always_inline bool look_of(struct look *look, struct file *file)
{
	struct proc_inode *proc;
	struct hlist_node *node;
	struct task_struct *task;
	struct dentry *dentry;
	struct inode *inode;
	struct pid *pid;
	uint32_t mode;

	if (READ_FAST(READ_FAST(READ_FAST(file, f_inode), i_sb), s_magic) != PROC_SUPER_MAGIC)
		return false;
	inode = READ_CORE(file, f_inode);
	dentry = READ_CORE(file, f_path.dentry);
	mode = READ_CORE(file, f_mode);
	proc = (void *)((char *)inode - bpf_core_field_offset(struct proc_inode, vfs_inode));
	pid = READ_CORE(proc, pid);
	node = pid ? READ_CORE(pid, tasks[PIDTYPE_PID].first) : NULL;
	if (!node)
		return false;	/* not of a process, or of one that is gone */
	task = (void *)((char *)node - bpf_core_field_offset(struct task_struct, pid_links[PIDTYPE_PID]));
	look->pid = READ_CORE(task, tgid);
	look->leader = (uint64_t)READ_CORE(task, group_leader);
	look->number = 0;
	if (look->pid == (int)(bpf_get_current_pid_tgid() >> 32))
		return false;
	if (!is_called(dentry, "mem", 4)) {
		look->auth = EV_AUTH_PROC_CHECK;
		look->notify = EV_NOTIFY_PROC_CHECK;
		look->number = proc_check_type(dentry, mode);
	} else if (mode & FMODE_WRITE) {
		look->auth = EV_AUTH_GET_TASK;
		look->notify = EV_NOTIFY_GET_TASK;
	} else {
		look->auth = EV_AUTH_GET_TASK_READ;
		look->notify = EV_NOTIFY_GET_TASK_READ;
	}
	return true;
}
