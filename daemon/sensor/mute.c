/* SPDX-License-Identifier: MIT */
#include "daemon/sensor/mute.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/sensor/event.h"
#include "daemon/sensor/sensor.h"
#include "util/archive.h"
#include "util/macro.h"

enum { ACTOR, TARGET };			/* of esd_mutes.users */

static const uint8_t targets[ES_EVENT_TYPES] = {
#define ES_EVENT(name, number, payload, ...) [number] = (uint8_t)ES_TARGET_OF_##payload,
#include "abi/events.def"
};

static bool is_target(uint32_t kind)
{
	return kind == ES_MUTE_TARGET_PREFIX || kind == ES_MUTE_TARGET_LITERAL;
}

static bool is_empty(const uint64_t types[ES_TYPE_WORDS])
{
	return !(types[0] | types[1] | types[2]);
}

static int compare(const void *a_, const void *b_)
{
	const struct esd_mute *a = a_, *b = b_;

	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->kind == ES_MUTE_PROCESS) {
		if (a->token.pid != b->token.pid)
			return a->token.pid < b->token.pid ? -1 : 1;
		return (a->token.pidversion > b->token.pidversion) - (a->token.pidversion < b->token.pidversion);
	}
	if (a->length != b->length)
		return a->length < b->length ? -1 : 1;
	return memcmp(a->path, b->path, a->length);
}

/* ---- what follows from the entries ---- */

static void count_types(struct esd_mutes *mutes, const struct esd_mute *mute, int by)
{
	uint32_t *users = mutes->users[is_target(mute->kind) ? TARGET : ACTOR];
	unsigned int type;

	for (type = esd_types_next(mute->types, 0); type < ES_EVENT_TYPES; type = esd_types_next(mute->types, type + 1))
		users[type] += by;
}

static void summarize_types(const struct esd_mutes *mutes, struct esd_mute_summary *summary)
{
	const uint32_t actor = 1u << ES_STAGE_PROCESS | 1u << ES_STAGE_PATH, inverted = summary->client.inverted;

	memset(summary->actor, 0, sizeof(summary->actor));
	memset(summary->target, 0, sizeof(summary->target));
	for (unsigned int type = 0; type < ES_EVENT_TYPES; type++) {
		if (mutes->users[ACTOR][type] || inverted & actor)
			esd_types_add(summary->actor, type);
		if (mutes->users[TARGET][type] || (inverted >> ES_STAGE_TARGET & 1 && targets[type] != ES_TARGET_NONE))
			esd_types_add(summary->target, type);
	}
}

static void summarize(struct esd_mutes *mutes)
{
	summarize_types(mutes, &mutes->summary);
	mutes->sensor->ops->mute_summary(mutes->sensor, mutes->slot, &mutes->summary);
}

static void count_length(struct esd_mutes *mutes, const struct esd_mute *mute, int by)
{
	struct es_mute_client *client = &mutes->summary.client;
	uint32_t bit = es_mute_length_bit(mute->length), *users, *longest;

	if (mute->kind == ES_MUTE_PROCESS)
		return;
	users = mutes->lengths[mute->kind];
	longest = &client->longest[mute->kind];
	users[mute->length] += by;
	if (users[mute->length])
		client->lengths[mute->kind][bit / 8] |= 1 << bit % 8;
	else
		client->lengths[mute->kind][bit / 8] &= ~(1 << bit % 8);
	if (by > 0 && mute->length > *longest)
		*longest = mute->length;
	while (*longest && !users[*longest])
		--*longest;
}

/* ---- entries ---- */

static int tell(struct esd_mutes *mutes, const struct esd_mute *mute, const uint64_t types[ES_TYPE_WORDS],
		const uint64_t defaults[ES_TYPE_WORDS])
{
	return mutes->sensor->ops->mute(mutes->sensor, mutes->slot, mute, types, defaults);
}

static struct esd_mute *find(const struct esd_mutes *mutes, const struct esd_mute *like)
{
	struct esd_mute *const *found = tfind(like, &mutes->tree, compare);

