/* SPDX-License-Identifier: MIT */
#pragma once

/* (N1) Making, removing and changing names: unlink, rename, link, mkdir, mknod, symlink and the like. */

#include "bpf/base/syscall-args.bpf.h"
#include "bpf/record/argument.bpf.h"
#include "bpf/select/event.bpf.h"

/* Before the call, stores the files that it removes, moves or replaces: afterwards they can't be found. */
SEC("tp_btf/sys_enter")
int BPF_PROG(enter_name, struct pt_regs *regs, long id)
{
	struct syscall_args *args;
	struct scratch *s;
	struct syscall_state *state;

	args = args_of(regs);
	if (!args)
		return 0;
	state = syscall_state_of_current(true);
	s = scratch_take();
	if (s && state) {
		bool at = args->variant == ES_VARIANT_AT || args->variant == ES_VARIANT_AT2;

		state->kind = args->kind;
		walk_argument(s, &state->from, at ? args->a[0] : AT_FDCWD, at ? args->a[1] : args->a[0], 0);
		if (args->kind == ES_KIND_RENAME)
			walk_argument(s, &state->to, at ? args->a[2] : AT_FDCWD, at ? args->a[3] : args->a[1], 0);
	}
	scratch_give(s);
	return 0;
}

/* Puts the file that was found on entry; if none was, the one that the path leads to now, or its text. */
static __always_inline uint32_t put_former(struct scratch *s, struct place *place, int dirfd, uint64_t text)
{
	if (place->status == PLACE_FOUND)
		return put_place(s, place);
	return put_argument(s, dirfd, text, 0);
}

static __always_inline void unlink_send(struct syscall_args *args, struct syscall_state *state)
{
	bool at = args->variant == ES_VARIANT_AT;
	int dirfd = at ? args->a[0] : AT_FDCWD;
	uint64_t slots = call_clients(EV_NOTIFY_UNLINK);
	struct scratch *s;

	if (!slots)
		return;
	s = event_begin(EV_NOTIFY_UNLINK, slots);
	if (s) {
		head_of(s)->file[0] = put_former(s, &state->from, dirfd, at ? args->a[1] : args->a[0]);
		head_of(s)->file[1] = put_place_dir(s, state->from.status == PLACE_FOUND ? &state->from : &s->place);
	}
	event_send(s, slots);
}

/*
 * enter_name() found nothing, since it could not read the program's text before the kernel had. The moved file is found
 * where it is now. Whether it replaced another can't be known any more.
 */
static __noinline int rename_catch_up(struct scratch *s, struct syscall_state *state, int dirfd, uint64_t text)
{
	struct es_file_part *part = at(s, head_of(s)->file[0]);

	if (state->to.status == PLACE_FOUND && state->from.dentry)
		return 0;
	walk_argument(s, &s->place, dirfd, text, 0);
	if (!state->from.dentry && head_of(s)->file[0] && s->place.status == PLACE_FOUND && s->place.dentry) {
		part->stat = s->place.stat;
		part->flags &= ~(uint32_t)ES_FILE_NO_STAT;
	}
	if (state->to.status != PLACE_FOUND) {
		state->to = s->place;
		state->to.dentry = NULL;
	}
	return 0;
}

static __always_inline void rename_send(struct syscall_args *args, struct syscall_state *state)
{
	bool at = args->variant == ES_VARIANT_AT || args->variant == ES_VARIANT_AT2;
	bool exchange = args->variant == ES_VARIANT_AT2 && args->a[4] & LINUX_RENAME_EXCHANGE;
	uint32_t type = exchange ? EV_NOTIFY_EXCHANGEDATA : EV_NOTIFY_RENAME;
	uint64_t slots = call_clients(type);
	struct scratch *s;

	if (!slots)
		return;
	s = event_begin(type, slots);
	if (s) {
		struct es_record *head = head_of(s);

		head->file[0] = put_former(s, &state->from, at ? args->a[0] : AT_FDCWD, at ? args->a[1] : args->a[0]);
		if (!exchange)
			rename_catch_up(s, state, at ? args->a[2] : AT_FDCWD, at ? args->a[3] : args->a[1]);
		if (exchange || state->to.dentry) {
			head->file[1] = put_former(s, &state->to, at ? args->a[2] : AT_FDCWD,
						   at ? args->a[3] : args->a[1]);
		} else {
			head->num[0] = NEW_PATH;
			put_dir_and_name(s, &head->file[1], &head->str[0], &state->to);
		}
	}
	event_send(s, slots);
}

SEC("tp_btf/sys_exit")
int BPF_PROG(exit_unlink, struct pt_regs *regs, long ret)
{
	struct syscall_state *state = syscall_entered(ES_KIND_UNLINK);
	struct syscall_args *args;

	if (!state)
		return 0;
	state->kind = ES_KIND_NONE;
	if (ret)
		return 0;
	args = args_of(regs);
	if (!args)
		return 0;
	unlink_send(args, state);
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(exit_rename, struct pt_regs *regs, long ret)
{
	struct syscall_state *state = syscall_entered(ES_KIND_RENAME);
	struct syscall_args *args;

	if (!state)
		return 0;
	state->kind = ES_KIND_NONE;
	if (ret)
		return 0;
	args = args_of(regs);
	if (!args)
		return 0;
	rename_send(args, state);
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(exit_link, struct pt_regs *regs, long ret)
{
	uint64_t slots = call_clients(EV_NOTIFY_LINK);
	struct syscall_args *args;
	struct scratch *s;
	bool at;

	if (ret || !slots)
		return 0;
	args = args_of(regs);
	if (!args)
		return 0;
	at = args->variant == ES_VARIANT_AT;
	s = event_begin(EV_NOTIFY_LINK, slots);
	if (s) {
		struct es_record *head = head_of(s);
		uint32_t follow = at && args->a[4] & AT_SYMLINK_FOLLOW ? WALK_FOLLOW : 0;

		if (at)
			head->file[0] = put_argument_at(s, args->a[0], args->a[1], follow);
		else
			head->file[0] = put_argument(s, AT_FDCWD, args->a[0], 0);
		walk_argument(s, &s->place, at ? args->a[2] : AT_FDCWD, at ? args->a[3] : args->a[1], 0);
		put_dir_and_name(s, &head->file[1], &head->str[0], &s->place);
	}
	event_send(s, slots);
	return 0;
}

/* mkdir, mknod, symlink. A file that open(2) makes is in file.bpf.h. */
SEC("tp_btf/sys_exit")
int BPF_PROG(exit_make, struct pt_regs *regs, long ret)
{
	uint64_t slots = call_clients(EV_NOTIFY_CREATE);
	struct syscall_args *args;
	struct scratch *s;

	if (ret || !slots)
		return 0;
	args = args_of(regs);
	if (!args)
		return 0;
	s = event_begin(EV_NOTIFY_CREATE, slots);
	if (s) {
		struct es_record *head = head_of(s);

		switch (args->variant) {
		case ES_VARIANT_AT:
			head->file[0] = put_argument(s, args->a[0], args->a[1], 0);
			break;
		case ES_VARIANT_OTHER:	/* symlink(text, path) */
			head->file[0] = put_argument(s, AT_FDCWD, args->a[1], 0);
			break;
		case ES_VARIANT_OTHER2:	/* symlinkat(text, dirfd, path) */
			head->file[0] = put_argument(s, args->a[1], args->a[2], 0);
			break;
		default:
			head->file[0] = put_argument(s, AT_FDCWD, args->a[0], 0);
		}
	}
	event_send(s, slots);
	return 0;
}
