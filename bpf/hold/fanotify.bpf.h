/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * (F2) AUTH with the tracepoint sensor. A task waits in fanotify, for a permission event in the client's group. But the
 * event only names the thread and the file. So a thread of the library runs `ask` for each event that it reads. The
 * program finds the waiting task and puts an AUTH record into the client's ring, in order with the other records. It
 * writes the thread and the deadline into the map `held`.
 *
 * Programs at the start of the system call store what the event lacks: the flags of an open (notify/file.bpf.h), that
 * a call is an exec, and where its arguments are. An exec opens several files: a script, its interpreter, the dynamic
 * linker. Each client is asked once, about the program that will run.
 */

#include "bpf/base/scope.bpf.h"
#include "bpf/base/syscall-args.bpf.h"
#include "bpf/record/exec.bpf.h"
#include "bpf/select/event.bpf.h"

struct fanotify_question {
	uint32_t slot;
	uint32_t tid;
	int32_t fd;
	uint32_t mask;
	uint64_t auth_id;
	uint32_t script;
	uint32_t type;
	struct capture *capture;	/* exec: its arguments, read before */
};

/* Which AUTH event the open of a file is, if any. */
static __always_inline bool fanotify_type(struct fanotify_question *q, struct syscall_state *state, struct path *file)
{
	bool exec = state && state->kind == ES_KIND_EXEC;

	if (q->mask & LINUX_FAN_OPEN_EXEC_PERM) {
		if (!exec || state->asked >> q->slot & 1)
			return false;
		if (q->script) {
			if (!state->script.dentry)
				state->script = *file;
			return false;
		}
		state->asked |= 1ull << q->slot;
		state->file = *file;
		q->type = EV_AUTH_EXEC;
	} else {
		if (exec)
			return false;
		if (state)
			state->file = *file;
		q->type = EV_AUTH_OPEN;
	}
	return control.subscribers[q->type] >> q->slot & 1;
}

static __always_inline struct es_held *held_entry(struct fanotify_question *q)
{
	uint32_t index = q->auth_id % ES_HELD_MAX, slot = q->slot;
	void *array = bpf_map_lookup_elem(&held, &slot);

	return array ? bpf_map_lookup_elem(array, &index) : NULL;
}

static __always_inline uint32_t fanotify_put(struct fanotify_question *q, struct es_sensor_client *client,
					     struct task_struct *task, struct syscall_state *state, struct path *file)
{
	struct es_held *entry = held_entry(q);
	uint32_t verdict = ES_ASK_ALLOW;
	struct scratch *s = scratch_take();
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
		/* If the flags aren't known, as with io_uring: ask for all, or a program could evade a denial. */
		head->num[0] = state && state->kind == ES_KIND_OPEN ? state->open_flags : FMODE_READ | FMODE_WRITE;
	} else if (state && q->capture) {
		put_waiting_exec(s, task, state, q->capture);
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
	put_deadline(entry, head, head->time_ns);
	verdict = ES_ASK_ASKED;
	if (!record_send(s, 1ull << q->slot)) {
		count_lost(client, q->type);
		verdict = client->miss_mode == ES_MISS_DENY ? ES_ASK_DENY : ES_ASK_LOST;
	}
out:
	scratch_give(s);
	return verdict;
}

/* The event's descriptor is the client's, but not a file that it opened: closing it is no event. */
static __always_inline void note_ours(struct file *file)
{
	if (control.subscribers[EV_NOTIFY_CLOSE])
		written_note((uint64_t)file, OURS);
}

static __noinline uint32_t fanotify_question_ask(struct fanotify_question *q, struct es_sensor_client *client,
						 struct task_struct *task)
{
	struct file *opened = file_of_fd(q->fd);
	uint32_t tgid = task->tgid;
	struct path file = {};
	struct syscall_state *state;

	if (!opened)
		return ES_ASK_ALLOW;
	note_ours(opened);
	if (control.daemon_gone || tgid == client->tgid || is_daemon(tgid) || !other_in_scope(task))
		return ES_ASK_ALLOW;
	file.mnt = READ_CORE(opened, f_path.mnt);
	file.dentry = READ_CORE(opened, f_path.dentry);
	state = bpf_task_storage_get(&syscall_states, task, NULL, 0);
	if (!fanotify_type(q, state, &file) || !select_actor(task, q->type, 1ull << q->slot))
		return ES_ASK_ALLOW;
	return fanotify_put(q, client, task, state, &file);
}

static __always_inline uint32_t note_denied(struct task_struct *task)
{
	struct syscall_state *state = bpf_task_storage_get(&syscall_states, task, NULL, 0);

	if (state)
		state->flags |= SYSCALL_DENIED;
	return ES_ASK_DENIED;
}

/* Reads the arguments of an exec. This may sleep, so it comes before the rest, which must not. */
static __always_inline struct capture *fanotify_capture(struct fanotify_question *q, struct task_struct *task)
{
	struct syscall_state *state = bpf_task_storage_get(&syscall_states, task, NULL, 0);
	struct capture *capture;
	uint32_t slot = q->slot;

	if (!(q->mask & LINUX_FAN_OPEN_EXEC_PERM) || q->script || !state || state->kind != ES_KIND_EXEC ||
	    state->asked >> q->slot & 1)
		return NULL;
	capture = bpf_map_lookup_elem(&captures, &slot);
	if (!capture)
		return NULL;
	capture->path[0] = 0;
	if (bpf_copy_from_user_task_str) {
		bpf_copy_from_user_task_str(capture->path, USER_BYTES, (void *)state->path, task, 0);
		capture_waiting(capture, state, q->tid);
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
	struct fanotify_question q = {
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
	q.capture = fanotify_capture(&q, task);
	bpf_rcu_read_lock();
	if (q.mask & ES_ASK_NOTE_DENIED)
		verdict = note_denied(task);
	else
		verdict = fanotify_question_ask(&q, client, task);
	bpf_rcu_read_unlock();
	bpf_task_release(task);
	ctx->verdict = verdict;
	return 0;
}