	return found ? *found : NULL;
}

static void drop(struct esd_mutes *mutes, struct esd_mute *mute)
{
	static const uint64_t none[ES_TYPE_WORDS];

	(void)tell(mutes, mute, none, none);
	count_types(mutes, mute, -1);
	count_length(mutes, mute, -1);
	TAILQ_REMOVE(&mutes->list, mute, link);
	tdelete(mute, &mutes->tree, compare);
	mutes->count--;
	mutes->processes -= mute->kind == ES_MUTE_PROCESS;
	free(mute);
}

/* Puts in a copy of `like`, whose types are not empty. */
static int insert(struct esd_mutes *mutes, const struct esd_mute *like)
{
	size_t length = like->kind == ES_MUTE_PROCESS ? 0 : like->length;
	_cleanup_free_ struct esd_mute *mute = malloc(sizeof(*mute) + length);
	int r;

	if (!mute)
		return -ENOMEM;
	*mute = *like;
	if (like->kind != ES_MUTE_PROCESS)
		mute->path = memcpy(mute + 1, like->path, length);
	r = tell(mutes, mute, mute->types, mute->defaults);
	if (r)
		return r;
	if (!tsearch(mute, &mutes->tree, compare)) {
		(void)tell(mutes, mute, (uint64_t[ES_TYPE_WORDS]){}, (uint64_t[ES_TYPE_WORDS]){});
		return -ENOMEM;
	}
	mute->id = ++mutes->last_id;
	TAILQ_INSERT_TAIL(&mutes->list, mute, link);
	mutes->count++;
	mutes->processes += mute->kind == ES_MUTE_PROCESS;
	count_types(mutes, mute, 1);
	count_length(mutes, mute, 1);
	TAKE_POINTER(mute);
	return 0;
}

/* `own`: the types that the client has muted or unmuted itself. They are no defaults any more. */
static int change(struct esd_mutes *mutes, struct esd_mute *mute, const uint64_t types[ES_TYPE_WORDS],
		  const uint64_t own[ES_TYPE_WORDS])
{
	uint64_t defaults[ES_TYPE_WORDS];
	int r;

	if (is_empty(types)) {
		drop(mutes, mute);
		return 0;
	}
	for (unsigned int i = 0; i < ES_TYPE_WORDS; i++)
		defaults[i] = mute->defaults[i] & types[i] & ~own[i];
	r = tell(mutes, mute, types, defaults);
	if (r)
		return r;
	count_types(mutes, mute, -1);
	memcpy(mute->types, types, sizeof(mute->types));
	memcpy(mute->defaults, defaults, sizeof(mute->defaults));
	count_types(mutes, mute, 1);
	return 0;
}

static bool runs(const struct esd_mutes *mutes, const struct es_token *token)
{
	return mutes->sensor->ops->process_runs(mutes->sensor, token->pid, token->pidversion);
}

/* Throws out executions that have ended. */
static void sweep(struct esd_mutes *mutes)
{
	struct esd_mute *mute, *next;

	for (mute = TAILQ_FIRST(&mutes->list); mute && mutes->processes; mute = next) {
		next = TAILQ_NEXT(mute, link);
		if (mute->kind == ES_MUTE_PROCESS && !runs(mutes, &mute->token))
			drop(mutes, mute);
	}
	mutes->sweep_at = 2 * mutes->processes > ESD_MUTES_SWEEP ? 2 * mutes->processes : ESD_MUTES_SWEEP;
}

/* ---- what clients ask for ---- */

/* EINVAL: this isn't a valid entry. */
static int parse(struct esd_mute *ret, uint32_t kind, const void *data, size_t size,
		 const uint64_t types[ES_TYPE_WORDS])
{
	uint64_t allowed[ES_TYPE_WORDS] = {};

	*ret = (struct esd_mute){ .kind = kind };
	if (kind == ES_MUTE_PROCESS) {
		if (size != sizeof(ret->token))
			return EINVAL;
		memcpy(&ret->token, data, sizeof(ret->token));
	} else {
		if (kind >= ES_MUTE_PATH_KINDS || size >= ES_MUTE_PATH_BYTES || memchr(data, 0, size))
			return EINVAL;
		ret->path = data;
		ret->length = size;
	}
	for (unsigned int type = 0; type < ES_EVENT_TYPES; type++)
		if (!is_target(kind) || targets[type] != ES_TARGET_NONE)
			esd_types_add(allowed, type);
	for (unsigned int i = 0; i < ES_TYPE_WORDS; i++)
		ret->types[i] = types[i] & allowed[i];
	return 0;
}

