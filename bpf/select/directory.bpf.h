/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * (N2, A2) A table of directories, with the clients that list a prefix of the directory's path, up to the slash
 * behind it. For nearly every file whose directory is there it spares the climb to the root, and the look-up of each
 * prefix.
 *
 * A directory has one place in its file system until it is renamed. So its path is the same while the kernel's counts
 * of renames (rename_lock) and of changes of mounts (mount_lock) are, and it is the same directory: in the same
 * mount, by number and generation, of a file system that has both (is_local_magic()). An entry with other counts is
 * as good as none. This doesn't hold for a file, which may have several names.
 *
 * A sequence number guards each place in the table: it is odd while a task writes the place, and others then do
 * without. The code has no barriers: x86 keeps the order of loads and stores.
 */

#include "bpf/base/file-systems.bpf.h"
#include "bpf/base/maps.bpf.h"
#include "bpf/record/path.bpf.h"
#include "bpf/select/mute.bpf.h"

enum { KNOWN_DIRECTORIES = 1024 };

enum known_answer {
	KNOWN_NOT,
	KNOWN_LISTED,			/* scratch.listed has the clients that list it */
	KNOWN_DIRECTORY,		/* but the last part of the path has to be checked */
};

struct known_verdict {
	uint64_t generation;		/* of a client's mutes: no two clients share one, so it names the client, too */
	uint32_t type;
	uint32_t listed;
};

struct known {
	uint64_t sequence;
	struct known_key key;
	struct known_verdict verdict[KNOWN_VERDICTS];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, KNOWN_DIRECTORIES);
	__type(key, uint32_t);
	__type(value, struct known);
} known_directories SEC(".maps");

/* Missing if the kernel hides its symbols: then no directory is in the table. */
extern const void rename_lock __ksym __weak;

static __always_inline struct known *known_at(const struct known_key *key)
{
	uint64_t hash = (key->directory * 31 + key->mnt) * 0x9e3779b97f4a7c15ull;
	uint32_t index = hash >> 40 & (KNOWN_DIRECTORIES - 1);

	return bpf_map_lookup_elem(&known_directories, &index);
}

static __always_inline bool known_is(const struct known *known, const struct known_key *key)
{
	return known->key.directory == key->directory && known->key.mnt == key->mnt && known->key.inode == key->inode &&
	       known->key.ino == key->ino && known->key.name == key->name && known->key.counts == key->counts &&
	       known->key.generation == key->generation;
}

static __always_inline uint32_t known_place(uint32_t slot, uint32_t type)
{
	uint32_t place = slot ^ type;

	asm volatile("" : "+r"(place));
	return place & (KNOWN_VERDICTS - 1);
}

/*
 * Stores the key of scratch.climbed's directory in scratch.known; false: it can't be in the table. A global function,
 * like those below.
 */
__noinline int known_key(struct scratch *s)
{
	struct known_key *key;
	struct dentry *dentry;
	uint32_t renames, mounts;

	if (!s || !&rename_lock || !&mount_lock)
		return false;
	key = &s->known;
	dentry = s->climbed.dentry;
	renames = LOCK_COUNT(&rename_lock);
	mounts = LOCK_COUNT(&mount_lock);
	if ((renames | mounts) & 1 || dentry == READ_FAST(s->climbed.mnt, mnt_root))
		return false;
	key->counts = (uint64_t)renames << 32 | mounts;
	key->mnt = (uint64_t)s->climbed.mnt;
	key->directory = (uint64_t)READ_FAST(dentry, d_parent);
	if (key->directory == (uint64_t)dentry)
		return false;
	key->name = READ_FAST((struct dentry *)key->directory, d_name.hash_len);
	key->inode = (uint64_t)READ_FAST((struct dentry *)key->directory, d_inode);
	key->ino = READ_FAST((struct inode *)key->inode, i_ino);
	key->generation = READ_FAST((struct inode *)key->inode, i_generation);
	key->last = READ_FAST(dentry, d_name.len);
	return true;
}

struct known_search {
	struct known *known;
	uint64_t left;			/* slots to check */
	uint64_t listed;
	uint32_t answer;
	uint32_t length;		/* of the path up to and with the last slash */
	uint32_t last;			/* length of the name behind it */
	uint32_t type;
};

/* Are there prefixes that end in the last part, or literals as long as the whole path? Checks 64 lengths at once. */
static __always_inline bool ends_in_last(struct es_mute_client *client, uint32_t length, uint32_t last)
{
	uint32_t byte = length / 8;
	uint64_t bits;

	asm volatile("" : "+r"(byte));
	if (last > 56 || byte > ES_MUTE_WORDS - 16)
		return true;
	bits = *(const uint64_t *)&client->lengths[ES_MUTE_TARGET_PREFIX][byte] >> length % 8;
	return bits & ((1ull << last) - 1) || length_listed(client, ES_MUTE_TARGET_LITERAL, length + last);
}

