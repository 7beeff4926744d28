/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * (8) Operations that wait for an answer. The waiting itself is fanotify's: a permission event in the client's group.
 * But that event says only who waits and for which file. So the library runs `ask` for each one that it reads, in its
 * own thread: the program finds the waiting task, puts an AUTH record like any other into the client's ring, in order
 * with what else goes there, and notes who waits, and until when, in the map `held`.
 *
 * What the event doesn't tell is taken down when the system call begins: the flags of an open (open.bpf.h); of an exec
 * its arguments, and that it is one, since an exec opens several files: a script, its interpreter, the dynamic linker.
 * Only the program that will run is asked about, once for each client.
 */

#include "bpf/base/syscall-args.bpf.h"
#include "bpf/notify/file.bpf.h"
#include "bpf/record/exec.bpf.h"

enum {
	LINUX_FAN_OPEN_PERM = 0x00010000,
	LINUX_FAN_OPEN_EXEC_PERM = 0x00040000,
	ARGUMENTS_MAX = 8192,
	AUTH_DENY = 1,			/* es_auth_result_t */
};

/* ---- what an exec passes ---- */

/*
 * Arguments and environment, which are still where the program has them. Pages that it hasn't touched since it was
 * forked can only be read by a program that may sleep, as ask() is, with a function that newer kernels have; what can't
 * be read is missing, and the record says so.
 */
int bpf_copy_from_user_task_str(void *to, uint32_t to__sz, const void *from, struct task_struct *task, uint64_t flags)
	__ksym __weak;

struct strings {
	struct capture *capture;
	uint64_t pointers;		/* a NULL-terminated array in the program's memory */
	uint32_t width;			/* of a pointer */
	int32_t tid;			/* whose memory: 0 for the current task's */
};

/* Reads a pointer (`string` false) or a string of a program; as bpf_probe_read_user_str(). */
static __always_inline long strings_read(struct strings *strings, void *to, uint32_t bytes, uint64_t from, bool string)
{
	struct task_struct *task;
	long n;

	if (!strings->tid)
		return string ? bpf_probe_read_user_str(to, bytes, (void *)from)
			      : bpf_probe_read_user(to, bytes, (void *)from);
	task = bpf_task_from_pid(strings->tid);
	if (!task)
		return -1;
	n = string ? bpf_copy_from_user_task_str(to, bytes, (void *)from, task, 0)
		   : bpf_copy_from_user_task(to, bytes, (void *)from, task, 0);
	bpf_task_release(task);
	return n;
}

static __always_inline long capture_one(uint32_t index, struct strings *strings)
{
	uint64_t from = strings->pointers + (uint64_t)index * strings->width, text = 0;
	struct capture *capture = strings->capture;
	uint32_t used = capture->used;
	long n;

	n = strings->width == 8 ? strings_read(strings, &text, 8, from, false)
				: strings_read(strings, &text, 4, from, false);
	if (n)
		goto cut;
	if (!text)
		return 1;
	asm volatile("" : "+r"(used));
	if (used >= CAPTURE_BYTES)
		goto cut;
	n = strings_read(strings, capture->bytes + used, USER_BYTES, text, true);
	if (n <= 0)
		goto cut;
	if (n == USER_BYTES)
		capture->cut = 1;
	capture->used = used + n;
	return 0;
cut:
	capture->cut = 1;
	return 1;
}

/* The two differ for the verifier: one may sleep. */
static long capture_own(uint32_t index, struct strings *strings)
{
	strings->tid = 0;
	return capture_one(index, strings);
}

static long capture_others(uint32_t index, struct strings *strings)
{
	if (!strings->tid)
		return 1;
	return capture_one(index, strings);
}

/* Of the current task, which is on its way out of execve(2). */
static __noinline int capture_current(struct capture *capture, struct call *call)
{
	struct strings strings = { .capture = capture, .pointers = call->argv, .width = call->compat ? 4 : 8 };

	capture->cut = capture->used = 0;
	if (call->argv)
		bpf_loop(ARGUMENTS_MAX, capture_own, &strings, 0);
	capture->args_bytes = capture->used;
	strings.pointers = call->envp;
	if (call->envp)
		bpf_loop(ARGUMENTS_MAX, capture_own, &strings, 0);
	capture->env_bytes = capture->used - capture->args_bytes;
	return 0;
}