int esd_mutes_silent(const struct esd_mutes *mutes, const uint64_t types[ES_TYPE_WORDS])
{
	bool listed = false;
	int silent = -1;

	if (!(mutes->summary.client.inverted >> ES_STAGE_TARGET & 1))
		return -1;
	for (unsigned int type = esd_types_next(types, 0); type < ES_EVENT_TYPES; type = esd_types_next(types, type + 1)) {
		if (targets[type] == ES_TARGET_NONE)
			continue;
		if (mutes->users[TARGET][type])
			listed = true;
		else if (silent < 0)
			silent = (int)type;
	}
	return listed ? silent : -1;
}

/*
 * An execution may end at any moment, so check it after adding its entry. If it has ended by then, the caller's token
 * is too old (ESRCH). If it ends later, sweep() removes the entry.
 */
static int add(struct esd_mutes *mutes, const struct esd_mute *like)
{
	uint64_t all[ES_TYPE_WORDS];
	struct esd_mute *old;
	int r;

	if (like->kind == ES_MUTE_PROCESS && mutes->processes >= mutes->sweep_at)
		sweep(mutes);
	old = find(mutes, like);
	if (is_empty(like->types)) {
		r = 0;
	} else if (old) {
		for (unsigned int i = 0; i < ES_TYPE_WORDS; i++)
			all[i] = old->types[i] | like->types[i];
		r = change(mutes, old, all, like->types);
	} else {
		r = mutes->count < ESD_MUTES_MAX ? insert(mutes, like) : EDQUOT;
	}
	if (r == 0 && like->kind == ES_MUTE_PROCESS && !runs(mutes, &like->token)) {
		old = find(mutes, like);
		if (old)
			drop(mutes, old);
		r = ESRCH;
	}
	return r;
}

int esd_mutes_add(struct esd_mutes *mutes, uint32_t kind, const void *data, size_t size,
		  const uint64_t types[ES_TYPE_WORDS])
{
	struct esd_mute like;
	int r;

	r = parse(&like, kind, data, size, types);
	if (r)
		return r;
	r = add(mutes, &like);
	summarize(mutes);
	return r;
}

int esd_mutes_remove(struct esd_mutes *mutes, uint32_t kind, const void *data, size_t size,
		     const uint64_t types[ES_TYPE_WORDS])
{
	uint64_t rest[ES_TYPE_WORDS];
	struct esd_mute like, *mute;
	int r;

	r = parse(&like, kind, data, size, types);
	if (r)
		return r;
	mute = find(mutes, &like);
	if (!mute)
		return 0;
	for (unsigned int i = 0; i < ES_TYPE_WORDS; i++)
		rest[i] = mute->types[i] & ~like.types[i];
	r = change(mutes, mute, rest, like.types);
	summarize(mutes);
	return r;
}

static enum es_mute_stage stage_of(uint32_t kind)
{
	if (kind == ES_MUTE_PROCESS)
		return ES_STAGE_PROCESS;
	return is_target(kind) ? ES_STAGE_TARGET : ES_STAGE_PATH;
}

static void drop_stage(struct esd_mutes *mutes, uint32_t stage)
{
	struct esd_mute *mute, *next;

	for (mute = TAILQ_FIRST(&mutes->list); mute; mute = next) {
		next = TAILQ_NEXT(mute, link);
		if (stage_of(mute->kind) == stage)
			drop(mutes, mute);
	}
}

