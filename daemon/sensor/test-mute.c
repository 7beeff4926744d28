/* SPDX-License-Identifier: MIT */

/*
 * A client's mutes, without a kernel: editing is exact, the summary follows from the entries, and mutes of ended
 * executions go. And the hash of paths, which the kernel programs compute word by word.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "abi/sensor.h"
#include "daemon/sensor/event.h"
#include "daemon/sensor/fake.h"
#include "daemon/sensor/mute.h"
#include "daemon/test.h"
#include "util/macro.h"

enum { SLOT = 5 };

static struct fake_sensor fake;
static struct esd_mutes mutes;
static uint64_t all[ES_TYPE_WORDS];

static const uint64_t *types(int first, int second)
{
	static uint64_t set[ES_TYPE_WORDS];

	memset(set, 0, sizeof(set));
	esd_types_add(set, first);
	if (second >= 0)
		esd_types_add(set, second);
	return set;
}

static int add(uint32_t kind, const char *path, const uint64_t *set)
{
	return esd_mutes_add(&mutes, kind, path, strlen(path), set);
}

static int take(uint32_t kind, const char *path, const uint64_t *set)
{
	return esd_mutes_remove(&mutes, kind, path, strlen(path), set);
}

static struct es_token token(uint32_t pid, uint32_t pidversion)
{
	return (struct es_token){ .auid = 77, .pid = pid, .pidversion = pidversion };
}

static int add_process(uint32_t pid, uint32_t pidversion, const uint64_t *set)
{
	struct es_token whom = token(pid, pidversion);

	return esd_mutes_add(&mutes, ES_MUTE_PROCESS, &whom, sizeof(whom), set);
}

static const struct esd_mute *find(uint32_t kind, const char *path)
{
	const struct esd_mute *mute = esd_mutes_after(&mutes, 0);

	for (; mute; mute = TAILQ_NEXT(mute, link))
		if (mute->kind == kind && mute->length == strlen(path) && !memcmp(mute->path, path, mute->length))
			return mute;
	return NULL;
}

static void begin(void)
{
	memset(all, 0, sizeof(all));
	for (unsigned int type = 0; type < ES_EVENT_TYPES; type++)
		esd_types_add(all, type);
	fake_sensor_init(&fake);
	REQUIRE(esd_mutes_init(&mutes, &fake.base, SLOT) == 0);
	REQUIRE(esd_mutes_remove_all(&mutes, ES_STAGE_PATH) == 0);
	REQUIRE(mutes.count == 0 && fake.slots[SLOT].mutes == 0);
}

static void end(void)
{
	static const struct esd_mute_summary nothing;

	esd_mutes_deinit(&mutes);
	REQUIRE(fake.slots[SLOT].mutes == 0);
	REQUIRE(!memcmp(&fake.slots[SLOT].summary, &nothing, sizeof(nothing)));
}

/* Facts 90 to 93: a set of tuples; what is taken out is what is named. */
static void test_exact(void)
{
	begin();
	REQUIRE(add(ES_MUTE_EXE_PREFIX, "/foo", all) == 0);
	REQUIRE(add(ES_MUTE_EXE_LITERAL, "/foo/bar", all) == 0);
	REQUIRE(add(ES_MUTE_EXE_LITERAL, "/foo/bar", types(ESD_NOTIFY_OPEN, -1)) == 0);
	REQUIRE(mutes.count == 2);
	REQUIRE(take(ES_MUTE_EXE_PREFIX, "/foo", all) == 0);
	REQUIRE(!find(ES_MUTE_EXE_PREFIX, "/foo") && find(ES_MUTE_EXE_LITERAL, "/foo/bar"));
	REQUIRE(take(ES_MUTE_TARGET_LITERAL, "/foo/bar", all) == 0 && mutes.count == 1);
	REQUIRE(take(ES_MUTE_EXE_LITERAL, "/foo/bar", types(ESD_NOTIFY_OPEN, ESD_AUTH_EXEC)) == 0);
	REQUIRE(!esd_types_has(find(ES_MUTE_EXE_LITERAL, "/foo/bar")->types, ESD_NOTIFY_OPEN));
	REQUIRE(!esd_types_has(find(ES_MUTE_EXE_LITERAL, "/foo/bar")->types, ESD_AUTH_EXEC));
	REQUIRE(esd_types_has(find(ES_MUTE_EXE_LITERAL, "/foo/bar")->types, ESD_NOTIFY_EXEC));
	REQUIRE(take(ES_MUTE_EXE_LITERAL, "/foo/bar", all) == 0 && mutes.count == 0);
	REQUIRE(take(ES_MUTE_EXE_LITERAL, "/foo/bar", all) == 0);
	REQUIRE(fake.slots[SLOT].mutes == 0);
	end();
}

