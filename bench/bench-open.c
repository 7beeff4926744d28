/* SPDX-License-Identifier: MIT */

/*
 * The cost of an open and close: without a daemon; without a subscription; muted, by the process, its executable or the
 * target, or by an inverted stage; decided by a kept answer; asked about; notified. And the same with 10,000 other paths
 * muted.
 *
 * Another process opens a file on tmpfs over and over. Rounds of all rows take turns, so that a change of the machine's
 * speed affects all of them. Prints the lower quartile of the time of each, and of the process's CPU time, which other
 * processes disturb less, and the ratios to an open without a subscription.
 *
 * In a guest that counts instructions (tests/vm/run --icount) a nanosecond is an instruction. Set ES_BENCH_GUEST there:
 * then few rounds are enough, and the daemon looks at the whole system, as it does outside of tests.
 */

#include "keeper.h"

enum { ROUNDS = 15, ROUNDS_GUEST = 3, OPENS = 1000, OPENS_GUEST = 200, ASKED_OPENS = 50, PATHS = 10000 };

enum how {
	PLAIN,				/* told, asked */
	KEPT,
	PROCESS,
	EXECUTABLE,
	TARGET_LITERAL,
	TARGET_PREFIX,
	INVERTED_PROCESS,
	INVERTED_EXECUTABLE,
	INVERTED_TARGET,
};

static struct row {
	const char *what;
	int type;			/* -1: no subscription */
	enum how how;
	bool many;
	double ns[2][ROUNDS];		/* time, CPU time */
} rows[] = {
	{ .what = "a client, and no subscription", .type = -1 },
	{ .what = "a client subscribed to NOTIFY_EXEC", .type = ES_NOTIFY(EXEC) },
	{ .what = "a client subscribed to NOTIFY_RENAME", .type = ES_NOTIFY(RENAME) },
	{ .what = "AUTH_OPEN, process muted", .type = ES_AUTH(OPEN), .how = PROCESS },
	{ .what = "AUTH_OPEN, executable muted", .type = ES_AUTH(OPEN), .how = EXECUTABLE },
	{ .what = "AUTH_OPEN, target muted", .type = ES_AUTH(OPEN), .how = TARGET_LITERAL },
	{ .what = "AUTH_OPEN, target prefix muted", .type = ES_AUTH(OPEN), .how = TARGET_PREFIX },
	{ .what = "AUTH_OPEN, processes inverted", .type = ES_AUTH(OPEN), .how = INVERTED_PROCESS },
	{ .what = "AUTH_OPEN, executables inverted", .type = ES_AUTH(OPEN), .how = INVERTED_EXECUTABLE },
	{ .what = "AUTH_OPEN, targets inverted", .type = ES_AUTH(OPEN), .how = INVERTED_TARGET },
	{ .what = "AUTH_OPEN, answer kept", .type = ES_AUTH(OPEN), .how = KEPT },
	{ .what = "AUTH_OPEN, asked", .type = ES_AUTH(OPEN) },
	{ .what = "NOTIFY_OPEN, process muted", .type = ES_NOTIFY(OPEN), .how = PROCESS },
	{ .what = "NOTIFY_OPEN, executable muted", .type = ES_NOTIFY(OPEN), .how = EXECUTABLE },
	{ .what = "NOTIFY_OPEN, target muted", .type = ES_NOTIFY(OPEN), .how = TARGET_LITERAL },
	{ .what = "NOTIFY_OPEN, target prefix muted", .type = ES_NOTIFY(OPEN), .how = TARGET_PREFIX },
	{ .what = "NOTIFY_OPEN, told", .type = ES_NOTIFY(OPEN) },
	{ .what = "10,000 other paths: no subscription", .type = -1, .many = true },
	{ .what = "AUTH_OPEN, process muted", .type = ES_AUTH(OPEN), .how = PROCESS, .many = true },
	{ .what = "AUTH_OPEN, executable muted", .type = ES_AUTH(OPEN), .how = EXECUTABLE, .many = true },
	{ .what = "AUTH_OPEN, target muted", .type = ES_AUTH(OPEN), .how = TARGET_LITERAL, .many = true },
	{ .what = "AUTH_OPEN, target prefix muted", .type = ES_AUTH(OPEN), .how = TARGET_PREFIX, .many = true },
	{ .what = "NOTIFY_OPEN, executable muted", .type = ES_NOTIFY(OPEN), .how = EXECUTABLE, .many = true },
	{ .what = "NOTIFY_OPEN, target prefix muted", .type = ES_NOTIFY(OPEN), .how = TARGET_PREFIX, .many = true },
};

static struct row no_daemon = { .what = "without a daemon" }, no_client = { .what = "a daemon without clients" };

static struct keeper keeper;
static struct actor actor;
static clockid_t actor_cpu;
static audit_token_t token;
static const char *opened, *directory, *program;
static int rounds, opens;
static bool guest;

