/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * (N2, A2) Which of the subscribed clients have muted the event? Two functions answer, at two moments:
 *
 *	select_actor()	before a record is made: the process and its executable. The answer for all types is kept with
 *			the process, until it executes another program or the client changes its mutes.
 *	select_targets()	when the paths are known, before the record is sent (target.bpf.h).
 *
 * control.mute_actor and control.mute_target have for each type the clients that need this check. For other clients,
 * that is nearly always, it costs one load. abi/mute.h has the structs, and how paths are compared.
 *
 * A client gets too many events rather than too few: if a program can't find out whether one is muted, it is delivered.
 */

#include "bpf/base/kernel.h"
#include "bpf/base/maps.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, ES_MUTES_MAX);
	__type(key, struct es_mute_key);
	__type(value, struct es_mute_types);
} mutes SEC(".maps");

/* Drawn by the daemon before the programs are loaded. */
const volatile uint64_t mute_keys[ES_MUTE_KEYS];

struct es_mute_client mute_clients[ES_CLIENTS_MAX];

/* ---- a path against one client's tuples ---- */

/* A path, in a type that a global function can take. */
struct mute_text {
	char bytes[ES_MUTE_PATH_BYTES + 8];
};

struct match {
	const struct mute_text *text;
	struct es_mute_types *found;
	struct es_mute_client *client;
	uint64_t word;			/* the present word */
	struct es_mute_key key;		/* the hash of the words before it */
	uint32_t kind;			/* ES_MUTE_EXE_PREFIX, ES_MUTE_TARGET_PREFIX */
	uint32_t bits;			/* lengths in use, of prefixes that end in the word */
	uint32_t index;			/* of the word */
	uint32_t bytes;			/* of the path, that matter */
};

static __always_inline struct es_mute_client *mute_client_of(uint32_t slot)
{
	asm volatile("" : "+r"(slot));
	return &mute_clients[slot & (ES_CLIENTS_MAX - 1)];
}

static __always_inline bool mute_types_has(const struct es_mute_types *types, uint32_t type)
{
	uint32_t word = type / 64;

	asm volatile("" : "+r"(word));
	return types->word[word & ES_TYPE_WORDS] >> type % 64 & 1;
}

static __always_inline void mute_look_up(struct es_mute_key *key, struct es_mute_types *found)
{
	struct es_mute_types *types = bpf_map_lookup_elem(&mutes, key);

	if (!types)
		return;
	found->word[0] |= types->word[0];
	found->word[1] |= types->word[1];
	found->word[2] |= types->word[2];
}

static __always_inline uint32_t word_bounded(uint32_t index)
{
	asm volatile("" : "+r"(index));
	return index & (ES_MUTE_WORDS - 1);
}

static __always_inline void match_hash(struct es_mute_hash *hash, uint32_t index, uint64_t word)
{
	index = word_bounded(index);
	ES_MUTE_HASH_WORD(hash, mute_keys, index, word);
}

/* Looks up the shortest remaining prefix that ends in the word. */
static long match_prefix(uint32_t step, struct match *m)
{
	struct es_mute_key key = m->key;
	uint32_t bits = m->bits, lowest = bits & -bits, bit;

	/* The number of the lowest bit, from a de Bruijn sequence. */
	bit = 0x56374210u >> 4 * ((lowest * 0x17 & 0xff) >> 5) & 7;
	m->bits = bits & (bits - 1);
	match_hash(&key.hash, m->index, m->word & ~0ull >> (56 - 8 * (bit & 7)));
	key.length = m->index * 8 + bit + 1;
	key.kind = m->kind;
	mute_look_up(&key, m->found);
	return !m->bits;
}

static long match_word(uint32_t index, struct match *m)
{
	bool last = index == m->bytes / 8;

	index = word_bounded(index);
	m->word = *(const uint64_t *)&m->text->bytes[index * 8];
	m->bits = m->client->lengths[m->kind & (ES_MUTE_PATH_KINDS - 1)][index];
	if (last) {		/* the last word may have no bytes at all */
		m->word &= (1ull << 8 * (m->bytes % 8)) - 1;
		m->bits &= (1u << m->bytes % 8) - 1;
	}
	if (m->bits) {
		m->index = index;
		bpf_loop(8, match_prefix, m, 0);
	}
	match_hash(&m->key.hash, index, m->word);
	return last;
}