static void test_bad(void)
{
	char text[ES_MUTE_PATH_BYTES + 1];

	begin();
	memset(text, '/', sizeof(text));
	REQUIRE(esd_mutes_add(&mutes, ES_MUTE_EXE_LITERAL, text, ES_MUTE_PATH_BYTES, all) == EINVAL);
	REQUIRE(esd_mutes_add(&mutes, ES_MUTE_EXE_LITERAL, text, ES_MUTE_PATH_BYTES - 1, all) == 0);
	REQUIRE(esd_mutes_add(&mutes, ES_MUTE_EXE_LITERAL, "/a\0b", 4, all) == EINVAL);
	REQUIRE(esd_mutes_add(&mutes, ES_MUTE_KINDS, "/a", 2, all) == EINVAL);
	REQUIRE(esd_mutes_add(&mutes, ES_MUTE_PROCESS, "/a", 2, all) == EINVAL);
	REQUIRE(esd_mutes_remove_all(&mutes, ES_STAGE_PROCESS) == EINVAL);
	REQUIRE(esd_mutes_invert(&mutes, ES_STAGES) == EINVAL);
	REQUIRE(mutes.count == 1);
	end();
}

static bool listed(uint32_t kind, uint32_t length)
{
	uint32_t bit = es_mute_length_bit(length);

	return fake.slots[SLOT].summary.client.lengths[kind][bit / 8] >> bit % 8 & 1;
}

static void test_summary(void)
{
	const struct esd_mute_summary *summary = &fake.slots[SLOT].summary;

	begin();
	REQUIRE(add(ES_MUTE_TARGET_PREFIX, "/a/", types(ESD_NOTIFY_OPEN, ESD_NOTIFY_FORK)) == 0);
	REQUIRE(add(ES_MUTE_TARGET_PREFIX, "/b/", all) == 0 && add(ES_MUTE_TARGET_PREFIX, "/long/", all) == 0);
	REQUIRE(!esd_types_has(find(ES_MUTE_TARGET_PREFIX, "/a/")->types, ESD_NOTIFY_FORK));	/* fact 104 */
	REQUIRE(listed(ES_MUTE_TARGET_PREFIX, 3) && listed(ES_MUTE_TARGET_PREFIX, 6));
	REQUIRE(!listed(ES_MUTE_TARGET_PREFIX, 4) && !listed(ES_MUTE_TARGET_LITERAL, 3));
	REQUIRE(summary->client.longest[ES_MUTE_TARGET_PREFIX] == 6);
	REQUIRE(esd_types_has(summary->target, ESD_NOTIFY_OPEN) && !esd_types_has(summary->target, ESD_NOTIFY_FORK));
	REQUIRE(!esd_types_has(summary->actor, ESD_NOTIFY_OPEN));
	REQUIRE(take(ES_MUTE_TARGET_PREFIX, "/long/", all) == 0 && take(ES_MUTE_TARGET_PREFIX, "/b/", all) == 0);
	REQUIRE(listed(ES_MUTE_TARGET_PREFIX, 3) && !listed(ES_MUTE_TARGET_PREFIX, 6));
	REQUIRE(summary->client.longest[ES_MUTE_TARGET_PREFIX] == 3);
	REQUIRE(!esd_types_has(summary->target, ESD_NOTIFY_CLOSE));
	REQUIRE(add(ES_MUTE_EXE_PREFIX, "", all) == 0 && listed(ES_MUTE_EXE_PREFIX, 0));

	/* Inverted, a stage concerns every type that it can be about: facts 104, 113, 115. */
	REQUIRE(esd_mutes_remove_all(&mutes, ES_STAGE_PATH) == 0 && !esd_types_has(summary->actor, ESD_NOTIFY_FORK));
	REQUIRE(esd_mutes_invert(&mutes, ES_STAGE_PROCESS) == 0 && esd_types_has(summary->actor, ESD_NOTIFY_FORK));
	REQUIRE(esd_mutes_invert(&mutes, ES_STAGE_PROCESS) == 0 && !esd_types_has(summary->actor, ESD_NOTIFY_FORK));
	REQUIRE(esd_mutes_invert(&mutes, ES_STAGE_TARGET) == 0 && esd_types_has(summary->target, ESD_NOTIFY_CLOSE));
	REQUIRE(!esd_types_has(summary->target, ESD_NOTIFY_FORK));
	end();
}

