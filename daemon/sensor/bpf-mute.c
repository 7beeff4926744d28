/* SPDX-License-Identifier: MIT */
#include "daemon/sensor/bpf-mute.h"

#include <errno.h>
#include <string.h>

#include "daemon/sensor/event.h"
#include "daemon/sensor/mute.h"
#include "util/log.h"

static struct es_mute_hash path_hash(const struct esd_bpf *s, const char *path, size_t length)
{
	return es_mute_hash_path((const uint64_t *)s->skel->rodata->mute_keys, path, length);
}

static struct es_mute_key mute_key(const struct esd_bpf *s, unsigned int slot, const struct esd_mute *mute)
{
	struct es_mute_key key = { .slot = slot, .kind = mute->kind };

	if (mute->kind == ES_MUTE_PROCESS) {
		key.hash = (struct es_mute_hash){ { mute->token.pid, mute->token.pidversion } };
	} else {
		key.length = mute->length;
		key.hash = path_hash(s, mute->path, mute->length);
	}
	return key;
}

/* 0, or an errno: EDQUOT for the client, else negative. */
static int mute_write(struct esd_bpf *s, const struct es_mute_key *key, const struct es_mute_types *types)
{
	int r;

	if (!(types->word[0] | types->word[1] | types->word[2])) {
		r = bpf_map_delete_elem(bpf_map__fd(s->skel->maps.mutes), key);
		return r == -ENOENT ? 0 : r;
	}
	r = bpf_map_update_elem(bpf_map__fd(s->skel->maps.mutes), key, types, BPF_ANY);
	if (r < 0 && r != -E2BIG)
		log_error("can't write a mute: %s", strerror(-r));
	return r == -E2BIG ? EDQUOT : r;
}

/* A default mute has its own tuple in the map, since it applies to fewer processes. */
int esd_bpf_mute(struct esd_sensor *sensor, unsigned int slot, const struct esd_mute *mute,
		       const uint64_t types[ES_TYPE_WORDS], const uint64_t defaults[ES_TYPE_WORDS])
{
	struct esd_bpf *s = esd_bpf_of(sensor);
	struct es_mute_key key = mute_key(s, slot, mute);
	struct es_mute_types own = {}, by_default = {};
	int r;

	for (unsigned int i = 0; i < ES_TYPE_WORDS; i++) {
		own.word[i] = types[i] & ~defaults[i];
		by_default.word[i] = defaults[i];
	}
	r = mute_write(s, &key, &own);
	if (r || mute->kind != ES_MUTE_EXE_LITERAL)
		return r;
	key.kind = ES_MUTE_EXE_DEFAULT;
	return mute_write(s, &key, &by_default);
}

int esd_bpf_mute_defaults(struct esd_bpf *s)
{
	const struct es_mute_types some = { { 1 } };
	int r = 0;

	for (unsigned int i = 0; r == 0 && esd_mute_defaults[i]; i++) {
		const size_t length = strlen(esd_mute_defaults[i]);
		const struct es_mute_key key = { .hash = path_hash(s, esd_mute_defaults[i], length),
						 .length = length,
						 .slot = ES_MUTE_DEFAULT_SLOT,
						 .kind = ES_MUTE_EXE_DEFAULT };

		r = mute_write(s, &key, &some);
	}
	return r;
}

static void mute_select(uint64_t words[ES_EVENT_TYPES], unsigned int slot, const uint64_t types[ES_TYPE_WORDS])
{
	uint64_t bit = UINT64_C(1) << slot;

	for (unsigned int type = 0; type < ES_EVENT_TYPES; type++) {
		uint64_t word = esd_types_has(types, type) ? words[type] | bit : words[type] & ~bit;

		__atomic_store_n(&words[type], word, __ATOMIC_RELEASE);
	}
}

static void invert_select(uint64_t *word, unsigned int slot, bool inverted)
{
	uint64_t bit = UINT64_C(1) << slot;

	__atomic_store_n(word, inverted ? *word | bit : *word & ~bit, __ATOMIC_RELEASE);
}

/* Set the generation last: it invalidates what the programs have cached for older ones. */
void esd_bpf_mute_summary(struct esd_sensor *sensor, unsigned int slot, const struct esd_mute_summary *summary)
{
	struct esd_bpf *s = esd_bpf_of(sensor);
	struct es_mute_client *client = &s->skel->bss->mute_clients[slot];

	memcpy(client->lengths, summary->client.lengths, sizeof(client->lengths));
	memcpy(client->longest, summary->client.longest, sizeof(client->longest));
	__atomic_store_n(&client->inverted, summary->client.inverted, __ATOMIC_RELEASE);
	mute_select(s->skel->bss->control.mute_actor, slot, summary->actor);
	mute_select(s->skel->bss->control.mute_target, slot, summary->target);
	invert_select(&s->skel->bss->control.inverted_targets, slot, summary->client.inverted >> ES_STAGE_TARGET & 1);
	__atomic_store_n(&client->generation, ++s->mute_generation, __ATOMIC_SEQ_CST);
}