int esd_mutes_remove_all(struct esd_mutes *mutes, uint32_t stage)
{
	if (stage != ES_STAGE_PATH && stage != ES_STAGE_TARGET)
		return EINVAL;
	drop_stage(mutes, stage);
	summarize(mutes);
	return 0;
}

int esd_mutes_invert(struct esd_mutes *mutes, uint32_t stage)
{
	if (stage >= ES_STAGES)
		return EINVAL;
	mutes->summary.client.inverted ^= 1u << stage;
	summarize(mutes);
	return 0;
}

const struct esd_mute *esd_mutes_after(struct esd_mutes *mutes, uint64_t cursor)
{
	struct esd_mute *mute;

	if (!cursor)
		sweep(mutes);
	TAILQ_FOREACH(mute, &mutes->list, link)
		if (mute->id > cursor)
			return mute;
	return NULL;
}

/* ---- life ---- */

int esd_mutes_init(struct esd_mutes *mutes, struct esd_sensor *sensor, unsigned int slot)
{
	uint64_t types[ES_TYPE_WORDS];
	int r = 0;

	*mutes = (struct esd_mutes){ .sensor = sensor, .slot = slot, .sweep_at = ESD_MUTES_SWEEP };
	TAILQ_INIT(&mutes->list);
	esd_mute_default_types(types);
	for (unsigned int i = 0; r == 0 && esd_mute_defaults[i]; i++) {
		struct esd_mute like;

		r = parse(&like, ES_MUTE_EXE_LITERAL, esd_mute_defaults[i], strlen(esd_mute_defaults[i]), types);
		memcpy(like.defaults, like.types, sizeof(like.defaults));
		if (r == 0)
			r = add(mutes, &like);
	}
	summarize(mutes);
	if (r)
		esd_mutes_deinit(mutes);
	return r;
}

void esd_mutes_deinit(struct esd_mutes *mutes)
{
	if (!mutes->sensor)
		return;
	for (uint32_t stage = 0; stage < ES_STAGES; stage++)
		drop_stage(mutes, stage);
	mutes->summary = (struct esd_mute_summary){};
	mutes->sensor->ops->mute_summary(mutes->sensor, mutes->slot, &mutes->summary);
	mutes->sensor = NULL;
}

/* ---- another daemon that goes on ---- */

static void entry_keep(struct esd_mute *mute, struct archive *archive)
{
	ARCHIVE(archive, mute->kind);
	ARCHIVE(archive, mute->types);
	ARCHIVE(archive, mute->defaults);
	ARCHIVE(archive, mute->token);
	ARCHIVE(archive, mute->length);
}

void esd_mutes_keep(struct esd_mutes *mutes, struct archive *archive)
{
	struct esd_mute *mute;

	ARCHIVE(archive, mutes->summary.client.inverted);
	ARCHIVE(archive, mutes->count);
	TAILQ_FOREACH(mute, &mutes->list, link) {
		entry_keep(mute, archive);
		if (mute->kind != ES_MUTE_PROCESS)
			archive_bytes(archive, (void *)mute->path, mute->length);
	}
}

/* What the kernel programs have is written over with the same. */
int esd_mutes_go_on(struct esd_mutes *mutes, struct esd_sensor *sensor, unsigned int slot, struct archive *archive)
{
	char path[ES_MUTE_PATH_BYTES];
	size_t count;
	int r = 0;

	*mutes = (struct esd_mutes){ .sensor = sensor, .slot = slot, .sweep_at = ESD_MUTES_SWEEP };
	TAILQ_INIT(&mutes->list);
	ARCHIVE(archive, mutes->summary.client.inverted);
	ARCHIVE(archive, count);
	for (; r == 0 && count && !archive->bad; count--) {
		struct esd_mute like = { .path = path };

		entry_keep(&like, archive);
		if (like.length >= sizeof(path))
			archive->bad = true;
		else if (like.kind != ES_MUTE_PROCESS)
			archive_bytes(archive, path, like.length);
		if (!archive->bad)
			r = insert(mutes, &like);
	}
	if (r == 0 && archive->bad)
		r = -EBADMSG;
	if (r == 0)
		summarize(mutes);
	return r;
}
