/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * (N2, A2) Whom does the default set of mutes hold for? It names programs that a machine can't do without for the time of an
 * answer; but anybody may run those, with a library of his own loaded into them, or under his debugger. So it holds for
 * processes that init has started, from program to program, as root or as a system account:
 *
 *	init, and what the kernel itself starts, is trusted
 *	a child is what its parent is
 *	a program that is executed stays trusted while all its ids are root's. One of the default set may also start one as
 *	a system account, as init does with services: nobody else can, or one account's service would speak for another's
 *	no longer: who is traced, who has become an ordinary user, who was started with variables for the dynamic loader
 *
 * Of processes that were there before the daemon the parent of now is looked at. Once lost, it doesn't come back.
 */

#include "bpf/record/process.bpf.h"
#include "bpf/select/mute.bpf.h"

enum { ENVIRONMENT_MAX = 4096 };	/* strings that are looked at; who has more isn't trusted */

struct ids {
	uint32_t real, effective, saved;
};

static __always_inline struct ids ids_of(struct task_struct *task)
{
	const struct cred *cred = READ_CORE(task, real_cred);

	return (struct ids){ READ_CORE(cred, uid.val), READ_CORE(cred, euid.val), READ_CORE(cred, suid.val) };
}

static __always_inline bool ids_up_to(const struct ids *ids, uint32_t last)
{
	return ids->real <= last && ids->effective <= last && ids->saved <= last;
}

/* Is the program of a process in the default set? By the path that the file has in the initial namespace. */
__noinline int is_default_program(struct process *p)
{
	struct match m = {};

	if (!p || !p->exe_len || p->exe_len >= ES_MUTE_PATH_BYTES || p->exe_flags & ES_FILE_DOUBTFUL)
		return false;
	m.text = (struct mute_text *)p->exe;
	m.bytes = p->exe_len;
	m.key.slot = ES_MUTE_DEFAULT_SLOT;
	m.key.length = p->exe_len;
	m.key.kind = ES_MUTE_EXE_DEFAULT;
	m.key.hash.sum[0] = m.key.hash.sum[1] = unknown(0);
	bpf_loop(ES_MUTE_WORDS, match_whole, &m, 0);
	return bpf_map_lookup_elem(&mutes, &m.key) != NULL;
}

struct environment {
	struct scratch *s;
	uint64_t at;
	uint64_t end;
	uint32_t found;
	uint32_t done;
};

static long environment_step(uint32_t index, struct environment *environment)
{
	struct scratch *s = environment->s;
	long n;

	if (environment->at >= environment->end) {
		environment->done = 1;
		return 1;
	}
	n = bpf_probe_read_user_str(s->user, USER_BYTES, (void *)environment->at);
	if (n <= 0)
		return 1;
	if (s->user[0] == 'L' && s->user[1] == 'D' && s->user[2] == '_') {
		environment->found = 1;
		return 1;
	}
	environment->at += n == USER_BYTES ? n - 1 : n;
	return 0;
}

/* Has the program been started with variables for the dynamic loader, or can't that be known? */
static __always_inline bool has_loader_variables(struct scratch *s, struct task_struct *task)
{
	struct environment environment = { .s = s, .found = unknown(0), .done = unknown(0) };

	environment.at = READ_CORE(task, mm, env_start);
	environment.end = READ_CORE(task, mm, env_end);
	bpf_loop(ENVIRONMENT_MAX, environment_step, &environment, 0);
	return environment.found || !environment.done;
}

/* May this be executed by what is trusted, whose program is one of the default set or not? */
static __always_inline bool may_start(uint32_t trust, struct task_struct *task)
{
	struct ids ids = ids_of(task);

	return ids_up_to(&ids, 0) || (trust & TRUST_DEFAULT && ids_up_to(&ids, control.system_uid_max));
}

/* A process has executed another program, and has its ids. */
static __always_inline void trust_exec(struct scratch *s, struct process *p, struct task_struct *task)
{
	bool by_default = is_default_program(p);
	uint32_t trust = p->trust;

	if (trust & TRUST_INIT && (READ_CORE(task, ptrace) || !may_start(trust, task) ||
				   (by_default && has_loader_variables(s, task))))
		trust = 0;
	p->trust = TRUST_SEEN | (trust & TRUST_INIT) | (by_default ? TRUST_DEFAULT : 0);
}

/* A process that was there before. Its parent may not have been looked at yet: then the next pass will see. */
static __always_inline void trust_found(struct process *p, struct task_struct *task)
{
	struct task_struct *parent = task->real_parent, *leader;
	uint32_t trust = 0;
	struct process *by;

	if (p->trust & (TRUST_INIT | TRUST_SEEN))
		return;
	leader = parent ? parent->group_leader : NULL;
	if (!leader)
		return;
	by = process_find(leader);
	if (leader->tgid == 1)
		trust = TRUST_INIT | TRUST_DEFAULT;
	else if (leader->flags & PF_KTHREAD)
		trust = TRUST_INIT;
	else if (by)
		trust = by->trust;
	if (!(trust & TRUST_INIT) || READ_CORE(task, ptrace) || !may_start(trust, task))
		return;
	p->trust = TRUST_INIT | (is_default_program(p) ? TRUST_DEFAULT : 0);
	filled++;
}
