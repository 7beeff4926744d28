/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * (8) How an LSM hook gets its answer. A hook asks every client that wants to know, then waits for all of them:
 *
 *	question_open(&q, auth, notify, a, b, c)	who is to be asked? False: nobody, go on
 *	question_ask(&q, how, put)		0, -EPERM, or -ERESTARTNOINTR: the call starts over, and comes back here;
 *						`put` fills in the record `s`, which is made when the operation first
 *						comes by, and again to notify of a denial
 *
 * Of types whose answers may be kept (cache.bpf.h): question_open_kept(), which is told what the answer is about and
 * looks for one first. Then question_ask() keeps the one that is given.
 *
 * The answer is in the client's `held` entry, wherever the task slept meanwhile. It sleeps at the client's gate, a FUSE
 * file whose extended attribute it reads: the library replies when the handler has answered. While it sleeps a hook may
 * hold a directory's lock; so at such hooks (WAIT_SLICED) the library replies every few milliseconds anyway, and the
 * hook leaves the kernel and starts the system call over, which gives others their turn. Hooks that may not sleep
 * (WAIT_RESTART) do only that, over and over.
 *
 * Leaving and starting over without the program noticing takes a pending signal: SIGSTOP and at once SIGCONT, which
 * takes the first back, to the thread itself ("kick"). What remains is the flag that makes the kernel restart the call.
 *
 * The question outlives the restart in task storage, with the objects it is about: it is asked once, its answer is used
 * once, and only for the same operation on the same objects.
 *
 * One system call may be asked about several times: an open on overlayfs is two, a SIGSTOP is a signal and a suspension.
 * What starts over for the second comes by the first again. So answers are kept, and count again, until the call that
 * was started over is done with.
 */

#include "ask.bpf.h"
#include "cache.bpf.h"
#include "call.bpf.h"

enum wait_how {
	WAIT_GATE,			/* no lock is held */
	WAIT_WHOLE,			/* it can't be started over: something has been done, or there is no system call */
	WAIT_SLICED,
	WAIT_RESTART,
};

enum {
	ERESTARTNOINTR = 513,
	EINTR = 4,
	PF_IO_WORKER = 0x10,
	LINUX_SIGCONT_ = 18,
	LINUX_SIGSTOP_ = 19,
	LINUX_SIGTSTP_ = 20,
	LINUX_SIGTTIN_ = 21,
	LINUX_SIGTTOU_ = 22,
	LINUX_SIG_IGN = 1,
	GATE_ROUNDS = 1 << 20,
	SETTLED_MAX = 16,		/* far more than one call is asked about */
};

/* What was allowed earlier in the same system call. */
struct settled {
	uint32_t type;
	uint32_t round;			/* in which it was last made use of: it counts once each time the call starts over */
	uint64_t key[3];
};

/* One per thread that asked. `type_and_one` 0: no question is open. */
struct wait {
	uint32_t type_and_one;
	uint32_t denied;
	uint64_t key[3];		/* the objects, as addresses or hashes: equal means the same operation */
	uint64_t slots;			/* asked, and not yet answered */
	uint64_t call;			/* the system call, as a hash of its registers */
	uint32_t watch;			/* control.calls_watched when it began */
	uint32_t round;			/* how often a call was started over */
	uint32_t settled_count;
	uint32_t tid;			/* the thread's, when its question was opened */
	bool starts_over;		/* the call; until its open question is answered */
	struct settled settled[SETTLED_MAX];
	uint64_t auth_id[ES_CLIENTS_MAX];
	struct keep keep;		/* in hooks whose answers may be kept */
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct wait);
} waits SEC(".maps");

/*
 * How many threads have a question open, by a few bits of their number: where there are none, and that is nearly always,
 * nobody needs to look at the thread's storage.
 */
enum { ASKING_MASK = 4095 };

uint32_t threads_asking[ASKING_MASK + 1];

static __always_inline uint32_t *asking_at(uint32_t tid)
{
	asm volatile("" : "+r"(tid));
	return &threads_asking[tid & ASKING_MASK];
}

static __always_inline bool may_be_asking(void)
{
	struct task_struct *task = bpf_get_current_task_btf();

	return ONCE(*asking_at(task->pid));
}

uint64_t auth_generation;

struct question {
	uint64_t slots;			/* to ask */
	uint64_t key[3];
	struct wait *wait;		/* NULL: an answer that was kept denies it */
	uint64_t inode;			/* what a kept answer would be about; 0: none is looked for, or kept */
	uint64_t dentry;		/* the name that it has there, or 0 */
	uint32_t type;
	uint32_t notify;		/* the NOTIFY type of the same operation */
	uint32_t index;			/* of the scratch area in the pool, + 1 */
	uint32_t flags;			/* kept: what has to be allowed, see struct es_cache_slot; and CHANGES_FILE */
	uint32_t number;		/* kept: see cache_kind() */
	uint32_t pad;
};

