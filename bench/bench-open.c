/* SPDX-License-Identifier: MIT */

/*
 * What an open and close cost: with nobody subscribed, asked about each time, and decided by an answer that was kept.
 * The three take turns; the median of each is printed, and its ratio to the first. In a guest that counts instructions
 * (tests/vm/run --icount), what is printed as ns are instructions.
 */

#include "keeper.h"

enum { ROUNDS = 15, OPENS = 2000, ASKED_OPENS = 200 };

static int compare(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static int median(int *values)
{
	qsort(values, ROUNDS, sizeof(*values), compare);
	return values[ROUNDS / 2];
}

static void report(const char *what, int ns, int bare)
{
	printf("%-40s %8d ns an open  %6.2f x\n", what, ns, (double)ns / bare);
}

int main(void)
{
	static int bare[ROUNDS], asked[ROUNDS], kept[ROUNDS];
	const es_event_type_t type = ES_AUTH(OPEN);
	struct keeper keeper = {};
	struct actor actor;
	const char *file;
	bool keeps;
	int base;

	test_begin(200);
	file = test_at("file");
	test_write_file(file, "text", 0644);
	test_daemon(NULL);
	keeper_start(&keeper, KEEP_ALL);
	keeper.client->counting = true;
	actor = actor_start("actor");
	actor_do(&actor, ACT_TIME, OPENS, file);
	for (int i = 0; i < ROUNDS; i++) {
		bare[i] = actor_do(&actor, ACT_TIME, OPENS, file);
		REQUIRE(es_subscribe(keeper.client->client, &type, 1) == ES_RETURN_SUCCESS);
		keeper.cache = false;
		asked[i] = actor_do(&actor, ACT_TIME, ASKED_OPENS, file);
		keeper.cache = true;
		actor_do(&actor, ACT_OPEN, O_RDONLY, file);
		kept[i] = actor_do(&actor, ACT_TIME, OPENS, file);
		REQUIRE(es_unsubscribe(keeper.client->client, &type, 1) == ES_RETURN_SUCCESS);
	}
	keeps = keeper.asked <= ROUNDS * (ASKED_OPENS + 1);
	base = median(bare);
	report("nobody subscribed", base, base);
	report("a client is asked about AUTH_OPEN", median(asked), base);
	if (keeps)
		report("its answer was kept", median(kept), base);
	else
		printf("no answers are kept here: %s\n", "esctl cache says why");
	actor_stop(&actor);
	return test_end();
}
