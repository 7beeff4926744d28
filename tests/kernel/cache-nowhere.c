/* SPDX-License-Identifier: MIT */

/*
 * Without BPF LSM the kernel keeps no answer, since it doesn't report every change of a file: a client is asked about
 * each open, whether it sets `cache` or not. es_clear_cache() works, and has its usual limit; esctl says that there is
 * no cache.
 */

#include "keeper.h"

static bool says_none(void)
{
	FILE *pipe = popen(test_built("tools/esctl cache"), "r");
	char line[256] = "";

	REQUIRE(pipe != NULL && fgets(line, sizeof(line), pipe) != NULL);
	while (fgets((char[256]){}, 256, pipe))
		;
	return pclose(pipe) == 0 && !strncmp(line, "cache       none: ", 18);
}

int main(void)
{
	es_clear_cache_result_t last = ES_CLEAR_CACHE_RESULT_SUCCESS;
	struct keeper keeper = {};
	struct actor actor;
	unsigned int done = 0;

	test_begin(30);
	test_daemon("--sensor", "tracepoint", NULL);
	keeper_start(&keeper, KEEP_ALL);
	actor = actor_start("actor");
	test_write_file(test_at("file"), "text", 0644);
	test_subscribe(keeper.client, ES_AUTH(OPEN), -1);
	for (int i = 0; i < 3; i++)
		CHECK_EQUAL(actor_do(&actor, ACT_OPEN, O_RDONLY, test_at("file")), 0);
	CHECK_EQUAL(keeper_asked(&keeper), 3);
	keeper.allowed = FREAD;
	CHECK_EQUAL(actor_do(&actor, ACT_OPEN, O_RDWR, test_at("file")), EPERM);
	CHECK_EQUAL(actor_do(&actor, ACT_OPEN, O_RDONLY, test_at("file")), 0);
	CHECK_EQUAL(keeper_asked(&keeper), 2);

	while (done < 100 && (last = es_clear_cache(keeper.client->client)) == ES_CLEAR_CACHE_RESULT_SUCCESS)
		done++;
	CHECK_EQUAL(last, ES_CLEAR_CACHE_RESULT_ERR_THROTTLE);	/* fact 79 */
	CHECK(done >= 10);
	CHECK(says_none());
	actor_stop(&actor);
	return test_end();
}