enum {
	KEPT_RESULT = 1,		/* in question.flags: what there is to allow where the answer is no set of flags */
	CHANGES_FILE = 1 << 8,		/* what is allowed changes the file */
};

/* ---- entries in `held` ---- */

/* Where a wait keeps the id of its entry for a slot. */
static __always_inline uint64_t *auth_id_at(struct wait *wait, uint32_t slot)
{
	asm volatile("" : "+r"(slot));
	return &wait->auth_id[slot & (ES_CLIENTS_MAX - 1)];
}

struct claim {
	void *array;
	uint64_t generation;
	uint64_t auth_id;		/* what was claimed, 0: nothing */
	uint32_t tid;
	uint32_t pad;
};

static long claim_step(uint32_t step, struct claim *claim)
{
	uint32_t index = (claim->tid + step) % ES_HELD_MAX;
	uint64_t id = claim->generation * ES_HELD_MAX + index;
	struct es_held *entry = bpf_map_lookup_elem(claim->array, &index);

	if (!entry)
		return 1;
	if (entry->auth_id || __sync_val_compare_and_swap(&entry->auth_id, 0, id))
		return 0;
	claim->auth_id = id;
	return 1;
}

static __always_inline struct es_held *entry_of(uint32_t slot, uint64_t auth_id)
{
	uint32_t index = auth_id % ES_HELD_MAX;
	struct es_held *entry;
	void *array;

	array = bpf_map_lookup_elem(&held, &slot);
	entry = array ? bpf_map_lookup_elem(array, &index) : NULL;
	return entry && entry->auth_id == auth_id ? entry : NULL;
}

static __always_inline void entry_free(struct es_held *entry)
{
	entry->deadline_ns = 0;
	entry->tid = 0;
	entry->request = 0;
	entry->verdict = ES_VERDICT_NONE;
	entry->auth_id = 0;
}

static long drop_step(uint32_t slot, struct wait **wait_)
{
	struct wait *wait = *wait_;
	struct es_held *entry;

	if (slot >= ES_CLIENTS_MAX || !(wait->slots >> slot))
		return 1;
	if (!(wait->slots >> slot & 1))
		return 0;
	entry = entry_of(slot, *auth_id_at(wait, slot));
	if (entry)
		entry_free(entry);
	return 0;
}

/* The question isn't open any more, answered or not. */
__noinline int wait_drop(struct wait *wait)
{
	if (!wait)
		return 0;
	if (!wait->type_and_one)
		return 0;
	bpf_loop(ES_CLIENTS_MAX, drop_step, &wait, 0);
	__sync_fetch_and_add(asking_at(wait->tid), -1);
	wait->type_and_one = 0;
	wait->slots = 0;
	wait->denied = 0;
	return 0;
}

static long gone_step(uint32_t slot, uint32_t *tgid)
{
	struct es_sensor_client *client = bpf_map_lookup_elem(&clients, &slot);

	if (!client)
		return 1;
	if (client->tgid == *tgid)
		client->gone = 1;
	return 0;
}

static __always_inline void daemon_gone(void)
{
	control.daemon_gone = 1;
	bpf_ringbuf_output(&end, &control.daemon_gone, sizeof(control.daemon_gone), BPF_RB_FORCE_WAKEUP);
}

/*
 * A process ends: if it is a client or the daemon, what starts over for its answer sees so at once. User space may take
 * its time to notice, and on a machine that is busy with starting over it does.
 *
 * Of the daemon that is no small matter: it has yet to close its descriptors, and taking down dozens of programs takes
 * up to seconds. So those who can wake what sleeps at gates are told here.
 */
static __always_inline void wait_process_gone(struct task_struct *task)
{
	uint32_t tgid = READ(task, tgid);

	if (tgid == control.daemon_tgid)
		daemon_gone();
	if (bpf_map_lookup_elem(&client_processes, &tgid))
		bpf_loop(ES_CLIENTS_MAX, gone_step, &tgid, 0);
}

/* ---- asking ---- */

static __always_inline uint32_t gate_pid_of(uint32_t slot)
{
	asm volatile("" : "+r"(slot));
	return control.gate_pid[slot & (ES_CLIENTS_MAX - 1)];
}

/* A client isn't asked about itself; nobody is asked about the daemon and its children, the gates' processes. */
struct exempt {
	uint64_t left;			/* slots to look at */
	uint64_t slots;			/* to ask */
	uint32_t tgid;
	uint32_t pad;
};

static long exempt_step(uint32_t step, struct exempt *exempt)
{
	uint32_t slot = take_slot(&exempt->left);
	struct es_sensor_client *client = bpf_map_lookup_elem(&clients, &slot);

	if (client && client->tgid && !client->gone && client->tgid != exempt->tgid && gate_pid_of(slot))
		exempt->slots |= 1ull << slot;
	return !exempt->left;
}

