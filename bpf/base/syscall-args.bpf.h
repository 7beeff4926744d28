/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * (1) System calls. on_sys_exit looks the number up, and if some client wants what calls of that kind do, goes on in
 * the program for the kind (a tail call: each is verified by its own). A call that failed did nothing and is no event.
 * on_sys_enter does the same for the few kinds whose objects are gone or different afterwards.
 *
 * Paths are read again when the call returns; a program that changes them meanwhile deceives us no more than the kernel
 * itself, which reads them between the two.
 */

#include "bpf/base/kernel.h"
#include "bpf/base/maps.bpf.h"
#include "bpf/record/path.bpf.h"
#include "bpf/record/process.bpf.h"
#include "bpf/record/ring.bpf.h"
#include "bpf/record/walk.bpf.h"
#include "bpf/select/select.bpf.h"
#include "bpf/select/target.bpf.h"

static __always_inline bool is_compat(void)
{
	struct task_struct *task = bpf_get_current_task_btf();

	return task->thread_info.status & TS_COMPAT;
}

static __always_inline uint32_t syscall_index(long nr)
{
	if (nr < 0 || nr >= ES_SYSCALLS)
		return ES_SYSCALLS - 1;	/* one that is in no table */
	return is_compat() ? nr + ES_SYSCALLS : nr;
}

/* The kind of a call, or ES_KIND_NONE if nobody wants to know. */
static __always_inline uint32_t live_kind(long nr)
{
	uint32_t kind = syscalls[syscall_index(nr) & (2 * ES_SYSCALLS - 1)].kind;

	if (kind >= ES_KIND_COUNT || !control.kind_live[kind])
		return ES_KIND_NONE;
	return kind;
}

/* Kept out of the stack, which is short. One a CPU is enough: system calls don't interrupt each other. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, uint32_t);
	__type(value, struct args);
} arguments SEC(".maps");

static __always_inline void args_read(struct args *args, struct pt_regs *regs)
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

static __always_inline struct args *args_of(struct pt_regs *regs)
{
	uint32_t zero = 0;
	struct args *args = bpf_map_lookup_elem(&arguments, &zero);

	if (args)
		args_read(args, regs);
	return args;
}

/* The system call that the current task is in, for programs that are not on its tracepoints. */
static __always_inline void args_of_current(struct args *args)
{
	args_read(args, (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf()));
}

static __always_inline struct es_syscall current_call(void)
{
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
	uint32_t index = syscall_index(regs->orig_ax) & (2 * ES_SYSCALLS - 1);

	return (struct es_syscall){ .kind = syscalls[index].kind, .variant = syscalls[index].variant };
}

/* A record of what the current task did. event_send() belongs to each, also if this returns NULL. */
static __always_inline struct scratch *event_begin(uint32_t type)
{
	return record_begin(type);
}

/* The same of one that is about an open file, and nothing else: not for those who have muted it. */
static __always_inline struct scratch *event_begin_on(uint32_t type, struct file *file, uint64_t *slots)
{
	struct scratch *s = event_begin(type);

	if (!s || !(*slots & control.mute_target[type]))
		return s;
	s->climbed.mnt = PEEK(file, f_path.mnt);
	s->climbed.dentry = PEEK(file, f_path.dentry);
	*slots = select_path(s, *slots, type);
	return s;
}

/* Completes a record whose files are in it: returns who it is still for, and puts in who acted. */
static __always_inline uint64_t event_finish(struct scratch *s, uint64_t slots)
{
	slots = select_targets(s, slots);
	if (slots && !head_of(s)->process)
		head_of(s)->process = put_current(s);
	return head_of(s)->process ? slots : 0;
}

static __always_inline void event_send(struct scratch *s, uint64_t slots)
{
	if (s && slots)
		slots = event_finish(s, slots);
	if (s && slots)
		record_send(s, slots);
	record_end();
}

static __always_inline struct call *call_of_current(bool create)
{
	return bpf_task_storage_get(&calls, bpf_get_current_task_btf(), NULL,
				    create ? BPF_LOCAL_STORAGE_GET_F_CREATE : 0);
}

/* What was taken down when this call was entered, or NULL. */
static __always_inline struct call *call_entered(uint32_t kind)
{
	struct call *call = call_of_current(false);

	return call && call->kind == kind ? call : NULL;
}

/* A path argument as a file: looked up now, or given as it was passed. */
static __noinline uint32_t put_argument(struct scratch *s, int dirfd, uint64_t text, uint32_t flags)
{
	struct path base = {};

	walk_argument(s, &s->place, dirfd, text, flags);
	if (s->place.status == PLACE_FOUND)
		return put_place(s, &s->place);
	if (bpf_probe_read_user_str(s->user, USER_BYTES, (void *)text) <= 0)
		return 0;
	if (!base_of(&base, s->user[0] == '/' ? AT_FDCWD : dirfd))
		return 0;
	return put_lexical(s, &base);
}

/* The same for the *at() calls: an empty path is the descriptor itself. */
static __always_inline uint32_t put_argument_at(struct scratch *s, int dirfd, uint64_t text, uint32_t flags)
{
	char first = 0;

	if (!text || bpf_probe_read_user(&first, 1, (void *)text) || !first)
		return dirfd == AT_FDCWD ? put_argument(s, dirfd, text, flags) : put_file(s, file_of_fd(dirfd));
	return put_argument(s, dirfd, text, flags);
}

/* The object of a call that takes a path, a directory and a path, or a descriptor. `at_flags` is of the *at() forms. */
static __always_inline uint32_t put_target(struct scratch *s, struct args *args, uint32_t at_flags)
{
	uint32_t follow = at_flags & AT_SYMLINK_NOFOLLOW ? 0 : WALK_FOLLOW;

	switch (args->variant) {
	case ES_VARIANT_FD:
		return put_file(s, file_of_fd(args->a[0]));
	case ES_VARIANT_LINK:
		return put_argument(s, AT_FDCWD, args->a[0], 0);
	case ES_VARIANT_AT:
	case ES_VARIANT_AT2:
		return put_argument_at(s, args->a[0], args->a[1], follow);
	default:
		return put_argument(s, AT_FDCWD, args->a[0], follow);
	}
}

/* The directory and name where a path leads; the object need not be there. */
static __always_inline void put_dir_and_name(struct scratch *s, uint32_t *dir, struct es_span *name,
					     struct place *place)
{
	*dir = put_place_dir(s, place);
	put_bytes(s, name, place->name, place->name_len);
}

/* The directory and name of an open file. */
static __always_inline void put_dir_and_name_of(struct scratch *s, uint32_t *dir, struct es_span *name,
						struct file *file)
{
	struct dentry *dentry = READ(file, f_path.dentry);
	struct path path = { .mnt = READ(file, f_path.mnt), .dentry = READ(dentry, d_parent) };

	*dir = put_path(s, &path);
	put_string(s, name, READ(dentry, d_name.name), NAME_BYTES);
}