static void test_processes(void)
{
	begin();
	REQUIRE(add_process(10, 1, all) == 0 && add_process(10, 2, all) == 0 && add_process(11, 3, all) == 0);
	REQUIRE(add_process(10, 1, all) == 0 && mutes.processes == 3);
	fake.ended = 10;
	REQUIRE(add_process(10, 4, all) == ESRCH && add_process(10, 4, types(0, -1)) == ESRCH);	/* fact 94 */
	REQUIRE(add_process(10, 4, (uint64_t[ES_TYPE_WORDS]){}) == ESRCH);
	REQUIRE(esd_mutes_remove_all(&mutes, ES_STAGE_PATH) == 0 && mutes.processes == 3);	/* fact 117 */
	REQUIRE(esd_mutes_after(&mutes, 0)->token.pid == 11 && mutes.processes == 1);	/* fact 95 */
	REQUIRE(esd_mutes_after(&mutes, 0)->token.auid == 77);		/* as it was given */
	fake.ended = 0;
	for (uint32_t pid = 100; pid < 100 + 2 * ESD_MUTES_SWEEP; pid++) {
		fake.ended = pid - 1;
		REQUIRE(add_process(pid, 1, all) == 0);
	}
	REQUIRE(mutes.processes > ESD_MUTES_SWEEP);	/* no more than one has ended at a time */
	end();
}

static void test_limits(void)
{
	char path[32];

	begin();
	fake.mutes_max = 3;
	REQUIRE(add(ES_MUTE_EXE_LITERAL, "/1", all) == 0 && add(ES_MUTE_EXE_LITERAL, "/2", all) == 0);
	REQUIRE(add(ES_MUTE_EXE_LITERAL, "/3", all) == 0 && add(ES_MUTE_EXE_LITERAL, "/4", all) == EDQUOT);
	REQUIRE(mutes.count == 3 && !find(ES_MUTE_EXE_LITERAL, "/4"));
	fake.mutes_max = UINT32_MAX;
	for (int i = 0; i < ESD_MUTES_MAX - 3; i++) {
		snprintf(path, sizeof(path), "/some/%d", i);
		REQUIRE(add(ES_MUTE_TARGET_PREFIX, path, all) == 0);
	}
	REQUIRE(add(ES_MUTE_TARGET_PREFIX, "/one more", all) == EDQUOT);
	REQUIRE(add(ES_MUTE_EXE_LITERAL, "/3", all) == 0);
	REQUIRE(esd_mutes_remove_all(&mutes, ES_STAGE_TARGET) == 0 && mutes.count == 3);
	end();
}

/* Facts 116, 119. */
static void test_default(void)
{
	const struct esd_mute *mute;

	fake_sensor_init(&fake);
	REQUIRE(esd_mutes_init(&mutes, &fake.base, SLOT) == 0);
	REQUIRE(find(ES_MUTE_EXE_LITERAL, "/usr/lib/systemd/systemd"));
	for (mute = esd_mutes_after(&mutes, 0); mute; mute = TAILQ_NEXT(mute, link)) {
		REQUIRE(mute->kind == ES_MUTE_EXE_LITERAL && mute->path[0] == '/');
		REQUIRE(esd_types_has(mute->types, ESD_AUTH_OPEN) && !esd_types_has(mute->types, ESD_AUTH_EXEC));
		for (unsigned int type = 0; type < ES_EVENT_TYPES; type++)
			REQUIRE(esd_events[type].answer != ESD_ANSWER_NONE || !esd_types_has(mute->types, type));
	}
	REQUIRE(!esd_types_has(mutes.summary.actor, ESD_NOTIFY_OPEN) && esd_types_has(mutes.summary.actor, ESD_AUTH_OPEN));

	/* What the client says itself, for or against, is no default any more; a default comes back no other way. */
	REQUIRE(add(ES_MUTE_EXE_LITERAL, "/usr/bin/login", types(ESD_AUTH_OPEN, ESD_NOTIFY_OPEN)) == 0);
	REQUIRE(!esd_types_has(fake.defaults, ESD_AUTH_OPEN) && !esd_types_has(fake.defaults, ESD_NOTIFY_OPEN));
	REQUIRE(esd_types_has(fake.defaults, ESD_AUTH_UNLINK));
	REQUIRE(take(ES_MUTE_EXE_LITERAL, "/usr/bin/login", types(ESD_AUTH_UNLINK, -1)) == 0);
	REQUIRE(!esd_types_has(fake.defaults, ESD_AUTH_UNLINK) && esd_types_has(fake.defaults, ESD_AUTH_RENAME));
	REQUIRE(add(ES_MUTE_EXE_LITERAL, "/usr/bin/login", types(ESD_AUTH_UNLINK, -1)) == 0);
	REQUIRE(!esd_types_has(fake.defaults, ESD_AUTH_UNLINK) && esd_types_has(fake.defaults, ESD_AUTH_RENAME));
	end();
	fake.mutes_max = 3;
	REQUIRE(esd_mutes_init(&mutes, &fake.base, SLOT) == EDQUOT && fake.slots[SLOT].mutes == 0);
}