static __always_inline uint64_t slots_to_ask(uint32_t type)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct exempt exempt = { .left = select_clients(type), .tgid = task->tgid };

	if (!exempt.left || control.daemon_gone || task->flags & PF_KTHREAD || exempt.tgid == control.daemon_tgid ||
	    (uint32_t)PEEK(PEEK(task, real_parent), tgid) == control.daemon_tgid)
		return 0;
	exempt.slots = unknown(0);
	bpf_loop(ES_CLIENTS_MAX, exempt_step, &exempt, 0);
	return exempt.slots;
}

/* Is the question that the task has open this one? */
static __always_inline bool question_asked(const struct question *q)
{
	const struct wait *wait = q->wait;

	return wait->type_and_one == q->type + 1 && wait->key[0] == q->key[0] && wait->key[1] == q->key[1] &&
	       wait->key[2] == q->key[2];
}

/* False: nobody wants to be asked, and nobody was. */
static __always_inline bool question_begin(struct question *q, uint32_t type, uint32_t notify)
{
	if (!control.subscribers[type])
		return false;
	q->type = type;
	q->notify = notify;
	q->slots = slots_to_ask(type);
	return true;
}

/*
 * False: nobody wants to be asked. Who was asked already is waited for, though he has muted it since: his answer counts.
 */
static __always_inline bool question_key(struct question *q, uint64_t a, uint64_t b, uint64_t c)
{
	q->key[0] = a;
	q->key[1] = b;
	q->key[2] = c;
	if (!q->slots && !may_be_asking())
		return false;
	q->wait = bpf_task_storage_get(&waits, bpf_get_current_task_btf(), NULL,
				       q->slots ? BPF_LOCAL_STORAGE_GET_F_CREATE : 0);
	return q->wait && (q->slots || question_asked(q));
}

static __always_inline bool question_open(struct question *q, uint32_t type, uint32_t notify, uint64_t a, uint64_t b,
					  uint64_t c)
{
	return question_begin(q, type, notify) && question_key(q, a, b, c);
}

/* ---- kept answers ---- */

/*
 * What an answer is about: a hook says so by one of these. Where the daemon looks at some mounts only, what is reached by
 * another one isn't decided by answers, nor asked about.
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
	struct dentry *dentry = (void *)NUMBER(path, dentry);

	about_inode(q, NUMBER(dentry, d_inode), (uint64_t)dentry, (void *)NUMBER(path, mnt), flags);
}

/* The dentry of a file in layers is of another inode than what is opened. */
static __always_inline void about_file(struct question *q, struct file *file, uint32_t flags)
{
	about_inode(q, NUMBER(file, f_inode), NUMBER(file, f_path.dentry), (void *)NUMBER(file, f_path.mnt), flags);
}

/* A hook that gets no mount. */
static __always_inline void about_dentry(struct question *q, struct dentry *dentry, uint32_t flags)
{
	about_inode(q, NUMBER(dentry, d_inode), number_of(dentry), NULL, flags);
}

/* The program of another process, whichever way that is reached. */
static __always_inline void about_process(struct question *q, uint64_t task, uint32_t number)
{
	q->inode = executable_of(task);
	q->flags = KEPT_RESULT;
	q->number = number;
}

/* How many of the file's writers are this operation's own: an open for writing is counted before it is asked about. */
static __always_inline int own_writers(uint32_t kind, uint32_t flags)
{
	return kind == EV_AUTH_OPEN && flags & FMODE_WRITE;
}

/*
 * What a kept answer says. A question of this thread that is still open has to be seen through. The count of writers is
 * there for what no hook has told.
 */
__noinline int cached_answer(uint64_t address, uint64_t clients, uint32_t kind, uint32_t flags)
{
	uint64_t executable, file = version_now(address);
	struct inode *inode = (void *)address;
	struct wait *wait;
	enum cached says;

	if (!file)
		return CACHED_NOT;
	executable = version_now(executable_of_current());
	if (!executable)
		return CACHED_NOT;
	says = cache_find(executable, file, clients, kind, flags & ES_VERDICT_FLAGS_MASK);
	if (says == CACHED_NOT || (int)NUMBER(inode, i_writecount.counter) > own_writers(kind, flags))
		return CACHED_NOT;
	wait = may_be_asking() ? bpf_task_storage_get(&waits, bpf_get_current_task_btf(), NULL, 0) : NULL;
	if (wait && wait->type_and_one)
		return CACHED_NOT;
	cache_count(ES_CACHE_HITS);
	return says;
}

/* Nothing is kept of most types at most times: that costs a load. */
static __always_inline int question_cached(struct question *q)
{
	uint32_t generation = control.cache_generation, type = q->type;

	asm volatile("" : "+r"(type));
	if (!generation || !q->slots || !q->inode || ONCE(kept_since[type & TYPE_MASK]) != generation)
		return CACHED_NOT;
	return cached_answer(q->inode, q->slots, cache_kind(q->type, q->number), q->flags);
}

/*
 * Not those who have muted the file that it is about: found out before anything else is, as it is often all. `type` is
 * the question's, a constant: of what is on the stack verifiers before 6.2 forget that it is one.
 */
