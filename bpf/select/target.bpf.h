/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * (N3, A3) When the files are in the record, select_targets() drops the clients that have muted the event's target
 * (mute.bpf.h). If no client is left, the record is not finished, sent or counted.
 *
 * An event that acts on two paths is muted if both are, or, for a client that inverted this, if neither is listed.
 *
 * A path that isn't the file's own in the initial namespace matches no mute. For a client that inverted this stage,
 * also the path by which the actor reached the file selects it, and its path in its layer; a path that could not be
 * resolved always selects.
 */

#include "bpf/base/kernel.h"
#include "bpf/base/maps.bpf.h"
#include "bpf/record/path.bpf.h"
#include "bpf/record/ring.bpf.h"
#include "bpf/select/directory.bpf.h"
#include "bpf/select/mute.bpf.h"

static const uint8_t targets[ES_EVENT_TYPES] = {
#define ES_EVENT(name, number, payload, ...) [number] = (uint8_t)ES_TARGET_OF_##payload,
#include "abi/events.def"
};

struct target {
	const struct mute_text *text;	/* the path to check */
	uint64_t slots;
	uint64_t left;			/* slots to check */
	uint64_t listed;		/* slots that list it */
	uint32_t length;
	uint16_t type;
	uint16_t kind;			/* ES_MUTE_TARGET_PREFIX, and MATCH_PREFIXES or not */
};

/* Longer paths are cut: no listed path is that long, so only their beginnings matter. */
static __always_inline uint32_t target_bounded(uint32_t length)
{
	return length < ES_MUTE_PATH_BYTES ? length : ES_MUTE_PATH_BYTES;
}

/* Copies a path of a file of the record, or of the name `span` in that directory, to scratch.user. */
__noinline int target_copy(struct scratch *s, uint32_t off, struct es_span *which, struct es_span *span)
{
	struct es_file_part *part;
	uint32_t length, path, name, last;

	if (!s || !which || !span)
		return 0;
	part = at(s, off);
	length = which->len;
	path = which->off;
	name = span->off;
	if (part->flags & ES_FILE_DELETED && length >= sizeof(deleted_text) - 1)
		length -= sizeof(deleted_text) - 1;
	length = target_bounded(length);
	asm volatile("" : "+r"(length));
	if (length > ES_MUTE_PATH_BYTES)
		return 0;
	bpf_probe_read_kernel(s->user, length, at(s, path));
	if (!name)
		return length;
	last = length - 1;
	asm volatile("" : "+r"(last), "+r"(length));
	if (length && s->user[last & (ES_MUTE_PATH_BYTES - 1)] != '/') {
		s->user[length & (2 * ES_MUTE_PATH_BYTES - 1)] = '/';
		length++;
	}
	asm volatile("" : "+r"(length));
	bpf_probe_read_kernel(s->user + (length & (2 * ES_MUTE_PATH_BYTES - 1)), NAME_BYTES, at(s, name));
	return target_bounded(length + span->len);
}

static long target_step(uint32_t step, struct target *target)
{
	uint32_t slot = take_slot(&target->left);
	struct es_mute_types found = {};

	mute_match(target->text, target->length, slot, target->kind, &found);
	if (mute_types_has(&found, target->type))
		target->listed |= 1ull << slot;
	return !target->left;
}

/* Which of the clients, at least one, list this path? */
static __always_inline uint64_t target_listed(struct target *target, const void *text, uint32_t length)
{
	target->left = target->slots;
	target->listed = 0;
	target->text = text;
	target->length = length;
	bpf_loop(ES_CLIENTS_MAX, target_step, target, 0);
	return target->listed;
}

/* Which of them have inverted this stage? */
static long inverted_step(uint32_t step, struct target *target)
{
	uint32_t slot = take_slot(&target->left);

	if (mute_client_of(slot)->inverted >> ES_STAGE_TARGET & 1)
		target->listed |= 1ull << slot;
	return !target->left;
}

static __always_inline uint64_t target_inverted(struct target *target)
{
	target->left = target->slots;
	target->listed = 0;
	bpf_loop(ES_CLIENTS_MAX, inverted_step, target, 0);
	return target->listed;
}

static __always_inline void target_find(struct target_paths *paths, struct es_record *head, uint32_t shape)
{
	*paths = (struct target_paths){};
	paths->off[0] = head->file[0];
	switch (shape) {
	case ES_TARGET_PROCESS:
		paths->off[0] = head->other ? head->other + __builtin_offsetof(struct es_process_part, executable) : 0;
		break;
	case ES_TARGET_MADE:
		paths->name[0] = head->str[0];
		break;
	case ES_TARGET_PAIR:
	case ES_TARGET_SECOND:
		paths->off[1] = head->file[1];
		paths->name[1] = head->str[0];
		break;
	case ES_TARGET_COPY:
		paths->off[1] = head->file[1] ? head->file[1] : head->file[2];
		if (!head->file[1])
			paths->name[1] = head->str[0];
		break;
	}
}

