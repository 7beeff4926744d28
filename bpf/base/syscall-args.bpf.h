/* SPDX-License-Identifier: MIT */
#pragma once

/* A system call's arguments, and the state that a program stored when the call began. */

#include "bpf/base/kernel.h"
#include "bpf/base/maps.bpf.h"

static __always_inline bool is_compat(void)
{
	struct task_struct *task = bpf_get_current_task_btf();

	return task->thread_info.status & TS_COMPAT;
}

/*
 * The x32 ABI sets a bit in a call's number. Calls with pointers to structs that differ from the 64-bit ones have other
 * numbers. x32 programs pass arguments as 64-bit programs do.
 */
enum { X32_BIT = 0x40000000 };

static __always_inline bool is_x32(long nr)
{
	return nr >= 0 && nr & X32_BIT;
}

static __always_inline long native_number(long nr)
{
	if (!is_x32(nr))
		return nr;
	nr &= ~(long)X32_BIT;
	switch (nr) {
	case 514:
		return 16;		/* ioctl */
	case 515:
		return 19;		/* readv */
	case 516:
		return 20;		/* writev */
	case 520:
		return 59;		/* execve */
	case 521:
		return 101;		/* ptrace */
	case 524:
		return 129;		/* rt_sigqueueinfo */
	case 534:
		return 295;		/* preadv */
	case 535:
		return 296;		/* pwritev */
	case 536:
		return 297;		/* rt_tgsigqueueinfo */
	case 539:
		return 310;		/* process_vm_readv */
	case 540:
		return 311;		/* process_vm_writev */
	case 545:
		return 322;		/* execveat */
	case 546:
		return 327;		/* preadv2 */
	case 547:
		return 328;		/* pwritev2 */
	}
	return nr;
}

static __always_inline uint32_t syscall_index(long nr)
{
	nr = native_number(nr);
	if (nr < 0 || nr >= ES_SYSCALLS)
		return ES_SYSCALLS - 1;	/* one that is in no table */
	return is_compat() ? nr + ES_SYSCALLS : nr;
}

/* Not on the stack, which is short. One for each CPU is enough: system calls don't interrupt each other. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, uint32_t);
	__type(value, struct syscall_args);
} syscall_arguments SEC(".maps");

static __always_inline void args_read(struct syscall_args *args, struct pt_regs *regs)
{
	const volatile struct es_syscall *entry = &syscalls[syscall_index(regs->orig_ax) & (2 * ES_SYSCALLS - 1)];

	args->kind = entry->kind;
	args->variant = entry->variant;
	args->compat = is_compat();
	args->a[0] = args->compat ? (uint32_t)regs->bx : regs->di;
	args->a[1] = args->compat ? (uint32_t)regs->cx : regs->si;
	args->a[2] = args->compat ? (uint32_t)regs->dx : regs->dx;
	args->a[3] = args->compat ? (uint32_t)regs->si : regs->r10;
	args->a[4] = args->compat ? (uint32_t)regs->di : regs->r8;
	args->a[5] = args->compat ? (uint32_t)regs->bp : regs->r9;
}

static __always_inline struct syscall_args *args_of(struct pt_regs *regs)
{
	uint32_t zero = 0;
	struct syscall_args *args = bpf_map_lookup_elem(&syscall_arguments, &zero);

	if (args)
		args_read(args, regs);
	return args;
}

/* The arguments of the current task's system call, for programs that its tracepoints don't run. */
static __always_inline void args_of_current(struct syscall_args *args)
{
	args_read(args, (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf()));
}

static __always_inline struct es_syscall current_syscall(void)
{
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
	uint32_t index = syscall_index(regs->orig_ax) & (2 * ES_SYSCALLS - 1);

	return (struct es_syscall){ .kind = syscalls[index].kind, .variant = syscalls[index].variant };
}

static __always_inline struct syscall_state *syscall_state_of_current(bool create)
{
	return bpf_task_storage_get(&syscall_states, bpf_get_current_task_btf(), NULL,
				    create ? BPF_LOCAL_STORAGE_GET_F_CREATE : 0);
}

/* The state that was stored when this call began, or NULL. */
static __always_inline struct syscall_state *syscall_entered(uint32_t kind)
{
	struct syscall_state *state = syscall_state_of_current(false);

	return state && state->kind == kind ? state : NULL;
}

/* Is this a request of io_uring's? The call that submits it does it, or a kernel thread. */
static __always_inline bool in_io_uring(void)
{
	enum { NR_IO_URING_ENTER = 426 };
	struct task_struct *task = bpf_get_current_task_btf();
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);

	return task->flags & PF_IO_WORKER || native_number(regs->orig_ax) == NR_IO_URING_ENTER;
}

/*
 * Does the kernel do this by itself, on behalf of a program's call, as overlayfs does in the file systems below it?
 * Then it has other credentials than the program. So has an io_uring request with a personality: that is the
 * program's own, and on overlayfs the programs here see it twice.
 */
static __always_inline bool by_kernel(void)
{
	struct task_struct *task = bpf_get_current_task_btf();

	return !in_io_uring() && READ_CORE(task, cred) != READ_CORE(task, real_cred);
}

/*
 * Is this operation the purpose of the program's call? The kernel does the same within other calls: overlayfs sets
 * attributes of its folders when it is mounted, and copies those of files. The program didn't ask for these, and they
 * can't start over. A request of io_uring's may be of any kind.
 */
static __always_inline bool by_call(uint32_t kind)
{
	return (current_syscall().kind == kind || in_io_uring()) && !by_kernel();
}