static __always_inline void question_spare(struct question *q, uint32_t type, struct vfsmount *mnt,
					   struct dentry *dentry, bool sleeps)
{
	struct scratch *s;

	if (!(q->slots & control.mute_target[type]))
		return;
	s = pool_take(&q->index);
	if (!s)
		return;
	rcu_begin(sleeps);
	s->climbed.mnt = mnt;
	s->climbed.dentry = dentry;
	q->slots = select_path(s, q->slots, type);
	rcu_end(sleeps);
	pool_give(q->index);
}

/* False: nobody wants to be asked, or all have answered this before and allowed it. `about_` is one of the about_*(). */
#define question_open_kept(q_, type_, notify_, a_, b_, c_, about_) ({ \
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

/* Before anyone is asked: under which versions the answer can be kept. */
__noinline int keep_begin(struct keep *keep, uint64_t inode, uint64_t dentry, uint64_t clients)
{
	uint32_t hindrance = ES_CACHE_UNFIT;

	if (!keep)
		return 0;
	cache_count(ES_CACHE_MISSES);
	keep->inode = inode;
	keep->generation = ONCE(control.cache_generation);
	keep->mask = ES_VERDICT_FLAGS_MASK;
	keep->wanted = 0;
	keep->clients = clients;
	keep->executable = version_stable(executable_of_current(), 0, 0, &hindrance);
	if (keep->executable)
		keep->file = version_stable(inode, dentry, own_writers(keep->kind, keep->flags), &hindrance);
	keep->hindrance = hindrance;
	return 0;
}

/* What was found by a name, which may lead elsewhere by now: it has to be what the record is about. */
static __always_inline void keep_checked(struct question *q, uint64_t inode)
{
	if (inode != q->inode && q->wait)
		q->wait->keep.generation = 0;
}

static __always_inline void keep_asked(struct wait *wait)
{
	if (wait->slots != wait->keep.clients)
		wait->keep.hindrance = ES_CACHE_NOT_ALL;
}

/* An answer, or that there is none (0). */
static __always_inline void keep_verdict(struct wait *wait, uint32_t verdict)
{
	if (!(verdict & ES_VERDICT_KEEP))
		wait->keep.hindrance = ES_CACHE_NOT_ALL;
	else
		wait->keep.wanted = 1;
	wait->keep.mask &= verdict >> ES_VERDICT_FLAGS_SHIFT;
}

/* The place of the version that the answer is about, NULL: it isn't there any more. */
static __always_inline struct version *keep_version(struct keep *keep)
{
	struct version_set *set = version_set(keep->inode);
	uint32_t way;

	for (way = 0; set && way < VERSION_WAYS; way++) {
		if (version_at(&set->ways[way], keep->inode) == keep->file)
			return &set->ways[way];
	}
	return NULL;
}

/* All have answered. What is allowed to change the file ends what was known of it. */
static __noinline int keep_end(struct keep *keep, bool denied)
{
	struct version *version;

	if (!keep->wanted || !keep->generation || (!denied && keep->flags & CHANGES_FILE))
		return 0;
	if (keep->hindrance) {
		cache_count(keep->hindrance < ES_CACHE_COUNT_MAX ? keep->hindrance : ES_CACHE_UNFIT);
		return 0;
	}
	version = keep_version(keep);
	if (!version || control.cache_generation != keep->generation) {
		cache_count(ES_CACHE_CHANGED);
		return 0;
	}
	ONCE(version->kept) = 1;
	return cache_store(keep);
}

/* The system call that the current task is in: the same when it starts over. */
static __always_inline uint64_t call_hash(void)
{
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
	uint64_t hash = regs->orig_ax;

	hash = hash * 0x9e3779b97f4a7c15 + regs->ip;
	hash = hash * 0x9e3779b97f4a7c15 + regs->sp;
	hash = hash * 0x9e3779b97f4a7c15 + regs->di;
	hash = hash * 0x9e3779b97f4a7c15 + regs->si;
	hash = hash * 0x9e3779b97f4a7c15 + regs->dx;
	hash = hash * 0x9e3779b97f4a7c15 + regs->r10;
	return hash * 0x9e3779b97f4a7c15 + regs->bx;	/* a 32-bit program's first argument */
}

static __always_inline struct settled *settled_at(struct wait *wait, uint32_t index)
{
	asm volatile("" : "+r"(index));
	return &wait->settled[index & (SETTLED_MAX - 1)];
}

struct settled_search {
	struct wait *wait;
	uint64_t key[3];
	uint32_t type;
	uint32_t found;
};

static long settled_step(uint32_t index, struct settled_search *search)
{
	struct settled *settled = settled_at(search->wait, index);

	if (index >= search->wait->settled_count)
		return 1;
	if (settled->type != search->type || settled->round == search->wait->round ||
	    settled->key[0] != search->key[0] || settled->key[1] != search->key[1] || settled->key[2] != search->key[2])
		return 0;
	settled->round = search->wait->round;
	search->found = 1;
	return 1;
}