static long known_step(uint32_t step, struct known_search *search)
{
	uint32_t slot = take_slot(&search->left);
	struct known_verdict *verdict = &search->known->verdict[known_place(slot, search->type)];
	struct es_mute_client *client = mute_client_of(slot);

	if (verdict->generation != READ_ONCE(client->generation) || verdict->type != search->type) {
		search->answer = KNOWN_NOT;
		return 1;
	}
	if (ends_in_last(client, search->length, search->last))
		search->answer = KNOWN_DIRECTORY;
	else if (verdict->listed)
		search->listed |= 1ull << slot;
	return !search->left;
}

/* Which of `slots`, at least one, list the path at scratch.climbed? Call known_key() first. */
__noinline int known_find(struct scratch *s, uint64_t slots, uint32_t type)
{
	struct known_search search = { .left = slots, .type = type };
	uint64_t sequence;

	if (!s)
		return KNOWN_NOT;
	search.known = known_at(&s->known);
	if (!search.known)
		return KNOWN_NOT;
	sequence = READ_ONCE(search.known->sequence);
	if (sequence & 1 || !known_is(search.known, &s->known))
		return KNOWN_NOT;
	search.listed = unknown(0);
	search.answer = unknown(KNOWN_LISTED);
	search.length = search.known->key.length;
	search.last = s->known.last;
	bpf_loop(ES_CLIENTS_MAX, known_step, &search, 0);
	asm volatile("" : : : "memory");
	s->listed = search.listed;
	return READ_ONCE(search.known->sequence) == sequence ? search.answer : KNOWN_NOT;
}

struct known_remember {
	struct scratch *s;
	struct known *known;
	uint64_t left;
	uint64_t listed;
	uint32_t type;
	uint32_t pad;
};

static long generation_step(uint32_t step, struct known_remember *remember)
{
	uint32_t slot = take_slot(&remember->left);

	remember->s->known_generation[known_place(slot, remember->type)] = READ_ONCE(mute_client_of(slot)->generation);
	return !remember->left;
}

/* Stores the generations of the clients' mutes before comparing these. Of two clients with one place, the last wins. */
__noinline int known_begin(struct scratch *s, uint64_t slots, uint32_t type)
{
	struct known_remember remember = { .s = s, .left = slots, .type = type };

	if (!s)
		return 0;
	bpf_loop(ES_CLIENTS_MAX, generation_step, &remember, 0);
	return 0;
}

static long remember_step(uint32_t step, struct known_remember *remember)
{
	uint32_t slot = take_slot(&remember->left), place = known_place(slot, remember->type);
	struct known_verdict *verdict = &remember->known->verdict[place];

	verdict->type = remember->type;
	verdict->listed = remember->listed >> slot & 1;
	verdict->generation = remember->s->known_generation[place];
	return !remember->left;
}

/* Was nothing renamed or mounted since known_key(), and does the file system have numbers and generations? */
static __always_inline bool known_may_remember(struct scratch *s)
{
	uint64_t counts = (uint64_t)LOCK_COUNT(&rename_lock) << 32 | LOCK_COUNT(&mount_lock);

	return counts == s->known.counts && is_local_magic(READ_CORE((struct inode *)s->known.inode, i_sb, s_magic));
}

/* Keeps which of `slots` list the directory. known_key() must have run before `listed` was found. */
__noinline int known_store(struct scratch *s, uint64_t slots, uint64_t listed, uint32_t type)
{
	struct known_remember remember = { .s = s, .left = slots, .listed = listed, .type = type };
	uint64_t sequence;

	if (!s || !known_may_remember(s))
		return 0;
	remember.known = known_at(&s->known);
	if (!remember.known)
		return 0;
	sequence = READ_ONCE(remember.known->sequence);
	if (sequence & 1 || __sync_val_compare_and_swap(&remember.known->sequence, sequence, sequence + 1) != sequence)
		return 0;
	if (!known_is(remember.known, &s->known))
		__builtin_memset(remember.known->verdict, 0, sizeof(remember.known->verdict));
	remember.known->key = s->known;
	bpf_loop(ES_CLIENTS_MAX, remember_step, &remember, 0);
	asm volatile("" : : : "memory");
	WRITE_ONCE(remember.known->sequence, sequence + 2);
	return 0;
}