static __always_inline uint64_t target_listed_at(struct target *target, struct scratch *s, uint32_t off,
						 struct es_span *which, struct es_span *name)
{
	uint32_t length = target_copy(s, off, which, name);

	return target_listed(target, s->user, length);
}

/* A path of a file: in the initial namespace, the actor's own, in its layer. */
static __always_inline struct es_span *target_span(struct es_file_part *part, uint32_t which)
{
	return which == 0 ? &part->path : which == 1 ? &part->own : &part->real;
}

/* Removes from listed_all the clients that don't list this path, and adds to listed_any those that may. */
static __always_inline void target_look(struct target *target, struct scratch *s, uint32_t off, uint32_t which,
					struct es_span *name)
{
	struct es_file_part *part = at(s, off);
	struct es_span *span = target_span(part, which);
	uint32_t flags = part->flags;
	uint64_t listed;

	if (which && !span->off)
		return;
	listed = target_listed_at(target, s, off, span, name);
	s->listed_any |= flags & ES_FILE_LEXICAL ? target->slots : listed;
	if (!which)
		s->listed_all &= flags & ES_FILE_DOUBTFUL ? 0 : listed;
}

/* Which of `slots`, at least one, have muted the record's target? */
static __always_inline uint64_t target_muted(struct scratch *s, uint64_t slots)
{
	struct target target = { .slots = slots, .kind = ES_MUTE_TARGET_PREFIX };
	struct target_paths *paths = &s->target_paths;
	uint64_t inverted;
	uint32_t shape, i;

	target.type = head_of(s)->type;
	if (target.type >= ES_EVENT_TYPES)
		return 0;
	shape = targets[target.type];
	if (shape == ES_TARGET_NONE)
		return 0;
	target_find(paths, head_of(s), shape);
	if (!paths->off[0])
		return 0;
	s->listed_all = ~0ull;
	s->listed_any = 0;
	for (i = 0; i < (control.inverted_targets ? 6 : 2); i++) {
		if (paths->off[i & 1])
			target_look(&target, s, paths->off[i & 1], i >> 1, &paths->name[i & 1]);
	}
	inverted = target_inverted(&target);
	return (s->listed_all & ~inverted) | (target.slots & ~s->listed_any & inverted);
}

/*
 * The record has its files: returns those of `slots` that have not muted its target, or none if it isn't in the
 * daemon's scope. A global function, like select_subscribers().
 */
__noinline uint64_t select_targets(struct scratch *s, uint64_t slots)
{
	uint64_t concerned;
	uint32_t type;

	if (!s || !record_in_scope(s))
		return 0;
	type = head_of(s)->type;
	if (type >= ES_EVENT_TYPES)
		return 0;
	concerned = slots & control.mute_target[type];
	return concerned ? slots & ~target_muted(s, concerned) : slots;
}

/* Stores for the next time which clients list the directory of scratch.climbed. Its path is the beginning of `text`. */
static __always_inline void remember_target(struct target *target, struct scratch *s, const void *text, uint32_t length)
{
	uint32_t last = s->known.last;

	if (last >= length)
		return;
	s->known.length = length - last;
	known_begin(s, target->slots, target->type);
	target->kind = ES_MUTE_TARGET_PREFIX | MATCH_PREFIXES;
	target_listed(target, text, s->known.length);
	known_store(s, target->slots, target->listed, target->type);
}

/* Makes the path of scratch.climbed, and sets scratch.listed to the clients that list it. False: it takes more. */
static __always_inline bool target_climb(struct target *target, struct scratch *s, bool remember)
{
	uint32_t pos, length;
	void *text;

	if (is_internal(&s->climbed))
		return false;
	if (!put_path_here(s, NULL, &s->climbed, 0))
		return false;
	pos = s->climb.pos;
	length = TEXT_BYTES - 1 - pos;
	if (length > ES_MUTE_PATH_BYTES)
		return false;
	text = &s->text[text_bounded(pos)];
	if (remember)
		remember_target(target, s, text, length);
	target->kind = ES_MUTE_TARGET_PREFIX;
	s->listed = target_listed(target, text, length);
	return true;
}

/*
 * Those of `slots` that have not muted the file at scratch.climbed, the only one of an event of `type`. This runs
 * before there is a record: if no client is left, none is made. A path that takes more than climbing up is left to
 * select_targets(), which comes later and knows all. A global function.
 */
__noinline uint64_t select_path(struct scratch *s, uint64_t slots, uint32_t type)
{
	struct target target = { .type = type };
	uint32_t known = KNOWN_DIRECTORY;
	uint64_t inverted;

	if (!s || type >= ES_EVENT_TYPES)
		return slots;
	target.slots = slots & control.mute_target[type];
	if (!target.slots || is_unhashed(s->climbed.dentry) || (control.inverted_targets && is_layered(&s->climbed)))
		return slots;
	if (known_key(s))
		known = known_find(s, target.slots, type);
	if (known != KNOWN_LISTED && !target_climb(&target, s, known == KNOWN_NOT))
		return slots;
	inverted = target_inverted(&target);
	return slots & ~((s->listed & ~inverted) | (target.slots & ~s->listed & inverted));
}
