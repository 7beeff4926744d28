/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * (N2, A2) Which processes does the default set of mutes hold for? It names programs that a machine can't do without
 * for the time of an answer. But any user may run those, with a library loaded into them, or under a debugger. So the
 * set holds for processes that init has started, from program to program, as root or as a system account:
 *
 *	init is trusted, and what the kernel itself starts
 *	a child is trusted if its parent is
 *	a process that executes a program stays trusted if all its ids are root's. If it ran a program of the default set
 *	before, a system account's will do, as for init's services; else one account's service could act as another's
 *	a process loses trust when it is traced, runs as an ordinary user, or executes a program of the set with
 *	variables for the dynamic loader
 *
 * A process that is older than the daemon is judged by its present parent. A process that has lost trust stays without.
 */

#include "bpf/record/process.bpf.h"
#include "bpf/select/mute.bpf.h"

enum { ENVIRONMENT_MAX = 4096 };	/* strings; a process with more isn't trusted */

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

/* Was the program started with variables for the dynamic loader? Also true if that can't be known. */
static __always_inline bool has_loader_variables(struct scratch *s, struct task_struct *task)
{
	struct environment environment = { .s = s, .found = unknown(0), .done = unknown(0) };

	environment.at = READ_CORE(task, mm, env_start);
	environment.end = READ_CORE(task, mm, env_end);
	bpf_loop(ENVIRONMENT_MAX, environment_step, &environment, 0);
	return environment.found || !environment.done;
}

/* Does a trusted process stay trusted with the task's ids? `trust` says whether its program was of the default set. */
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

/* A process that is older than the daemon. If its parent has not been judged yet, a later pass does this one. */
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
