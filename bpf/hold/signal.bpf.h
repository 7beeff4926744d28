/* SPDX-License-Identifier: MIT */
#pragma once

/* (A1) AUTH_SIGNAL of signals that pass hooks of files, but not task_kill. Called by hold/file.bpf.h. */

#include "bpf/hold/hook.bpf.h"
#include "bpf/record/procfs.bpf.h"

struct fown_struct {
	struct pid *pid;
	enum pid_type pid_type;
	int signum;
} __attribute__((preserve_access_index));

/* up to 6.11 */
struct file___owner_inside {
	struct fown_struct f_owner;
} __attribute__((preserve_access_index));

struct file___owner_apart {
	struct fown_struct *f_owner;
} __attribute__((preserve_access_index));

static __always_inline struct fown_struct *owner_of(struct file *file)
{
	struct file___owner_apart *apart = (void *)file;

	if (bpf_core_field_exists(apart->f_owner))
		return READ_CORE(apart, f_owner);
	return (void *)((char *)file + bpf_core_field_offset(struct file___owner_inside, f_owner));
}

/* If the process has gone meanwhile, no client is asked. */
static __always_inline void put_owner(struct question *q, struct scratch *s, int pid, int signal)
{
	head_of(s)->other = put_numbered(s, pid, 0);
	head_of(s)->num[0] = signal;
	if (!head_of(s)->other)
		q->slots = 0;
}

/* A process number can only be looked up for a caller in the initial pid namespace. */
static __always_inline bool numbers_are_known(void)
{
	struct task_struct *task = bpf_get_current_task_btf();

	return bpf_task_from_pid && READ_CORE(task, thread_pid, level) == 0;
}

/* The process and signal that a descriptor will send to after this command; false: it changes neither. */
static __always_inline bool owner_wanted(struct file *file, unsigned int cmd, unsigned long arg, int *pid, int *signal)
{
	enum { LINUX_F_SETOWN = 8, LINUX_F_SETSIG = 10, LINUX_F_SETOWN_EX = 15, LINUX_F_OWNER_PGRP = 2 };
	struct fown_struct *owner = owner_of(file);
	int wanted[2] = {};		/* type and number */

	*signal = READ_CORE(owner, signum);
	switch (cmd) {
	case LINUX_F_SETSIG:
		*signal = arg;
		*pid = READ_CORE(owner, pid, numbers[0].nr);
		if (READ_CORE(owner, pid_type) == PIDTYPE_PGID)
			*pid = -*pid;
		return true;
	case LINUX_F_SETOWN:
		*pid = arg;
		return true;
	case LINUX_F_SETOWN_EX:
		/* What isn't in memory may be anything: as a group, which isn't asked about. */
		if (bpf_probe_read_user(wanted, sizeof(wanted), (void *)arg))
			*pid = -1;
		else
			*pid = wanted[0] == LINUX_F_OWNER_PGRP ? -wanted[1] : wanted[1];
		return true;
	}
	return false;
}

/*
 * fcntl(2) can have a descriptor send a signal when there is something to read. No task can wait where the signal is
 * sent, so the fcntl(2) asks. It can't ask about a group. A function of its own, like the next one in the hook, for
 * the stack.
 */
static __noinline int ask_owner(struct file *file, unsigned int cmd, unsigned long arg)
{
	enum { LINUX_SIGIO = 29 };
	struct question q = {};
	int pid = 0, signal = 0;

	if (!control.subscribers[EV_AUTH_SIGNAL] || !owner_wanted(file, cmd, arg, &pid, &signal) || !pid ||
	    pid == (int)(bpf_get_current_pid_tgid() >> 32))
		return 0;
	if (pid < 0 || !numbers_are_known())
		return hook_result(question_unheld(slots_to_ask(EV_AUTH_SIGNAL)));
	if (!signal)
		signal = LINUX_SIGIO;
	if (!question_open(&q, EV_AUTH_SIGNAL, EV_NOTIFY_SIGNAL, pid, signal, (uint64_t)file))
		return 0;
	return question_ask(&q, WAIT_RESTART, put_owner(&q, s, pid, signal));
}

/* A write to cgroup.kill kills all processes in a cgroup, and passes no hook for any of them. */
static __always_inline int ask_cgroup_kill(struct file *file, int mask)
{
	enum { LINUX_MAY_WRITE = 2, CGROUP2_MAGIC = 0x63677270 };
	const char name[] = "cgroup.kill";
	char text[sizeof(name)] = {};
	uint32_t i;

	if (!control.subscribers[EV_AUTH_SIGNAL] || !(mask & LINUX_MAY_WRITE) ||
	    READ_CORE(file, f_inode, i_sb, s_magic) != CGROUP2_MAGIC)
		return 0;
	bpf_probe_read_kernel_str(text, sizeof(text), READ_CORE(file, f_path.dentry, d_name.name));
	for (i = 0; i < sizeof(name); i++) {
		if (text[i] != name[i])
			return 0;
	}
	return hook_result(question_unheld(slots_to_ask(EV_AUTH_SIGNAL)));
}
