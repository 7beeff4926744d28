/* SPDX-License-Identifier: MIT */

/*
 * A replay selects records as the kernel programs select events: in each combination of tests/harness/mute-model.h,
 * set as a client does. And records of a file with values that no kernel writes.
 */

#include <EndpointSecurity/EndpointSecurity.h>

#include "daemon/sensor/event.h"
#include "daemon/sensor/mute.h"
#include "daemon/sensor/replay-select.h"
#include "daemon/sensor/sensor.h"
#include "daemon/test.h"
#include "lib/test-record.h"
#include "tests/harness/mute-model.h"
#include "util/macro.h"

static const char exe[] = "/usr/bin/program";
static const char *const directories[MODEL_FILES] = { "/mnt/s/", "/mnt/d/", "/mnt/e/" };
static const char *const files[MODEL_FILES] = { "/mnt/s/file", "/mnt/d/file", "/mnt/e/file" };
static const struct es_token own = { .pid = 1000, .pidversion = 8 }, other = { .pid = 1000, .pidversion = 9 };

/* ---- one client's mutes, and nothing else ---- */

static struct esd_replay_select selected;
static struct esd_mutes mutes;

static int sensor_mute(struct esd_sensor *sensor, unsigned int slot, const struct esd_mute *mute,
		       const uint64_t types[ES_TYPE_WORDS], const uint64_t defaults[ES_TYPE_WORDS])
{
	(void)sensor;
	(void)slot;
	(void)defaults;
	return esd_replay_select_mute(&selected, mute, types);
}

static void sensor_summary(struct esd_sensor *sensor, unsigned int slot, const struct esd_mute_summary *summary)
{
	(void)sensor;
	(void)slot;
	selected.summary = *summary;
}

static bool sensor_runs(struct esd_sensor *sensor, pid_t pid, uint32_t pidversion)
{
	(void)sensor;
	(void)pid;
	(void)pidversion;
	return true;
}

static const struct esd_sensor_ops ops = { .mute = sensor_mute, .mute_summary = sensor_summary,
					   .process_runs = sensor_runs };
static struct esd_sensor sensor = { .ops = &ops };

static void begin(void)
{
	REQUIRE(esd_mutes_init(&mutes, &sensor, 0) == 0);
	REQUIRE(esd_mutes_remove_all(&mutes, ES_STAGE_PATH) == 0);
	for (unsigned int i = 0; i < MODEL_ACTIONS; i++)
		esd_types_add(selected.types, model_actions[i].type);
}

static void end(void)
{
	esd_mutes_deinit(&mutes);
	REQUIRE(!selected.mutes);
	esd_replay_select_deinit(&selected);
}

static void mute(const struct model_combination *c, uint32_t kind, const void *data, size_t size)
{
	uint64_t types[ES_TYPE_WORDS] = {};

	for (unsigned int type = 0; type < ES_EVENT_TYPES; type++)
		if (!c->some)
			esd_types_add(types, type);
	for (unsigned int i = 0; i < MODEL_ACTIONS; i++)
		if (c->some && model_actions[i].some)
			esd_types_add(types, model_actions[i].type);
	REQUIRE(esd_mutes_add(&mutes, kind, data, size, types) == 0);
}

static void set(const struct model_combination *c)
{
	mute(c, ES_MUTE_PROCESS, c->process ? &own : &other, sizeof(own));
	if (c->exe == MODEL_PREFIX)
		mute(c, ES_MUTE_EXE_PREFIX, exe, strlen(exe) - 3);
	else if (c->exe == MODEL_LITERAL)
		mute(c, ES_MUTE_EXE_LITERAL, exe, strlen(exe));
	else
		mute(c, ES_MUTE_EXE_LITERAL, "/usr/bin/programx", strlen(exe) + 1);
	for (unsigned int i = 0; i < MODEL_FILES; i++) {
		if (!(c->targets >> i & 1))
			continue;
		if (c->target == MODEL_PREFIX)
			mute(c, ES_MUTE_TARGET_PREFIX, directories[i], strlen(directories[i]));
		else
			mute(c, ES_MUTE_TARGET_LITERAL, files[i], strlen(files[i]));
	}
	/* What doesn't match: longer, shorter, of the other kind. */
	mute(c, ES_MUTE_TARGET_PREFIX, "/mnt/s/file/", 12);
	mute(c, ES_MUTE_TARGET_LITERAL, "/mnt/s/fil", 10);
	mute(c, ES_MUTE_TARGET_PREFIX, exe, strlen(exe));
	for (uint32_t stage = 0; stage < 3; stage++)
		if (c->inverted[stage])
			REQUIRE(esd_mutes_invert(&mutes, stage) == 0);
}

