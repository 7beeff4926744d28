/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Muting, as daemon and kernel programs share it.
 *
 * The daemon keeps each client's set of mutes. It writes the tuples into the map `mutes`, whose keys hold a hash in
 * place of a path, and a summary of them into struct es_mute_client and struct es_sensor_control. It writes a change
 * in this order: tuples, summary, generation. The programs keep with each process what they found under a generation.
 *
 * The hash takes eight bytes of a path at a time. It is multilinear over keys that the daemon draws when it starts. The
 * keys are secret, so even an attacker who chooses both paths gets a collision with probability below 2^-66. The sum
 * over the first words is the hash of that prefix: one pass over a path finds every prefix in use.
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
	/*
	 * Only in the map: a literal of the default set, which holds for processes that init started (bpf/select/trust.bpf.h).
	 * The whole set is there once more, for ES_MUTE_DEFAULT_SLOT.
	 */
	ES_MUTE_EXE_DEFAULT = ES_MUTE_KINDS,
};

enum { ES_MUTE_DEFAULT_SLOT = ES_CLIENTS_MAX };

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
	uint64_t generation;		/* never used twice, whichever the client */
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

/* The parts of a record that its event acts on: a bit each. */
#define ES_TARGET_FILE_AT(slot) (1 << (slot))
#define ES_TARGET_STRING_AT(slot) (1 << (3 + (slot)))
#define ES_TARGET_OTHER (1 << 6)

enum es_target {
	ES_TARGET_NONE = 0,		/* muting by target doesn't concern it */
	ES_TARGET_PROCESS = ES_TARGET_OTHER,	/* the executable of `other` */
	ES_TARGET_FILE = ES_TARGET_FILE_AT(0),
	ES_TARGET_PAIR = ES_TARGET_FILE_AT(0) | ES_TARGET_FILE_AT(1),
	/* file[0], or in the directory file[0] the name str[0] */
	ES_TARGET_MADE = ES_TARGET_FILE_AT(0) | ES_TARGET_STRING_AT(0),
	/* file[0], and file[1] or in the directory file[1] the name str[0] */
	ES_TARGET_SECOND = ES_TARGET_PAIR | ES_TARGET_STRING_AT(0),
	/* file[0], and file[1] or in the directory file[2] the name str[0] */
	ES_TARGET_COPY = ES_TARGET_SECOND | ES_TARGET_FILE_AT(2),
};

/* ES_TARGET_OF_<payload>: one of these, put together from the payload's rows. */
enum es_target_of {
#define ES_TARGET_PART_file(slot) ES_TARGET_FILE_AT(slot)
#define ES_TARGET_PART_file_or_null(slot) ES_TARGET_FILE_AT(slot)
#define ES_TARGET_PART_string(slot) ES_TARGET_STRING_AT(slot)
#define ES_TARGET_PART_process(slot) ES_TARGET_OTHER
#define ES_TARGET_PART_process_or_null(slot) ES_TARGET_OTHER
#define ES_PAYLOAD(name, ...) ES_TARGET_OF_##name = ES_TARGET_NONE __VA_ARGS__,
#define ES_PAYLOAD_OWN ES_PAYLOAD
#define ES_PAYLOAD_ABSENT ES_PAYLOAD
#define ES_PAYLOAD_AT ES_PAYLOAD
#define ES_PAYLOAD_TEXT ES_PAYLOAD
#define ES_PAYLOAD_NONE ES_PAYLOAD
#define TARGET(kind, member, slot) | ES_TARGET_PART_##kind(slot)
#define TARGETS(kind, member, parts) | (parts)
#define MEMBER(...)
#define UNSET(...)
#define OPAQUE(...)
#define OPTIONAL(...)
#define LIST(...)
#define SPECIAL(...)
#include "abi/events.def"
#undef ES_TARGET_PART_file
#undef ES_TARGET_PART_file_or_null
#undef ES_TARGET_PART_string
#undef ES_TARGET_PART_process
#undef ES_TARGET_PART_process_or_null
};
