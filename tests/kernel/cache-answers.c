/* SPDX-License-Identifier: MIT */

/*
 * A kept answer decides the next equal operation; an answer without `cache` doesn't. Which operations are equal, which
 * clients must agree, and what empties the cache. The numbers are those of the facts about macOS. cache-types.c has
 * each type.
 */

#include "keeper.h"

enum { PERIOD_MS = 1100 };		/* es_clear_cache() works ten times a second */

static struct keeper keeper;
static struct actor actor, twin, other;	/* the twin runs the same program */
static const char *file;

static int read_file(const struct actor *who)
{
	return actor_do(who, ACT_OPEN, O_RDONLY, file);
}

/* Forgets all: a fresh file, and answers as given. */
static void begin(uint32_t allowed, bool cache)
{
	static unsigned int files;

	file = test_at("file-%u", files++);
	test_write_file(file, "text", 0644);
	keeper.allowed = allowed;
	keeper.cache = cache;
	(void)keeper_asked(&keeper);
}

/* 34, 66: without `cache` the client is asked each time. */
static void not_wanted(void)
{
	begin(KEEP_ALL, false);
	for (int i = 0; i < 3; i++)
		CHECK_EQUAL(read_file(&actor), 0);
	CHECK_EQUAL(keeper_asked(&keeper), 3);
}

/* 68: asked once, told each time, with the outcome. */
static void told(uint32_t allowed, int error)
{
	const es_message_t *message;

	begin(allowed, true);
	test_clear(keeper.client);
	for (int i = 0; i < 3; i++)
		CHECK_EQUAL(read_file(&actor), error);
	CHECK_EQUAL(keeper_asked(&keeper), 1);
	test_sync(keeper.client);
	CHECK_EQUAL(COUNT(keeper.client, .type = ES_NOTIFY(OPEN), .pid = actor.pid, .path = file), 3);
	for (unsigned int i = 0; i < 3; i++) {
		message = FIND(keeper.client, .type = ES_NOTIFY(OPEN), .pid = actor.pid, .path = file, .skip = i);
		if (CHECK(message != NULL)) {
			CHECK_EQUAL(message->action.notify.result_type, ES_RESULT_TYPE_FLAGS);
			CHECK_EQUAL(!message->action.notify.result.flags, error != 0);
		}
	}
}

/* 69: the executable counts, not the process. */
static void by_executable(void)
{
	begin(KEEP_ALL, true);
	CHECK_EQUAL(read_file(&actor), 0);
	CHECK_EQUAL(keeper_asked(&keeper), 1);
	CHECK_EQUAL(read_file(&other), 0);
	CHECK_EQUAL(keeper_asked(&keeper), 1);
	CHECK_EQUAL(read_file(&actor), 0);
	CHECK_EQUAL(read_file(&other), 0);
	CHECK_EQUAL(keeper_asked(&keeper), 0);
	CHECK_EQUAL(read_file(&twin), 0);
	CHECK_EQUAL(keeper_asked(&keeper), 0);
}

/* 54, 76: the mask is kept, and each open compared with it. */
static void masks(void)
{
	begin(FREAD, true);
	CHECK_EQUAL(actor_do(&actor, ACT_OPEN, O_RDWR, file), EPERM);
	CHECK_EQUAL(keeper_asked(&keeper), 1);
	CHECK_EQUAL(read_file(&actor), 0);
	CHECK_EQUAL(actor_do(&actor, ACT_OPEN, O_WRONLY, file), EPERM);
	CHECK_EQUAL(actor_do(&actor, ACT_OPEN, O_RDWR, file), EPERM);
	CHECK_EQUAL(keeper_asked(&keeper), 0);

	begin(KEEP_ALL, true);
	CHECK_EQUAL(read_file(&actor), 0);
	CHECK_EQUAL(actor_do(&actor, ACT_OPEN, O_RDWR, file), 0);	/* it is in the mask, but it writes */
	CHECK_EQUAL(keeper_asked(&keeper), 1);
	CHECK_EQUAL(read_file(&actor), 0);
	CHECK_EQUAL(keeper_asked(&keeper), 1);
}