/* ---- records ---- */

static struct test_record record;

static void make(const struct model_action *action)
{
	static const char *const folders[MODEL_FILES] = { "/mnt/s", "/mnt/d", "/mnt/e" };

	test_record_begin(&record, (uint16_t)action->type);
	record.head.process = test_record_process(&record, own.pid, exe);
	if (action->target[0] >= 0)
		record.head.file[0] = test_record_file(&record, files[action->target[0]], 1);
	if (action->target[1] >= 0) {
		record.head.file[1] = test_record_file(&record, folders[action->target[1]], 2);
		record.head.str[0] = test_record_string(&record, "file");
	}
}

static unsigned int tried;

static void try(const struct model_combination *c)
{
	begin();
	set(c);
	for (unsigned int i = 0; i < MODEL_ACTIONS; i++) {
		make(&model_actions[i]);
		if (esd_replay_selects(&selected, &record.head) == model_delivered(c, &model_actions[i]))
			continue;
		fprintf(stderr, "type %u: process %d exe %d target %d targets %x some %d inverted %d%d%d\n",
			(unsigned int)model_actions[i].type, c->process, c->exe, c->target, c->targets, c->some,
			c->inverted[0], c->inverted[1], c->inverted[2]);
		exit(1);
	}
	end();
	tried++;
}

static void test_model(void)
{
	for (unsigned int n = 0; n < MODEL_COMBINATIONS; n++) {
		struct model_combination c = model_combination(n);

		for (c.targets = 0; c.targets < 1 << MODEL_FILES; c.targets++) {
			c.target = MODEL_LITERAL;
			try(&c);
			c.target = MODEL_PREFIX;
			try(&c);
		}
	}
}

/* ---- what else there is ---- */

static void test_not_subscribed(void)
{
	begin();
	test_record_full(&record, ESD_NOTIFY_EXIT);
	REQUIRE(!esd_replay_selects(&selected, &record.head));
	esd_types_add(selected.types, ESD_NOTIFY_EXIT);
	REQUIRE(esd_replay_selects(&selected, &record.head));
	end();
}

/* The other process's executable; a file that has lost its name; the end of a path, and nothing, as prefixes. */
static void test_targets(void)
{
	const struct model_combination all = {};
	struct es_file_part *file;

	begin();
	esd_types_add(selected.types, ESD_NOTIFY_SIGNAL);
	mute(&all, ES_MUTE_TARGET_LITERAL, "/bin/other", 10);
	test_record_full(&record, ESD_NOTIFY_SIGNAL);
	REQUIRE(!esd_replay_selects(&selected, &record.head));
	mute(&all, ES_MUTE_TARGET_LITERAL, files[0], strlen(files[0]));
	test_record_begin(&record, ESD_NOTIFY_OPEN);
	record.head.file[0] = test_record_file(&record, "/mnt/s/file (deleted)", 1);
	REQUIRE(esd_replay_selects(&selected, &record.head));
	file = (struct es_file_part *)(record.bytes + record.head.file[0]);
	file->flags = ES_FILE_DELETED;
	REQUIRE(!esd_replay_selects(&selected, &record.head));
	end();
	begin();
	mute(&all, ES_MUTE_TARGET_PREFIX, "", 0);
	test_record_full(&record, ESD_NOTIFY_OPEN);
	REQUIRE(!esd_replay_selects(&selected, &record.head));
	end();
}

/* Every offset and length, one at a time, somewhere else: nothing is read that isn't there (a sanitizer looks on). */
static void test_hostile(void)
{
	static const uint32_t values[] = { 1, 7, 8, 176, 4096, INT32_MAX, UINT32_MAX - 7, UINT32_MAX };
	const struct model_combination all = {};

	begin();
	mute(&all, ES_MUTE_TARGET_PREFIX, "/mnt", 4);
	mute(&all, ES_MUTE_EXE_PREFIX, "/nothing", 8);
	for (uint32_t i = 0; i < MODEL_ACTIONS; i++) {
		make(&model_actions[i]);
		for (uint32_t at = 8; at + 4 <= record.head.size; at += 4) {
			uint8_t *exact = malloc(record.head.size);

			REQUIRE(exact);
			for (size_t j = 0; j < ARRAY_SIZE(values); j++) {
				memcpy(exact, record.bytes, record.head.size);
				memcpy(exact + at, &values[j], sizeof(values[j]));
				(void)esd_replay_selects(&selected, (const struct es_record *)exact);
			}
			free(exact);
		}
	}
	end();
}

int main(void)
{
	test_model();
	test_not_subscribed();
	test_targets();
	test_hostile();
	printf("%u combinations\n", tried);
	return 0;
}