static double cpu_now(void)
{
	struct timespec now;

	clock_gettime(actor_cpu, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void time_opens(struct row *row, int round, int count)
{
	double cpu;

	actor_do(&actor, ACT_TIME, 10, opened);
	cpu = cpu_now();
	row->ns[0][round] = actor_do(&actor, ACT_TIME, (uint32_t)count, opened);
	row->ns[1][round] = (cpu_now() - cpu) / count;
}

static void time_all(struct row *row)
{
	for (int round = 0; round < rounds; round++)
		time_opens(row, round, opens);
}

static void mute_path(const char *path, es_mute_path_type_t type, bool add)
{
	REQUIRE((add ? es_mute_path : es_unmute_path)(keeper.client->client, path, type) == ES_RETURN_SUCCESS);
}

static void invert(es_mute_inversion_type_t type)
{
	REQUIRE(es_invert_muting(keeper.client->client, type) == ES_RETURN_SUCCESS);
}

/* Mutes other paths, of executables and of targets. */
static void change_many(bool add)
{
	char path[64];

	for (int i = 0; i < PATHS; i++) {
		snprintf(path, sizeof(path), "/some/other/path/%d/", i);
		mute_path(path, i % 2 ? ES_MUTE_PATH_TYPE_LITERAL : ES_MUTE_PATH_TYPE_TARGET_PREFIX, add);
	}
}

static void change(enum how how, bool add)
{
	es_client_t *client = keeper.client->client;

	switch (how) {
	case PLAIN:
		break;
	case KEPT:
		keeper.cache = add;
		break;
	case PROCESS:
		REQUIRE((add ? es_mute_process : es_unmute_process)(client, &token) == ES_RETURN_SUCCESS);
		break;
	case EXECUTABLE:
		mute_path(program, ES_MUTE_PATH_TYPE_LITERAL, add);
		break;
	case TARGET_LITERAL:
		mute_path(opened, ES_MUTE_PATH_TYPE_TARGET_LITERAL, add);
		break;
	case TARGET_PREFIX:
		mute_path(directory, ES_MUTE_PATH_TYPE_TARGET_PREFIX, add);
		break;
	case INVERTED_PROCESS:
		invert(ES_MUTE_INVERSION_TYPE_PROCESS);
		break;
	case INVERTED_EXECUTABLE:
		invert(ES_MUTE_INVERSION_TYPE_PATH);
		break;
	case INVERTED_TARGET:
		invert(ES_MUTE_INVERSION_TYPE_TARGET_PATH);
		mute_path(program, ES_MUTE_PATH_TYPE_TARGET_LITERAL, add);
		break;
	}
}

static void measure(struct row *row, int round)
{
	es_event_type_t type = (es_event_type_t)row->type;
	bool asked = row->type == (int)ES_AUTH(OPEN) && row->how == PLAIN;

	if (row->type >= 0) {
		change(row->how, true);
		REQUIRE(es_subscribe(keeper.client->client, &type, 1) == ES_RETURN_SUCCESS);
	}
	if (asked)		/* removes what the row before has left */
		REQUIRE(es_clear_cache(keeper.client->client) == ES_CLEAR_CACHE_RESULT_SUCCESS);
	time_opens(row, round, asked ? ASKED_OPENS : opens);
	if (row->type >= 0) {
		REQUIRE(es_unsubscribe(keeper.client->client, &type, 1) == ES_RETURN_SUCCESS);
		change(row->how, false);
	}
}

static void find_token(void)
{
	const es_message_t *message;

	test_subscribe(keeper.client, ES_NOTIFY(OPEN), -1);
	actor_do(&actor, ACT_OPEN, O_RDONLY, opened);
	message = AWAIT(keeper.client, .type = ES_NOTIFY(OPEN), .path = opened);
	REQUIRE(message != NULL);
	token = message->process->audit_token;
	REQUIRE(es_unsubscribe_all(keeper.client->client) == ES_RETURN_SUCCESS);
	test_sync(keeper.client);
	test_clear(keeper.client);
	keeper.client->counting = true;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double quartile(struct row *row, int clock)
{
	qsort(row->ns[clock], (size_t)rounds, sizeof(row->ns[clock][0]), compare);
	return row->ns[clock][rounds / 4];
}

static void print(struct row *row)
{
	double time = quartile(row, 0), cpu = quartile(row, 1);

	printf("%-38s %8.0f %s %5.2fx", row->what, time, guest ? "instructions" : "ns", time / quartile(&rows[0], 0));
	if (!guest)
		printf("   CPU %8.0f ns %5.2fx", cpu, cpu / quartile(&rows[0], 1));
	printf("\n");
}

static void begin(void)
{
	guest = test_no_scope = getenv("ES_BENCH_GUEST") != NULL;
	rounds = guest ? ROUNDS_GUEST : ROUNDS;
	opens = guest ? OPENS_GUEST : OPENS;
	directory = test_at("directory/");
	opened = test_at("directory/file");
	program = test_at("actor");
	REQUIRE(mkdir(directory, 0755) == 0);
	test_write_file(opened, "text", 0644);
	actor = actor_start("actor");
	REQUIRE(clock_getcpuclockid(actor.pid, &actor_cpu) == 0);
	actor_do(&actor, ACT_TIME, (uint32_t)opens, opened);
}

int main(void)
{
	test_begin(280);
	begin();
	time_all(&no_daemon);
	test_daemon(NULL);
	time_all(&no_client);
	keeper_start(&keeper, KEEP_ALL);
	keeper.cache = false;
	find_token();
	for (int many = 0; many < 2; many++) {
		if (many)
			change_many(true);
		for (int round = 0; round < rounds; round++)
			for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
				if (rows[i].many == many)
					measure(&rows[i], round);
	}
	change_many(false);
	print(&no_daemon);
	print(&no_client);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		print(&rows[i]);
	actor_stop(&actor);
	return test_end();
}