static __always_inline void call_forget(struct wait *wait)
{
	wait->settled_count = 0;
	wait->starts_over = false;
}

/*
 * The end of each system call, while hooks are in use that have calls start over: what was allowed in it counts no more.
 * The next one may have the same registers, and mean the same name of another file.
 */
SEC("tp_btf/sys_exit")
int BPF_PROG(on_call_over, struct pt_regs *regs, long ret)
{
	struct wait *wait;

	if (ret == -ERESTARTNOINTR)
		return 0;
	wait = bpf_task_storage_get(&waits, bpf_get_current_task_btf(), NULL, 0);
	if (wait)
		call_forget(wait);
	return 0;
}

/* Was it allowed already, before the call was started over? A signal's handler may make calls in between. */
static __noinline bool question_settled(struct question *q)
{
	struct settled_search search = { .wait = q->wait, .type = q->type };
	uint64_t call = call_hash();

	if (q->wait->call != call || q->wait->watch != control.calls_watched) {
		q->wait->call = call;
		q->wait->watch = control.calls_watched;
		call_forget(q->wait);
	}
	if (!q->wait->starts_over)
		return false;
	search.key[0] = q->key[0];
	search.key[1] = q->key[1];
	search.key[2] = q->key[2];
	search.found = unknown(0);
	bpf_loop(SETTLED_MAX, settled_step, &search, 0);
	return search.found;
}

/* The record; NULL: there is no room, and the operation goes on. question_send() belongs to it either way. */
static __always_inline struct scratch *question_record(struct question *q)
{
	struct scratch *s = pool_take(&q->index);

	if (!s)
		return NULL;
	record_reset(s, q->type);
	head_of(s)->flags = ES_RECORD_AUTH;
	return s;
}

/* Its files are in it: who is to be asked after all, and who acts. */
static __always_inline void question_finish(struct question *q, struct scratch *s)
{
	q->slots = event_finish(s, q->slots);
}

struct asking {
	struct scratch *s;
	struct wait *wait;
	uint64_t slots;
	uint32_t flags;
	uint32_t pad;
};

/* Whose question was lost has allowed the operation, unless it wants it otherwise. */
static __always_inline void lost_by_policy(struct wait *wait, struct es_sensor_client *client)
{
	if (client->miss_mode == ES_MISS_DENY)
		wait->denied = 1;
}

static __always_inline void ask_slot(struct asking *asking, uint32_t slot, struct es_sensor_client *client, void *array)
{
	struct es_record *head = head_of(asking->s);
	struct claim claim = { .array = array, .tid = head->thread_id };
	struct es_held *entry;

	claim.generation = __sync_fetch_and_add(&auth_generation, 1) + 1;
	bpf_loop(ES_HELD_MAX, claim_step, &claim, 0);
	if (!claim.auth_id) {
		count_lost(client, head->type);
		lost_by_policy(asking->wait, client);
		return;
	}
	entry = entry_of(slot, claim.auth_id);
	if (!entry)
		return;
	head->auth_id = claim.auth_id;
	head->deadline_ns = deadline_of(client, head);
	entry->verdict = ES_VERDICT_MARK(claim.generation);
	entry->type = head->type;
	put_about(entry, asking->s);
	entry->flags = asking->flags;
	entry->tid = head->thread_id;
	entry->deadline_ns = head->deadline_ns;
	__sync_fetch_and_add(&client->asked, 1);
	if (!record_send(asking->s, 1ull << slot)) {
		entry_free(entry);
		lost_by_policy(asking->wait, client);
		return;
	}
	*auth_id_at(asking->wait, slot) = claim.auth_id;
	asking->wait->slots |= 1ull << slot;
}

static long ask_step(uint32_t slot, struct asking *asking)
{
	struct es_sensor_client *client;
	void *array;

	if (slot >= ES_CLIENTS_MAX || !(asking->slots >> slot))
		return 1;
	if (!(asking->slots >> slot & 1))
		return 0;
	client = bpf_map_lookup_elem(&clients, &slot);
	array = bpf_map_lookup_elem(&held, &slot);
	if (client && array)
		ask_slot(asking, slot, client, array);
	return 0;
}

/* Verified by its own, as what follows: a hook has it in several places. */
__noinline int ask_all(struct wait *wait, struct scratch *s, uint64_t slots, uint32_t how)
{
	struct asking asking = { .s = s, .wait = wait, .slots = slots };

	if (!wait || !s)
		return 0;
	/* Signals don't wake a task that waits in one piece: from time to time it looks whether it was killed. */
	asking.flags = how == WAIT_SLICED ? ES_HELD_SLICED : how == WAIT_WHOLE ? ES_HELD_WHOLE | ES_HELD_SLICED : 0;
	bpf_loop(ES_CLIENTS_MAX, ask_step, &asking, 0);
	keep_asked(wait);
	return 0;
}