/* 77: one client that doesn't want it kept makes all see it again. The masks of all count. */
static void all_have_to(void)
{
	struct keeper second = {};

	keeper_start(&second, KEEP_ALL);
	test_subscribe(second.client, ES_AUTH(OPEN), -1);
	second.cache = false;
	begin(KEEP_ALL, true);
	for (int i = 0; i < 2; i++)
		CHECK_EQUAL(read_file(&actor), 0);
	CHECK_EQUAL(keeper_asked(&keeper), 2);
	CHECK_EQUAL(keeper_asked(&second), 2);

	second.cache = true;
	second.allowed = FREAD;
	CHECK_EQUAL(read_file(&actor), 0);
	CHECK_EQUAL(read_file(&actor), 0);
	CHECK_EQUAL(actor_do(&actor, ACT_OPEN, O_RDWR, file), EPERM);
	CHECK_EQUAL(keeper_asked(&keeper), 1);
	CHECK_EQUAL(keeper_asked(&second), 1);

	/* What only one of them refused is no answer once it isn't asked any more. What both allowed is. */
	REQUIRE(es_unsubscribe_all(second.client->client) == ES_RETURN_SUCCESS);
	CHECK_EQUAL(read_file(&actor), 0);
	CHECK_EQUAL(keeper_asked(&keeper), 0);
	CHECK_EQUAL(actor_do(&actor, ACT_OPEN, O_RDWR, file), 0);
	CHECK_EQUAL(keeper_asked(&keeper), 1);

	/* A client that subscribes later has not answered, so it is asked. */
	CHECK_EQUAL(read_file(&actor), 0);
	CHECK_EQUAL(keeper_asked(&keeper), 1);
	test_subscribe(second.client, ES_AUTH(OPEN), -1);
	CHECK_EQUAL(read_file(&actor), 0);
	CHECK_EQUAL(keeper_asked(&second), 1);
	test_client_delete(second.client);
}

/* 67 */
static void new_client(void)
{
	struct test_client *fresh;

	begin(KEEP_ALL, true);
	CHECK_EQUAL(read_file(&actor), 0);
	CHECK_EQUAL(read_file(&actor), 0);
	CHECK_EQUAL(keeper_asked(&keeper), 1);
	fresh = test_client(NULL, NULL);
	CHECK_EQUAL(read_file(&actor), 0);
	CHECK_EQUAL(keeper_asked(&keeper), 1);
	test_client_delete(fresh);
	CHECK_EQUAL(read_file(&actor), 0);
	CHECK_EQUAL(keeper_asked(&keeper), 0);
}

/* 66, 79 */
static void cleared(void)
{
	es_clear_cache_result_t last = ES_CLEAR_CACHE_RESULT_SUCCESS;
	unsigned int done = 0;

	begin(KEEP_ALL, true);
	CHECK_EQUAL(read_file(&actor), 0);
	CHECK_EQUAL(es_clear_cache(keeper.client->client), ES_CLEAR_CACHE_RESULT_SUCCESS);
	CHECK_EQUAL(read_file(&actor), 0);
	CHECK_EQUAL(keeper_asked(&keeper), 2);
	test_sleep_ms(PERIOD_MS);
	while (done < 100 && (last = es_clear_cache(keeper.client->client)) == ES_CLEAR_CACHE_RESULT_SUCCESS)
		done++;
	CHECK_EQUAL(last, ES_CLEAR_CACHE_RESULT_ERR_THROTTLE);
	CHECK(done >= 10 && done <= 30);
	test_sleep_ms(PERIOD_MS);
	CHECK_EQUAL(es_clear_cache(keeper.client->client), ES_CLEAR_CACHE_RESULT_SUCCESS);
}

/* 75: an exec of a script isn't kept, of a program it is. */
static void scripts(void)
{
	const char *tiny = test_tiny("tiny"), *script = test_at("script");
	char line[512];

	begin(KEEP_ALL, true);
	snprintf(line, sizeof(line), "#!%s 0\n", tiny);
	test_write_file(script, line, 0755);
	test_subscribe(keeper.client, ES_AUTH(EXEC), -1);
	REQUIRE(es_unsubscribe(keeper.client->client, &(es_event_type_t){ ES_AUTH(OPEN) }, 1) == ES_RETURN_SUCCESS);
	(void)keeper_asked(&keeper);
	for (int i = 0; i < 3; i++)
		CHECK_EQUAL(actor_do(&actor, ACT_EXEC, 0, tiny), 0);
	CHECK_EQUAL(keeper_asked(&keeper), 1);
	for (int i = 0; i < 3; i++)
		CHECK_EQUAL(actor_do(&actor, ACT_EXEC, 0, script), 0);
	CHECK_EQUAL(keeper_asked(&keeper), 3);
	keeper.allowed = 0;
	test_tiny("denied");
	for (int i = 0; i < 3; i++)
		CHECK_EQUAL(actor_do(&actor, ACT_EXEC, 0, test_at("denied")), EPERM);
	CHECK_EQUAL(keeper_asked(&keeper), 1);
	REQUIRE(es_unsubscribe_all(keeper.client->client) == ES_RETURN_SUCCESS);
}

int main(void)
{
	unsigned long hits;

	test_begin(120);
	test_daemon_own();
	keeper_start(&keeper, KEEP_ALL);
	cache_require(&keeper);
	actor = actor_start("actor");
	twin = actor_again("actor");
	other = actor_start("other");
	test_subscribe(keeper.client, ES_AUTH(OPEN), ES_NOTIFY(OPEN), -1);

	hits = cache_number("hits");
	not_wanted();
	CHECK_EQUAL(cache_number("hits"), hits);
	told(KEEP_ALL, 0);
	told(0, EPERM);
	CHECK_EQUAL(cache_number("hits"), hits + 4);
	by_executable();
	masks();
	all_have_to();
	new_client();
	cleared();
	scripts();
	actor_stop(&actor);
	actor_stop(&twin);
	actor_stop(&other);
	return test_end();
}