/* The hash of the whole path, without looking anything up. */
static long match_whole(uint32_t index, struct match *m)
{
	bool last = index == m->bytes / 8;

	index = word_bounded(index);
	m->word = *(const uint64_t *)&m->text->bytes[index * 8];
	if (last)
		m->word &= (1ull << 8 * (m->bytes % 8)) - 1;
	match_hash(&m->key.hash, index, m->word);
	return last;
}

enum {				/* flags beside the kind */
	MATCH_PREFIXES = 1 << 8,	/* no literals */
	MATCH_DEFAULT = 1 << 9,		/* those of the default set, too */
};

/* Is the length in use? The empty path has the bit of a length that is too long for any path. */
static __always_inline uint32_t length_listed(struct es_mute_client *client, uint32_t kind, uint32_t length)
{
	uint32_t bit = es_mute_length_bit(length);

	return client->lengths[kind & (ES_MUTE_PATH_KINDS - 1)][word_bounded(bit / 8)] >> bit % 8 & 1;
}

/*
 * Adds to `found` the types for which a client mutes the path, by the path itself or a prefix. `kind` is the
 * prefixes' kind, maybe with MATCH_* flags; the literals' kind is the next one. ES_MUTE_PATH_BYTES of a longer path
 * are enough.
 */
__noinline int mute_match(const struct mute_text *text, uint32_t length, uint32_t slot, uint32_t kind,
			  struct es_mute_types *found)
{
	struct match m = { .text = text, .found = found, .kind = kind & (ES_MUTE_PATH_KINDS - 1) };
	uint32_t bytes, literal, how = kind;

	if (!text || !found)
		return 0;
	m.client = mute_client_of(slot);
	m.key.slot = slot;
	m.key.hash.sum[0] = m.key.hash.sum[1] = unknown(0);
	literal = kind & MATCH_PREFIXES ? 0 : length_listed(m.client, m.kind + 1, length);
	kind = m.kind;
	bytes = m.client->longest[kind & (ES_MUTE_PATH_KINDS - 1)];
	if (literal || bytes > length)
		bytes = length;
	if (bytes >= ES_MUTE_PATH_BYTES)
		bytes = ES_MUTE_PATH_BYTES - 1;
	m.bytes = bytes;
	m.bits = unknown(0);
	bpf_loop(ES_MUTE_WORDS, match_word, &m, 0);
	if (literal) {
		m.key.length = length;
		m.key.kind = kind + 1;
		mute_look_up(&m.key, found);
		if (how & MATCH_DEFAULT) {
			m.key.kind = ES_MUTE_EXE_DEFAULT;
			mute_look_up(&m.key, found);
		}
	}
	if (length_listed(m.client, kind, 0)) {
		m.key.hash.sum[0] = m.key.hash.sum[1] = m.key.length = 0;
		m.key.kind = kind;
		mute_look_up(&m.key, found);
	}
	return 0;
}

/* ---- the process ---- */

struct actor {
	struct process *p;
	uint64_t left;			/* slots to check */
	uint64_t rest;			/* slots that haven't muted it; here, since the stack is short */
	uint16_t type;
	uint16_t by_default;		/* the default set holds for the process */
	uint32_t pid;
};

/* As in struct muted. */
static __always_inline uint64_t actor_execution(const struct actor *actor)
{
	return actor->p->pidversion | (uint64_t)actor->by_default << 32;
}

/* Adds the types that the client mutes for this process, by its mutes of processes. */
static __always_inline void actor_process(struct actor *actor, uint32_t slot, uint64_t unlisted,
					  struct es_mute_types *types)
{
	struct es_mute_key key = { .slot = slot, .kind = ES_MUTE_PROCESS };
	struct es_mute_types *listed;
	uint32_t i;

	key.hash.sum[0] = actor->pid;
	key.hash.sum[1] = actor->p->pidversion;
	listed = bpf_map_lookup_elem(&mutes, &key);
	for (i = 0; i < ES_TYPE_WORDS; i++)
		types->word[i] |= listed ? listed->word[i] ^ unlisted : unlisted;
}

