/* SPDX-License-Identifier: MIT */
#pragma once

/* (A2) question_open_cached() looks for a kept answer. The hook passes the file that the answer is about. */

#include "bpf/cache/answer.bpf.h"
#include "bpf/hold/pending.bpf.h"
#include "bpf/select/target.bpf.h"

/*
 * A hook passes the file that an answer is about by one of these. If mounts limit the daemon's scope, no answer is used
 * or kept for a file that is reached through another mount, or if the hook gets no mount.
 */
static __always_inline void about_inode(struct question *q, uint64_t inode, uint64_t dentry, struct vfsmount *mnt,
					uint32_t flags)
{
	if (control.scope_mounts && (!mnt || !mount_in_scope(mount_of(mnt))))
		return;
	q->inode = inode;
	q->dentry = dentry;
	q->flags = flags;
}

static __always_inline void about_path(struct question *q, const struct path *path, uint32_t flags)
{
	struct dentry *dentry = (void *)READ_SCALAR(path, dentry);

	about_inode(q, READ_SCALAR(dentry, d_inode), (uint64_t)dentry, (void *)READ_SCALAR(path, mnt), flags);
}

/* A file in layers: its dentry is of another inode than the opened file. */
static __always_inline void about_file(struct question *q, struct file *file, uint32_t flags)
{
	about_inode(q, READ_SCALAR(file, f_inode), READ_SCALAR(file, f_path.dentry),
		    (void *)READ_SCALAR(file, f_path.mnt), flags);
}

/* A hook that gets no mount. */
static __always_inline void about_dentry(struct question *q, struct dentry *dentry, uint32_t flags)
{
	about_inode(q, READ_SCALAR(dentry, d_inode), scalar_of(dentry), NULL, flags);
}

/* The executable of another process, however the operation reaches that process. */
static __always_inline void about_process(struct question *q, uint64_t task, uint32_t number)
{
	q->inode = executable_of(task);
	q->flags = ANSWER_RESULT;
	q->number = number;
}

/*
 * What a kept answer says; CACHED_NOT: there is none. A thread with an open question must wait for that one's
 * answers. The check of writers finds changes that no hook has seen.
 */
__noinline int cached_answer_find(uint64_t address, uint64_t clients, uint32_t kind, uint32_t flags)
{
	uint64_t executable, file = version_now(address);
	struct inode *inode = (void *)address;
	struct pending *pending;
	enum cached says;

	if (!file)
		return CACHED_NOT;
	executable = version_now(executable_of_current());
	if (!executable)
		return CACHED_NOT;
	says = cache_find(executable, file, clients, kind, flags & ES_VERDICT_FLAGS_MASK);
	if (says == CACHED_NOT || (int)READ_SCALAR(inode, i_writecount.counter) > own_writers(kind, flags))
		return CACHED_NOT;
	pending = may_be_asking() ? bpf_task_storage_get(&pendings, bpf_get_current_task_btf(), NULL, 0) : NULL;
	if (pending && pending->type_and_one)
		return CACHED_NOT;
	cache_count(ES_CACHE_HITS);
	return says;
}

/* Most types have no kept answers at most times: cached_since shows that with one load. */
static __always_inline int question_cached(struct question *q)
{
	uint32_t generation = control.cache_generation, type = q->type;

	asm volatile("" : "+r"(type));
	if (!generation || !q->slots || !q->inode || READ_ONCE(cached_since[type & TYPE_MASK]) != generation)
		return CACHED_NOT;
	return cached_answer_find(q->inode, q->slots, cache_kind(q->type, q->number), q->flags);
}

/*
 * Drops the clients that have muted the file. This comes first, since it is often all there is to do. `type` is the
 * question's, passed as a constant: verifiers before 6.2 forget that a value on the stack is one.
 */
static __always_inline void question_drop_muted(struct question *q, uint32_t type, struct vfsmount *mnt,
						struct dentry *dentry, bool sleeps)
{
	struct scratch *s;

	if (!(q->slots & control.mute_target[type]))
		return;
	s = scratch_take();
	if (!s)
		return;
	rcu_begin(sleeps);
	s->climbed.mnt = mnt;
	s->climbed.dentry = dentry;
	q->slots = select_path(s, q->slots, type);
	rcu_end(sleeps);
	scratch_give(s);
}

/* False: no client wants to be asked, or kept answers of all allow it. `about_` calls one of the about_*(). */
#define question_open_cached(q_, type_, notify_, a_, b_, c_, about_) ({ \
	int says_ = CACHED_NOT; \
	bool ask_ = question_begin(q_, type_, notify_); \
	if (ask_ && (q_)->slots) { \
		about_; \
		says_ = question_cached(q_); \
	} \
	if (ask_ && says_ != CACHED_DENY) \
		ask_ = says_ == CACHED_NOT && question_key(q_, a_, b_, c_); \
	ask_; \
})

/* A name may lead elsewhere by now: don't keep the answer if the record is about another inode than the question. */
static __always_inline void cached_answer_checked(struct question *q, uint64_t inode)
{
	if (inode != q->inode && q->pending)
		q->pending->cached_answer.generation = 0;
}

static __always_inline void cached_answer_asked(struct pending *pending)
{
	if (pending->slots != pending->cached_answer.clients)
		pending->cached_answer.hindrance = ES_CACHE_NOT_ALL;
}

/* Takes an answer into account; verdict 0: the client gave none. */
static __always_inline void cached_answer_verdict(struct pending *pending, uint32_t verdict)
{
	if (!(verdict & ES_VERDICT_KEEP))
		pending->cached_answer.hindrance = ES_CACHE_NOT_ALL;
	else
		pending->cached_answer.wanted = 1;
	pending->cached_answer.mask &= verdict >> ES_VERDICT_FLAGS_SHIFT;
}
