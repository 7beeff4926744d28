/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * (A6) Waiting in task work, which kernels have since 6.18. The hook returns -ERESTARTNOINTR. Before the kernel
 * starts the call over it runs a function of ours in the task. There the task holds no lock, has no trampoline to
 * return to, and may sleep. So it sleeps at the gate until all clients have answered. The call then starts over and
 * finds the answer.
 *
 * This needs no signal: the program has nothing to see, block or handle, no stop is lost, and it doesn't matter what
 * the program does with SIGCONT. The question is in `pendings` as ever; the work only sleeps and looks for answers.
 *
 * The kernel queues the work by an interrupt to the same processor, so the work is there a moment later. If it isn't,
 * as with interrupts off or on PREEMPT_RT, the call starts over by a signal as on older kernels.
 */

#include <linux/version.h>

#include "bpf/hold/pending.bpf.h"

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 18, 0)
struct bpf_task_work {
	__u64 opaque;
} __attribute__((aligned(8)));
#endif

struct bpf_map {
	uint32_t id;
};

typedef int task_work_f(struct bpf_map *map, void *key, void *value);

/* 6.18 has the first, 7.x the second. */
int bpf_task_work_schedule_signal_impl(struct task_struct *task, struct bpf_task_work *work, void *map__map,
				       task_work_f *callback, void *aux__prog) __ksym __weak;
int bpf_task_work_schedule_signal(struct task_struct *task, struct bpf_task_work *work, void *map__map,
				  task_work_f *callback) __ksym __weak;

struct task_wait {
	struct bpf_task_work work;
};

/* By thread. The work removes its entry when it has run. If there is no room, the call starts over by a signal. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, uint32_t);
	__type(value, struct task_wait);
} task_waits SEC(".maps");

enum { QUEUED_TRIES = 4096 };

/* In wait.bpf.h: sleeps until all have answered, or a signal has come. */
static void task_work_sleep(struct pending *pending);

/*
 * Runs on the way out of the call. If the question is gone, or the hook's caller returned another result, the call
 * won't come back for an answer: don't sleep.
 */
static int task_work_run(struct bpf_map *map, void *key, void *value)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);
	struct pending *pending = bpf_task_storage_get(&pendings, task, NULL, 0);
	uint32_t tid = task->pid;

	if (pending && pending->type_and_one && (int)regs->ax == -ERESTARTNOINTR && !(task->flags & PF_EXITING))
		task_work_sleep(pending);
	bpf_map_delete_elem(&task_waits, &tid);
	return 0;
}

static long queued_step(uint32_t step, uint64_t *before)
{
	return scalar_of(READ_CORE((struct task_struct *)bpf_get_current_task(), task_works)) != *before;
}

/* Don't test the functions' addresses: on 7.x the first has a type, but no address. */
static __always_inline int task_work_schedule(struct task_struct *task, struct task_wait *wait)
{
	if (waits_in_task_work == ES_TASK_WORK_IMPL)
		return bpf_task_work_schedule_signal_impl(task, &wait->work, &task_waits, task_work_run, NULL);
	if (waits_in_task_work == ES_TASK_WORK)
		return bpf_task_work_schedule_signal(task, &wait->work, &task_waits, task_work_run);
	return -EINVAL;
}

/* Schedules the work. False: it could not be queued now. */
static __noinline bool task_work_wait(struct pending *pending)
{
	struct task_struct *task = bpf_get_current_task_btf();
	uint64_t before = scalar_of(task->task_works);
	const struct task_wait none = {};
	uint32_t tid = task->pid;
	struct task_wait *wait;

	if (bpf_map_update_elem(&task_waits, &tid, &none, BPF_ANY))
		return false;
	wait = bpf_map_lookup_elem(&task_waits, &tid);
	if (!wait || task_work_schedule(task, wait))
		return false;
	bpf_loop(QUEUED_TRIES, queued_step, &before, 0);
	if (scalar_of(task->task_works) == before)
		return false;
	pending_starts_over(pending);
	return true;
}