static __always_inline void question_send(struct question *q, struct scratch *s, uint32_t how)
{
	if (s && q->slots) {
		q->wait->key[0] = q->key[0];
		q->wait->key[1] = q->key[1];
		q->wait->key[2] = q->key[2];
		q->wait->type_and_one = q->type + 1;
		q->wait->tid = bpf_get_current_pid_tgid();
		__sync_fetch_and_add(asking_at(q->wait->tid), 1);
		ask_all(q->wait, s, q->slots, how);
	}
	if (!s)
		__sync_fetch_and_add(&stats.not_held, 1);
	pool_give(q->index);
}

/* ---- waiting ---- */

/* The number of the system call that the current task is in. */
static __always_inline long current_syscall(void)
{
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());

	return regs->orig_ax;
}

/*
 * There is no system call to start over in io_uring, neither in its workers nor where it does a request at once: a
 * request would end with EINTR.
 */
static __always_inline bool without_syscall(void)
{
	enum { NR_IO_URING_ENTER = 426 };
	struct task_struct *task = bpf_get_current_task_btf();

	return task->flags & (PF_IO_WORKER | PF_KTHREAD) || current_syscall() == NR_IO_URING_ENTER;
}

/*
 * Nor for init, which takes no SIGSTOP, and not if the program would notice the SIGCONT: if it has a handler for it. What
 * the handler does may be asked about, and would call it again, and so on. Where it is only blocked, as threads often
 * have all signals, one stays pending, and is nothing when it is let through.
 */
static __always_inline bool may_restart(void)
{
	struct task_struct *task = bpf_get_current_task_btf();

	if (without_syscall() || task->tgid == 1)
		return false;
	return (uint64_t)READ(task, sighand, action[LINUX_SIGCONT_ - 1].sa.sa_handler) <= LINUX_SIG_IGN;
}

/* An exec maps the new program when there is no way back to the old one. */
static __always_inline bool in_exec(void)
{
	enum { NR_EXECVE = 59, NR_EXECVEAT = 322, NR_EXECVE_32 = 11, NR_EXECVEAT_32 = 358 };
	long nr = current_syscall();

	return nr == NR_EXECVE || nr == NR_EXECVEAT || nr == NR_EXECVE_32 || nr == NR_EXECVEAT_32;
}

static __always_inline bool killed(void)
{
	enum { LINUX_SIGKILL = 9 };
	struct task_struct *task = bpf_get_current_task_btf();

	return READ(task, pending.signal.sig[0]) >> (LINUX_SIGKILL - 1) & 1;
}

static __always_inline void raise_again(uint32_t signal, uint64_t thread, uint64_t process)
{
	if (thread >> (signal - 1) & 1)
		bpf_send_signal_thread(signal);
	if (process >> (signal - 1) & 1)
		bpf_send_signal(signal);
}

/* A SIGCONT takes back stop signals that the program has blocked, too: they come again. */
static __always_inline int kick(struct wait *wait)
{
	struct task_struct *task = bpf_get_current_task_btf();
	const uint64_t stops = 7 << (LINUX_SIGTSTP_ - 1);
	uint64_t thread = READ(task, pending.signal.sig[0]);
	uint64_t process = READ(task, signal, shared_pending.signal.sig[0]);

	wait->starts_over = true;
	wait->round++;
	bpf_send_signal_thread(LINUX_SIGSTOP_);
	bpf_send_signal_thread(LINUX_SIGCONT_);
	if ((thread | process) & stops) {
		raise_again(LINUX_SIGTSTP_, thread, process);
		raise_again(LINUX_SIGTTIN_, thread, process);
		raise_again(LINUX_SIGTTOU_, thread, process);
	}
	return -ERESTARTNOINTR;
}

static __always_inline bool client_gone(struct es_sensor_client *client)
{
	return control.daemon_gone || !client || client->gone;
}

/* The answer that there is, with what is to be kept; a client that is gone allows, and one that is far too late has its policy followed. */
static __always_inline uint32_t verdict_of(struct es_held *entry, uint32_t slot)
{
	struct es_sensor_client *client;
	uint32_t verdict;

	if (!entry)
		return ES_VERDICT_ALLOW;
	verdict = ONCE(entry->verdict);
	if ((verdict & ES_VERDICT_MASK) != ES_VERDICT_NONE)
		return verdict;
	client = bpf_map_lookup_elem(&clients, &slot);
	if (client_gone(client))
		return ES_VERDICT_ALLOW;
	if (bpf_ktime_get_ns() < entry->deadline_ns + ES_LATE_NS)
		return ES_VERDICT_NONE;
	return client->miss_mode == ES_MISS_DENY ? ES_VERDICT_DENY : ES_VERDICT_ALLOW;
}