/* Of another task, which waits in execve(2). */
static __noinline int capture_waiting(struct capture *capture, struct call *call, uint32_t tid)
{
	struct strings strings = { .capture = capture, .pointers = call->argv, .width = call->compat ? 4 : 8 };

	capture->cut = capture->used = 0;
	strings.tid = tid;
	if (call->argv)
		bpf_loop(ARGUMENTS_MAX, capture_others, &strings, 0);
	capture->args_bytes = capture->used;
	strings.pointers = call->envp;
	if (call->envp)
		bpf_loop(ARGUMENTS_MAX, capture_others, &strings, 0);
	capture->env_bytes = capture->used - capture->args_bytes;
	return 0;
}

SEC("tp_btf/sys_enter")
int BPF_PROG(enter_exec, struct pt_regs *regs, long id)
{
	struct args *args;
	struct call *call;
	bool at;

	call = call_of_current(true);
	if (!call)
		return 0;
	args = args_of(regs);
	if (!args)
		return 0;
	at = args->variant == ES_VARIANT_AT;
	call->kind = ES_KIND_EXEC;
	call->flags = 0;
	call->asked = 0;
	call->pidversion = 0;
	call->script.dentry = NULL;
	call->compat = args->compat;
	call->path = args->a[at ? 1 : 0];
	call->argv = args->a[at ? 2 : 1];
	call->envp = args->a[at ? 3 : 2];
	return 0;
}

static __always_inline void put_capture(struct scratch *s, struct capture *capture)
{
	struct es_record *head = head_of(s);
	uint32_t off = s->used, len = capture->args_bytes + capture->env_bytes;

	if (capture->cut)
		head->flags |= ES_RECORD_ARGS_CUT;
	asm volatile("" : "+r"(off), "+r"(len));
	if (len > CAPTURE_BYTES + USER_BYTES || off >= RECORD_BYTES - CAPTURE_BYTES - USER_BYTES) {
		head->flags |= ES_RECORD_ARGS_CUT;
		return;
	}
	bpf_probe_read_kernel(s->record + off, len, capture->bytes);
	head->args.off = off;
	head->args.len = capture->args_bytes;
	head->env.off = off + capture->args_bytes;
	head->env.len = capture->env_bytes;
	s->used = off + len;
}

/* What the process will be: as it is now, but with the program in `file`, and the ids that come with it. */
static __always_inline void put_future(struct scratch *s, struct task_struct *leader, struct call *call,
				       struct path *file)
{
	struct process *p = process_get(s, leader);
	struct es_process_part *part;
	struct es_file_part *exe;
	uint32_t off, exe_off;

	if (!p)
		return;
	off = put_process_part(s, p, address_of_leader(leader));
	exe_off = put_path(s, file);
	if (!off || !exe_off)
		return;
	part = at(s, off);
	exe = at(s, exe_off);
	if (!call->pidversion)
		call->pidversion = next_pidversion();
	part->token.pidversion = call->pidversion;
	part->executable = *exe;
	if (exe->stat.mode & 04000)
		part->token.euid = exe->stat.uid;
	if (exe->stat.mode & 02000)
		part->token.egid = exe->stat.gid;
	put_parent(part, leader);
	head_of(s)->other = off;
}

/* An exec record of a task that waits in execve(2), or has been refused there. */
static __always_inline void put_waiting_exec(struct scratch *s, struct task_struct *task, struct call *call,
					     struct capture *capture)
{
	struct es_record *head = head_of(s);
	struct task_struct *leader = task->group_leader;
	struct path cwd = {};

	if (!leader)
		return;
	head->process = put_process(s, task);	/* what is long comes behind it */
	put_future(s, leader, call, &call->file);
	cwd.mnt = READ(task, fs, pwd.mnt);
	cwd.dentry = READ(task, fs, pwd.dentry);
	head->file[0] = put_path(s, &cwd);
	if (call->script.dentry)
		head->file[1] = put_path(s, &call->script);
	put_string(s, &head->str[0], capture->path, USER_BYTES);
	put_fds(s, task, false);
	put_image(s, task);
	put_capture(s, capture);
}

