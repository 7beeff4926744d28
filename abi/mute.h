/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Muting, as daemon and kernel programs share it.
 *
 * The daemon keeps each client's set of mutes and writes what the programs need of it: the tuples into the map `mutes`,
 * whose keys hold a hash in place of a path, and what follows from all of them into struct es_mute_client and
 * struct es_sensor_control. A change is written in this order: tuples, summary, generation. The programs remember, with
 * each process, what a generation came to.
 *
 * Paths are hashed eight bytes at a time, multilinear over keys that are drawn when the daemon starts: two paths that
 * somebody chose collide with a probability below 2^-66, whoever he is, since he doesn't know the keys. The sum over
 * the first words is the hash of that prefix, so that one pass over a path finds every prefix in use.
 */

#include "record.h"

enum {
	ES_MUTE_PATH_BYTES = 4096,	/* PATH_MAX: with the NUL that ends it */
	ES_MUTE_WORDS = ES_MUTE_PATH_BYTES / 8,
	ES_MUTE_KEYS = 2 * ES_MUTE_WORDS + 2,	/* the second sum takes the keys two further on */
	ES_MUTES_MAX = 262144,		/* tuples of all clients */
};

/* What a tuple is about; the paths in the order of es_mute_path_type_t. */
enum es_mute_kind {
	ES_MUTE_EXE_PREFIX,
	ES_MUTE_EXE_LITERAL,
	ES_MUTE_TARGET_PREFIX,
	ES_MUTE_TARGET_LITERAL,
	ES_MUTE_PATH_KINDS,
	ES_MUTE_PROCESS = ES_MUTE_PATH_KINDS,
	ES_MUTE_KINDS,
};

/* The stages, each inverted on its own; in the order of es_mute_inversion_type_t. */
enum es_mute_stage {
	ES_STAGE_PROCESS,
	ES_STAGE_PATH,
	ES_STAGE_TARGET,
	ES_STAGES,
};

struct es_mute_hash {
	uint64_t sum[2];
};

/* Key of the map `mutes`; its value is a set of types, struct es_mute_types. */
struct es_mute_key {
	struct es_mute_hash hash;	/* of the path; of a process: pid and pidversion as they are */
	uint32_t length;		/* of the path */
	uint16_t slot;
	uint16_t kind;			/* enum es_mute_kind */
};

struct es_mute_types {
	uint64_t word[ES_TYPE_WORDS + 1];	/* the last one is empty: it makes two bits an index that can't be wrong */
};

/* One for each slot, in the programs' memory. */
struct es_mute_client {
	uint64_t generation;		/* never the same twice, in no client */
	uint32_t inverted;		/* bit: enum es_mute_stage */
	uint32_t pad;
	uint32_t longest[ES_MUTE_PATH_KINDS];
	uint8_t lengths[ES_MUTE_PATH_KINDS][ES_MUTE_WORDS];	/* those in use: es_mute_length_bit() */
};

/* Of the length of a path: one bit for each from 1 on, and the last one, which no path has, for 0. */
static inline uint32_t es_mute_length_bit(uint32_t length)
{
	return (length - 1) & (ES_MUTE_PATH_BYTES - 1);
}

/* Takes in the word at `index`; bytes behind a path's end have to be zero. */
#define ES_MUTE_HASH_WORD(hash, keys, index, word) \
	do { \
		const uint64_t low_ = (uint32_t)(word), high_ = (word) >> 32; \
		(hash)->sum[0] += (keys)[2 * (index)] * low_ + (keys)[2 * (index) + 1] * high_; \
		(hash)->sum[1] += (keys)[2 * (index) + 2] * low_ + (keys)[2 * (index) + 3] * high_; \
	} while (0)

#ifndef __bpf__
#include <string.h>

/* Of a whole path; at most ES_MUTE_PATH_BYTES - 1 bytes. */
static inline struct es_mute_hash es_mute_hash_path(const uint64_t keys[ES_MUTE_KEYS], const char *path, size_t length)
{
	struct es_mute_hash hash = {};

	for (size_t index = 0; index * 8 < length; index++) {
		size_t left = length - index * 8;
		uint64_t word = 0;

		memcpy(&word, path + index * 8, left < 8 ? left : 8);
		ES_MUTE_HASH_WORD(&hash, keys, index, word);
	}
	return hash;
}
#endif

/* Which paths an event acts on: where a record has them. */
enum es_target {
	ES_TARGET_NONE,			/* muting by target doesn't concern it */
	ES_TARGET_FILE,			/* file[0] */
	ES_TARGET_PROCESS,		/* the executable of `other` */
	ES_TARGET_MADE,			/* file[0], or in the directory file[0] the name str[0] */
	ES_TARGET_SECOND,		/* file[0], and file[1] or in the directory file[1] the name str[0] */
	ES_TARGET_COPY,			/* file[0] and file[1], or in file[2] the name str[0] */
};