/* Looks at the answers that there are. Returns the slots that are still open. */
static long verdict_step(uint32_t slot, struct wait **wait_)
{
	struct wait *wait = *wait_;
	struct es_held *entry;
	uint32_t verdict;

	if (slot >= ES_CLIENTS_MAX || !(wait->slots >> slot))
		return 1;
	if (!(wait->slots >> slot & 1))
		return 0;
	entry = entry_of(slot, *auth_id_at(wait, slot));
	verdict = verdict_of(entry, slot);
	if ((verdict & ES_VERDICT_MASK) == ES_VERDICT_NONE)
		return 0;
	if ((verdict & ES_VERDICT_MASK) == ES_VERDICT_DENY)
		wait->denied = 1;
	keep_verdict(wait, verdict);
	if (entry)
		entry_free(entry);
	wait->slots &= ~(1ull << slot);
	return 0;
}

static __always_inline uint64_t wait_look(struct wait *wait)
{
	bpf_loop(ES_CLIENTS_MAX, verdict_step, &wait, 0);
	return wait->slots;
}

static __always_inline void wait_settle(struct wait *wait)
{
	struct settled *settled;

	if (!control.calls_watched)
		return;
	if (wait->settled_count >= SETTLED_MAX)
		wait->settled_count = 0;
	settled = settled_at(wait, wait->settled_count);
	settled->type = wait->type_and_one - 1;
	settled->round = wait->round;
	settled->key[0] = wait->key[0];
	settled->key[1] = wait->key[1];
	settled->key[2] = wait->key[2];
	wait->settled_count++;
}

/* The outcome of a question that all have answered. */
static __always_inline int wait_result(struct wait *wait)
{
	bool denied = wait->denied;

	if (wait->slots)
		keep_verdict(wait, 0);
	if (wait->type_and_one)
		keep_end(&wait->keep, denied);
	if (wait->type_and_one && !denied)
		wait_settle(wait);
	wait->starts_over = false;
	wait_drop(wait);
	return denied ? -EPERM : 0;
}

/* ---- sleeping at a gate ---- */

struct file *bpf_get_task_exe_file(struct task_struct *task) __ksym __weak;
void bpf_put_file(struct file *file) __ksym __weak;
int bpf_get_file_xattr(struct file *file, const char *name__str, struct bpf_dynptr *value) __ksym __weak;

static __always_inline uint32_t lowest(uint64_t set)
{
	uint32_t n = 0;

	if (!(set & 0xffffffff)) {
		n += 32;
		set >>= 32;
	}
	if (!(set & 0xffff)) {
		n += 16;
		set >>= 16;
	}
	if (!(set & 0xff)) {
		n += 8;
		set >>= 8;
	}
	if (!(set & 0xf)) {
		n += 4;
		set >>= 4;
	}
	if (!(set & 0x3)) {
		n += 2;
		set >>= 2;
	}
	return n + !(set & 1);
}

/* What gates reply, all of them: nobody looks at it. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, uint32_t);
	__type(value, uint64_t);
} gate_reply SEC(".maps");

/*
 * Sleeps until the library of the client in `slot` replies. Negative: it won't, or a signal has come (-EINTR). A
 * function of its own, so that nothing else shares the stack slot of the dynptr, which the verifier minds.
 */
static __noinline int gate_sleep(uint32_t slot)
{
	uint32_t zero = 0;
	uint64_t *reply = bpf_map_lookup_elem(&gate_reply, &zero);
	struct task_struct *task;
	struct bpf_dynptr value;
	struct file *gate;
	int r = -EPERM;

	task = reply ? bpf_task_from_pid(gate_pid_of(slot)) : NULL;
	if (!task)
		return r;
	gate = bpf_get_task_exe_file(task);
	if (gate) {
		bpf_dynptr_from_mem(reply, sizeof(*reply), 0, &value);
		r = bpf_get_file_xattr(gate, "user.es", &value);
		bpf_put_file(gate);
	}
	bpf_task_release(task);
	return r;
}

struct sleeping {
	struct wait *wait;
	int result;
	uint32_t how;
};

static __always_inline void wait_give_up(struct wait *wait, uint32_t slot)
{
	struct es_held *entry = entry_of(slot, *auth_id_at(wait, slot));

	if (entry)
		entry_free(entry);
	keep_verdict(wait, 0);
	wait->slots &= ~(1ull << (slot & (ES_CLIENTS_MAX - 1)));
}

static long gate_round(uint32_t round, struct sleeping *sleeping)
{
	struct wait *wait = sleeping->wait;
	uint64_t open = wait_look(wait);
	uint32_t slot;
	int r;

	if (!open)
		return 1;
	slot = lowest(open);
	r = gate_sleep(slot);
	if (sleeping->how == WAIT_WHOLE && killed()) {
		sleeping->result = -EINTR;
		return 1;
	}
	if (r == -EINTR && sleeping->how == WAIT_WHOLE)
		return 0;
	if (r == -EINTR) {
		sleeping->result = -ERESTARTNOINTR;
		return 1;
	}
	if (r < 0) {		/* nobody is there any more: the operation goes on as far as this client is concerned */
		wait_give_up(wait, slot);
		return 0;
	}
	if (sleeping->how == WAIT_SLICED && wait_look(wait) && may_restart()) {
		sleeping->result = kick(wait);
		return 1;
	}
	return 0;
}