/*
 * Adds the types that the client mutes for this process to `types`, which begins empty, since the stack is short. If
 * the executable's path isn't that in the initial namespace, no mute matches it; but a client that has inverted this
 * stage selects by it.
 */
static __always_inline void actor_compute(struct actor *actor, uint32_t slot, struct es_mute_types *types)
{
	uint32_t i, how = ES_MUTE_EXE_PREFIX | (actor->by_default ? MATCH_DEFAULT : 0);
	uint64_t flip = -(uint64_t)(mute_client_of(slot)->inverted >> ES_STAGE_PATH & 1);

	if (flip || !(actor->p->exe_flags & ES_FILE_DOUBTFUL))
		mute_match((struct mute_text *)actor->p->exe, actor->p->exe_len, slot,
			   how | (flip & MATCH_DEFAULT), types);
	for (i = 0; i < ES_TYPE_WORDS; i++)
		types->word[i] ^= flip;
	actor_process(actor, slot, -(uint64_t)(mute_client_of(slot)->inverted >> ES_STAGE_PROCESS & 1), types);
}

/* The task that claims the entry writes it; others skip it. A reader compares the generation before and after. */
static __always_inline void remember_actor(struct actor *actor, struct muted *remembered, uint64_t generation,
				       const struct es_mute_types *types)
{
	uint64_t seen = remembered->generation;

	if (seen == MUTED_BUSY || __sync_val_compare_and_swap(&remembered->generation, seen, MUTED_BUSY) != seen)
		return;
	remembered->types = *types;
	remembered->execution = actor_execution(actor);
	asm volatile("" : : : "memory");
	*(volatile uint64_t *)&remembered->generation = generation;
}

static __always_inline bool actor_muted_anew(struct actor *actor, uint32_t slot, struct muted *remembered, uint64_t generation)
{
	struct es_mute_types types = {};

	actor_compute(actor, slot, &types);
	remember_actor(actor, remembered, generation, &types);
	return mute_types_has(&types, actor->type);
}

static long actor_step(uint32_t step, struct actor *actor)
{
	uint32_t slot = take_slot(&actor->left);
	struct process *p = actor->p;
	struct muted *remembered;
	uint64_t generation;
	bool muted;

	remembered = &p->muted[slot & (MUTED_REMEMBERED - 1)];
	generation = *(volatile uint64_t *)&mute_client_of(slot)->generation;
	if (*(volatile uint64_t *)&remembered->generation == generation && remembered->execution == actor_execution(actor)) {
		muted = mute_types_has(&remembered->types, actor->type);
		asm volatile("" : : : "memory");
		if (*(volatile uint64_t *)&remembered->generation == generation)
			goto out;
	}
	muted = actor_muted_anew(actor, slot, remembered, generation);
out:
	if (muted)
		actor->rest &= ~(1ull << slot);
	return !actor->left;
}

/*
 * Does the default set hold for a process? Not any more once the process is traced, or runs as an ordinary user. A
 * function of its own, to spare its caller's stack.
 */
static __noinline bool default_holds(struct process *p, struct task_struct *task)
{
	struct cred *cred;

	if (~p->trust & (TRUST_INIT | TRUST_DEFAULT))
		return false;
	cred = (void *)READ_SCALAR(task, real_cred);
	if (!task->ptrace && READ_SCALAR(cred, uid.val) <= control.system_uid_max &&
	    READ_SCALAR(cred, euid.val) <= control.system_uid_max)
		return true;
	p->trust = TRUST_SEEN | TRUST_DEFAULT;
	return false;
}

/* Those of `slots` that have not muted what the process of `task` does. */
static __always_inline uint64_t select_actor(struct task_struct *task, uint32_t type, uint64_t slots)
{
	struct actor actor = { .type = type, .rest = slots };
	struct task_struct *leader;

	if (type >= ES_EVENT_TYPES)
		return slots;
	actor.left = slots & control.mute_actor[type];
	if (!actor.left)
		return slots;
	actor.pid = task->tgid;
	leader = task->group_leader;
	if (!leader)
		return slots;
	actor.p = bpf_task_storage_get(&processes, leader, NULL, 0);
	if (!actor.p || !actor.p->pidversion)
		return slots;
	actor.by_default = default_holds(actor.p, task);
	bpf_loop(ES_CLIENTS_MAX, actor_step, &actor, 0);
	return actor.rest;
}