/* Denied: the message that follows says so. A success is on_exec's. */
SEC("tp_btf/sys_exit")
int BPF_PROG(exit_exec, struct pt_regs *regs, long ret)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct call *call = call_entered(ES_KIND_EXEC);
	uint64_t slots = select_clients(EV_NOTIFY_EXEC);
	struct scratch *s;

	if (!call)
		return 0;
	call->kind = ES_KIND_NONE;
	if (ret == -EPERM && call->flags & CALL_DENIED && slots) {
		s = event_begin(EV_NOTIFY_EXEC);
		if (s) {
			head_of(s)->result = AUTH_DENY;
			bpf_probe_read_user_str(s->capture.path, USER_BYTES, (void *)call->path);
			capture_current(&s->capture, call);
			put_waiting_exec(s, task, call, &s->capture);
		}
		event_send(s, slots);
	}
	return 0;
}

/* ---- asking ---- */

/* Is a task, not the current one, in the cgroup that the daemon was limited to? */
static __always_inline bool other_in_scope(struct task_struct *task)
{
	struct cgroup *cgroup, *ancestor = NULL;

	if (!control.scope_cgroup)
		return true;
	cgroup = READ(task, cgroups, dfl_cgrp);
	if (READ(cgroup, level) < (int)control.scope_cgroup_level)
		return false;
	bpf_probe_read_kernel(&ancestor, sizeof(ancestor),
			      (char *)cgroup + bpf_core_field_offset(struct cgroup, ancestors) +
			      control.scope_cgroup_level * sizeof(ancestor));
	return READ(ancestor, kn, id) == control.scope_cgroup;
}

struct gate_question {
	uint32_t slot;
	uint32_t tid;
	int32_t fd;
	uint32_t mask;
	uint64_t auth_id;
	uint32_t script;
	uint32_t type;
	struct capture *capture;	/* exec: what it passes, read before */
};

/* Which AUTH event the open of a file is, if any. */
static __always_inline bool question_type(struct gate_question *q, struct call *call, struct path *file)
{
	bool exec = call && call->kind == ES_KIND_EXEC;

	if (q->mask & LINUX_FAN_OPEN_EXEC_PERM) {
		if (!exec || call->asked >> q->slot & 1)
			return false;
		if (q->script) {
			if (!call->script.dentry)
				call->script = *file;
			return false;
		}
		call->asked |= 1ull << q->slot;
		call->file = *file;
		q->type = EV_AUTH_EXEC;
	} else {
		if (exec)
			return false;
		if (call)
			call->file = *file;
		q->type = EV_AUTH_OPEN;
	}
	return control.subscribers[q->type] >> q->slot & 1;
}

static __always_inline struct es_held *held_entry(struct gate_question *q)
{
	uint32_t index = q->auth_id % ES_HELD_MAX, slot = q->slot;
	void *array = bpf_map_lookup_elem(&held, &slot);

	return array ? bpf_map_lookup_elem(array, &index) : NULL;
}

static __always_inline uint32_t question_put(struct gate_question *q, struct es_sensor_client *client,
					     struct task_struct *task, struct call *call, struct path *file)
{
	struct es_held *entry = held_entry(q);
	uint32_t verdict = ES_ASK_ALLOW, taken;
	struct scratch *s = pool_take(&taken);
	struct es_record *head;

	if (!s) {
		count_lost(client, q->type);
		return client->miss_mode == ES_MISS_DENY ? ES_ASK_DENY : ES_ASK_LOST;
	}
	if (!entry)
		goto out;
	record_reset(s, q->type);
	head = head_of(s);
	head->flags = ES_RECORD_AUTH;
	head->auth_id = q->auth_id;
	head->thread_id = q->tid;
	head->deadline_ns = deadline_of(client, head);
	if (q->type == EV_AUTH_OPEN) {
		head->file[0] = put_path(s, file);
		/* Flags that aren't known, as io_uring's: as if all were asked for, or a denial could be got round. */
		head->num[0] = call && call->kind == ES_KIND_OPEN ? call->open_flags : FMODE_READ | FMODE_WRITE;
	} else if (call && q->capture) {
		put_waiting_exec(s, task, call, q->capture);
	}
	if (!select_targets(s, 1ull << q->slot))
		goto out;
	if (!head->process)
		head->process = put_process(s, task);
	if (!head->process)
		goto out;
	entry->tid = q->tid;
	entry->type = q->type;
	put_about(entry, s);
	entry->deadline_ns = head->deadline_ns;
	if (record_send(s, 1ull << q->slot))
		verdict = ES_ASK_ASKED;
	else
		verdict = client->miss_mode == ES_MISS_DENY ? ES_ASK_DENY : ES_ASK_LOST;
out:
	pool_give(taken);
	return verdict;
}