static long unheld_step(uint32_t slot, struct wait **wait_)
{
	struct wait *wait = *wait_;
	struct es_sensor_client *client;

	if (slot >= ES_CLIENTS_MAX || !(wait->slots >> slot))
		return 1;
	client = bpf_map_lookup_elem(&clients, &slot);
	if (wait->slots >> slot & 1 && client && !client_gone(client))
		lost_by_policy(wait, client);
	return 0;
}

/*
 * What can't be held is decided by each client's policy, as if it were late: or a program would only have to handle
 * SIGCONT. But a denial would end a program that is being executed, and init needs what it does.
 */
static __always_inline void wait_unheld(struct wait *wait)
{
	__sync_fetch_and_add(&stats.not_held, 1);
	if (!in_exec() && bpf_get_current_pid_tgid() >> 32 != 1)
		bpf_loop(ES_CLIENTS_MAX, unheld_step, &wait, 0);
}

/* Without sleeping. */
__noinline int restart_wait(struct wait *wait, uint32_t how)
{
	if (!wait)
		return 0;
	if (wait_look(wait)) {
		if (how != WAIT_WHOLE && may_restart())
			return kick(wait);
		wait_unheld(wait);
	}
	return wait_result(wait);
}

__noinline int gate_wait(struct wait *wait, uint32_t how)
{
	struct sleeping sleeping = { .wait = wait, .how = how, .result = unknown(0) };

	if (!wait)
		return 0;
	if (!bpf_get_file_xattr || !bpf_get_task_exe_file || !bpf_task_from_pid)
		return restart_wait(wait, how);
	bpf_loop(GATE_ROUNDS, gate_round, &sleeping, 0);
	return sleeping.result ? sleeping.result : wait_result(wait);
}

/* Until all have answered. */
static __always_inline int question_wait(struct question *q, uint32_t how)
{
	if (how == WAIT_RESTART)
		return restart_wait(q->wait, how);
	return gate_wait(q->wait, how);
}

/* ---- telling ---- */

/* What was denied didn't happen, so nothing else tells of it. */
static __always_inline struct scratch *denied_record(struct question *q)
{
	struct scratch *s;

	q->slots = select_clients(q->notify);
	if (!q->slots)
		return NULL;
	s = pool_take(&q->index);
	if (!s)
		return NULL;
	record_reset(s, q->notify);
	head_of(s)->result = AUTH_DENY;
	return s;
}

static __always_inline void denied_send(struct question *q, struct scratch *s)
{
	if (s && q->slots)
		record_send(s, q->slots);
	if (s)
		pool_give(q->index);
}

/* A number that the compiler doesn't take for what it was compared with: the verifier can't tell that they are equal. */
static __always_inline int constant(int value)
{
	asm volatile("" : "+r"(value));
	return value;
}

/* What a hook returns: the verifier wants to see that it is no positive number. */
static __always_inline int hook_result(int result)
{
	switch (result) {
	case 0:
		return constant(0);
	case -EPERM:
		return constant(-EPERM);
	case -EINTR:
		return constant(-EINTR);
	default:
		return constant(-ERESTARTNOINTR);
	}
}

static __always_inline void question_keep(struct question *q)
{
	struct keep *keep = &q->wait->keep;

	keep->kind = cache_kind(q->type, q->number);
	keep->flags = q->flags;
	keep->generation = 0;
	if (q->inode)
		keep_begin(keep, q->inode, q->dentry, q->slots);
}

#define question_ask(q_, wait_, put_) ({ \
	const bool sleeps_ = (wait_) != WAIT_RESTART; \
	uint32_t how_ = sleeps_ && without_syscall() ? WAIT_WHOLE : (wait_); \
	struct wait *asked_ = (q_)->wait; \
	struct scratch *s; \
	int result_ = -EPERM; \
	asm volatile("" : "+r"(asked_));	/* the verifier knows it, but not what the compiler takes for the same */ \
	if (asked_) { \
		if (question_asked(q_)) { \
			/* It has come back. */ \
		} else if (question_settled(q_)) { \
			return 0; \
		} else { \
			wait_drop((q_)->wait); \
			rcu_begin(sleeps_); \
			question_keep(q_); \
			s = question_record(q_); \
			if (s) { \
				put_; \
				question_finish(q_, s); \
			} \
			rcu_end(sleeps_); \
			question_send(q_, s, how_); \
		} \
		result_ = question_wait(q_, how_); \
	} \
	if (result_ == -EPERM) { \
		rcu_begin(sleeps_); \
		s = denied_record(q_); \
		if (s) { \
			put_; \
			question_finish(q_, s); \
		} \
		rcu_end(sleeps_); \
		denied_send(q_, s); \
	} \
	hook_result(result_); \
})