/* As login.defs(5) has it: what is commented out is the default, and the last one counts. */
static void test_default_uids(void)
{
	char path[] = "/tmp/test-mute-XXXXXX";
	int fd = mkstemp(path);

	REQUIRE(fd >= 0 && esd_mute_default_uid_max(path) == 999 && esd_mute_default_uid_max("/nowhere") == 999);
	REQUIRE(dprintf(fd, "#SYS_UID_MAX 5\nUID_MIN\t\t 500\n") > 0 && esd_mute_default_uid_max(path) == 499);
	REQUIRE(dprintf(fd, "SYS_UID_MAX 300\nSYS_UID_MAX 400 x\n") > 0 && esd_mute_default_uid_max(path) == 400);
	close(fd);
	unlink(path);
}

/* A list in pages goes on where it was, whatever is taken out meanwhile. */
static void test_cursor(void)
{
	const struct esd_mute *mute;
	uint64_t cursor;

	begin();
	REQUIRE(add(ES_MUTE_EXE_LITERAL, "/1", all) == 0 && add(ES_MUTE_EXE_LITERAL, "/2", all) == 0);
	REQUIRE(add(ES_MUTE_EXE_LITERAL, "/3", all) == 0);
	mute = TAILQ_NEXT(esd_mutes_after(&mutes, 0), link);
	cursor = mute->id;
	REQUIRE(!memcmp(mute->path, "/2", 2));
	REQUIRE(take(ES_MUTE_EXE_LITERAL, "/2", all) == 0 && add(ES_MUTE_EXE_LITERAL, "/4", all) == 0);
	mute = esd_mutes_after(&mutes, cursor);
	REQUIRE(!memcmp(mute->path, "/3", 2) && !memcmp(TAILQ_NEXT(mute, link)->path, "/4", 2));
	REQUIRE(!esd_mutes_after(&mutes, TAILQ_NEXT(mute, link)->id));
	end();
}

/* As the kernel programs go about it: whole words, and of the last one only the bytes that count. */
static struct es_mute_hash hash_prefix(const uint64_t *keys, const char *path, size_t length)
{
	struct es_mute_hash hash = {};
	uint64_t word;
	size_t index;

	for (index = 0; index < length / 8; index++) {
		memcpy(&word, path + 8 * index, 8);
		ES_MUTE_HASH_WORD(&hash, keys, index, word);
	}
	memcpy(&word, path + 8 * index, 8);
	word &= (1ull << 8 * (length % 8)) - 1;
	ES_MUTE_HASH_WORD(&hash, keys, index, word);
	return hash;
}

static void test_hash(void)
{
	static char path[ES_MUTE_PATH_BYTES + 8];
	uint64_t keys[ES_MUTE_KEYS];
	struct es_mute_hash last = {};

	srand(1);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		keys[i] = (uint64_t)rand() << 42 ^ (uint64_t)rand() << 21 ^ rand();
	for (size_t i = 0; i < sizeof(path); i++)
		path[i] = 1 + rand() % 255;
	for (size_t length = 0; length < ES_MUTE_PATH_BYTES; length++) {
		struct es_mute_hash whole = es_mute_hash_path(keys, path, length);
		struct es_mute_hash prefix = hash_prefix(keys, path, length);

		REQUIRE(!memcmp(&whole, &prefix, sizeof(whole)));
		REQUIRE(!length || (whole.sum[0] != last.sum[0] && whole.sum[1] != last.sum[1]));
		last = whole;
	}
	/* Every byte and its place count, and so do the keys. */
	for (size_t at = 0; at < 64; at++) {
		struct es_mute_hash before = es_mute_hash_path(keys, path, 64), after;

		path[at] ^= 1;
		after = es_mute_hash_path(keys, path, 64);
		path[at] ^= 1;
		REQUIRE(before.sum[0] != after.sum[0] && before.sum[1] != after.sum[1]);
	}
	last = es_mute_hash_path(keys, path, 20);
	keys[4]++;
	REQUIRE(memcmp(&last, &(struct es_mute_hash[]){ es_mute_hash_path(keys, path, 20) }, sizeof(last)));
}

int main(void)
{
	test_exact();
	test_bad();
	test_summary();
	test_processes();
	test_limits();
	test_default();
	test_default_uids();
	test_cursor();
	test_hash();
	return 0;
}