/* The event's descriptor is the client's, but not a file that it opened: closing it is no event. */
static __always_inline void note_ours(struct file *file)
{
	uint64_t key = (uint64_t)file;
	uint32_t ours = OURS;

	if (control.kind_live[ES_KIND_CLOSE])
		bpf_map_update_elem(&written, &key, &ours, BPF_ANY);
}

static __noinline uint32_t gate_question_ask(struct gate_question *q, struct es_sensor_client *client,
					     struct task_struct *task)
{
	struct file *opened = file_of_fd(q->fd);
	uint32_t tgid = task->tgid;
	struct path file = {};
	struct call *call;

	if (!opened)
		return ES_ASK_ALLOW;
	note_ours(opened);
	if (control.daemon_gone || tgid == client->tgid || tgid == control.daemon_tgid || !other_in_scope(task))
		return ES_ASK_ALLOW;
	file.mnt = READ(opened, f_path.mnt);
	file.dentry = READ(opened, f_path.dentry);
	call = bpf_task_storage_get(&calls, task, NULL, 0);
	if (!question_type(q, call, &file) || !select_actor(task, q->type, 1ull << q->slot))
		return ES_ASK_ALLOW;
	return question_put(q, client, task, call, &file);
}

static __always_inline uint32_t note_denied(struct task_struct *task)
{
	struct call *call = bpf_task_storage_get(&calls, task, NULL, 0);

	if (call)
		call->flags |= CALL_DENIED;
	return ES_ASK_DENIED;
}

/* What may sleep, before the rest, which must not: the arguments of an exec. */
static __always_inline struct capture *question_capture(struct gate_question *q, struct task_struct *task)
{
	struct call *call = bpf_task_storage_get(&calls, task, NULL, 0);
	struct capture *capture;
	uint32_t slot = q->slot;

	if (!(q->mask & LINUX_FAN_OPEN_EXEC_PERM) || q->script || !call || call->kind != ES_KIND_EXEC ||
	    call->asked >> q->slot & 1)
		return NULL;
	capture = bpf_map_lookup_elem(&captures, &slot);
	if (!capture)
		return NULL;
	capture->path[0] = 0;
	if (bpf_copy_from_user_task_str) {
		bpf_copy_from_user_task_str(capture->path, USER_BYTES, (void *)call->path, task, 0);
		capture_waiting(capture, call, q->tid);
	} else {
		capture->cut = 1;
		capture->args_bytes = capture->env_bytes = 0;
	}
	return capture;
}

/* Only the client itself may ask for its slot; the daemon may note a denial. */
SEC("syscall")
int ask(struct es_ask *ctx)
{
	struct gate_question q = {
		.slot = ctx->slot,
		.tid = ctx->tid,
		.fd = ctx->fd,
		.mask = ctx->mask,
		.auth_id = ctx->auth_id,
		.script = ctx->script,
	};
	uint32_t tgid = bpf_get_current_pid_tgid() >> 32;
	struct es_sensor_client *client;
	struct task_struct *task;
	uint32_t verdict;

	ctx->verdict = ES_ASK_ALLOW;
	if (q.slot >= ES_CLIENTS_MAX)
		return 0;
	client = bpf_map_lookup_elem(&clients, &q.slot);
	if (!client || (client->tgid != tgid && (tgid != control.daemon_tgid || !(q.mask & ES_ASK_NOTE_DENIED))))
		return 0;
	if (!(q.mask & ES_ASK_NOTE_DENIED))
		__sync_fetch_and_add(&client->asked, 1);
	if (!bpf_task_from_pid || !bpf_rcu_read_lock)	/* the daemon makes no gates on such a kernel */
		return 0;
	task = bpf_task_from_pid(q.tid);
	if (!task)
		return 0;
	q.capture = question_capture(&q, task);
	bpf_rcu_read_lock();
	if (q.mask & ES_ASK_NOTE_DENIED)
		verdict = note_denied(task);
	else
		verdict = gate_question_ask(&q, client, task);
	bpf_rcu_read_unlock();
	bpf_task_release(task);
	ctx->verdict = verdict;
	return 0;
}