/* Every payload of abi/events.def. */
enum es_target_of {
#define ES_TARGET_OF(payload, target) ES_TARGET_OF_##payload = ES_TARGET_##target,
	ES_TARGET_OF(open, FILE) ES_TARGET_OF(close, FILE) ES_TARGET_OF(unlink, FILE) ES_TARGET_OF(write, FILE)
	ES_TARGET_OF(truncate, FILE) ES_TARGET_OF(chdir, FILE) ES_TARGET_OF(chroot, FILE) ES_TARGET_OF(stat, FILE)
	ES_TARGET_OF(readdir, FILE) ES_TARGET_OF(dup, FILE) ES_TARGET_OF(listextattr, FILE)
	ES_TARGET_OF(readlink, FILE) ES_TARGET_OF(access, FILE) ES_TARGET_OF(utimes, FILE) ES_TARGET_OF(setmode, FILE)
	ES_TARGET_OF(setflags, FILE) ES_TARGET_OF(setowner, FILE) ES_TARGET_OF(setextattr, FILE)
	ES_TARGET_OF(getextattr, FILE) ES_TARGET_OF(deleteextattr, FILE) ES_TARGET_OF(setacl, FILE)
	ES_TARGET_OF(mmap, FILE) ES_TARGET_OF(fcntl, FILE) ES_TARGET_OF(uipc_connect, FILE)
	ES_TARGET_OF(getattrlist, FILE) ES_TARGET_OF(setattrlist, FILE) ES_TARGET_OF(searchfs, FILE)
	ES_TARGET_OF(exec, PROCESS) ES_TARGET_OF(signal, PROCESS) ES_TARGET_OF(proc_suspend_resume, PROCESS)
	ES_TARGET_OF(get_task, PROCESS) ES_TARGET_OF(get_task_read, PROCESS) ES_TARGET_OF(get_task_inspect, PROCESS)
	ES_TARGET_OF(get_task_name, PROCESS) ES_TARGET_OF(trace, PROCESS) ES_TARGET_OF(proc_check, PROCESS)
	ES_TARGET_OF(remote_thread_create, PROCESS) ES_TARGET_OF(create, MADE) ES_TARGET_OF(uipc_bind, MADE)
	ES_TARGET_OF(rename, SECOND) ES_TARGET_OF(exchangedata, SECOND) ES_TARGET_OF(link, SECOND)
	ES_TARGET_OF(clone, SECOND) ES_TARGET_OF(copyfile, COPY) ES_TARGET_OF(authentication, NONE)
	ES_TARGET_OF(authorization_judgement, NONE) ES_TARGET_OF(authorization_petition, NONE)
	ES_TARGET_OF(bootstrap_check_in, NONE) ES_TARGET_OF(bootstrap_look_up, NONE)
	ES_TARGET_OF(btm_launch_item_add, NONE) ES_TARGET_OF(btm_launch_item_remove, NONE)
	ES_TARGET_OF(cs_invalidated, NONE) ES_TARGET_OF(exit, NONE) ES_TARGET_OF(file_provider_materialize, NONE)
	ES_TARGET_OF(file_provider_update, NONE) ES_TARGET_OF(fork, NONE) ES_TARGET_OF(fsgetpath, NONE)
	ES_TARGET_OF(gatekeeper_user_override, NONE) ES_TARGET_OF(iokit_open, NONE) ES_TARGET_OF(kextload, NONE)
	ES_TARGET_OF(kextunload, NONE) ES_TARGET_OF(login_login, NONE) ES_TARGET_OF(login_logout, NONE)
	ES_TARGET_OF(lookup, NONE) ES_TARGET_OF(lw_session_lock, NONE) ES_TARGET_OF(lw_session_login, NONE)
	ES_TARGET_OF(lw_session_logout, NONE) ES_TARGET_OF(lw_session_unlock, NONE) ES_TARGET_OF(mount, NONE)
	ES_TARGET_OF(mprotect, NONE) ES_TARGET_OF(none, NONE) ES_TARGET_OF(od_attribute_set, NONE)
	ES_TARGET_OF(od_attribute_value_add, NONE) ES_TARGET_OF(od_attribute_value_remove, NONE)
	ES_TARGET_OF(od_create_group, NONE) ES_TARGET_OF(od_create_user, NONE) ES_TARGET_OF(od_delete_group, NONE)
	ES_TARGET_OF(od_delete_user, NONE) ES_TARGET_OF(od_disable_user, NONE) ES_TARGET_OF(od_enable_user, NONE)
	ES_TARGET_OF(od_group_add, NONE) ES_TARGET_OF(od_group_remove, NONE) ES_TARGET_OF(od_group_set, NONE)
	ES_TARGET_OF(od_modify_password, NONE) ES_TARGET_OF(openssh_login, NONE) ES_TARGET_OF(openssh_logout, NONE)
	ES_TARGET_OF(profile_add, NONE) ES_TARGET_OF(profile_remove, NONE) ES_TARGET_OF(pty_close, NONE)
	ES_TARGET_OF(pty_grant, NONE) ES_TARGET_OF(remount, NONE) ES_TARGET_OF(screensharing_attach, NONE)
	ES_TARGET_OF(screensharing_detach, NONE) ES_TARGET_OF(setegid, NONE) ES_TARGET_OF(seteuid, NONE)
	ES_TARGET_OF(setgid, NONE) ES_TARGET_OF(setregid, NONE) ES_TARGET_OF(setreuid, NONE)
	ES_TARGET_OF(settime, NONE) ES_TARGET_OF(setuid, NONE) ES_TARGET_OF(su, NONE) ES_TARGET_OF(sudo, NONE)
	ES_TARGET_OF(tcc_modify, NONE) ES_TARGET_OF(unmount, NONE) ES_TARGET_OF(xp_malware_detected, NONE)
	ES_TARGET_OF(xp_malware_remediated, NONE) ES_TARGET_OF(xpc_connect, NONE)
#undef ES_TARGET_OF
};
