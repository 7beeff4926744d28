/* SPDX-License-Identifier: MIT */

/*
 * The additional cost of an exec while a client is subscribed to NOTIFY_EXEC. Rounds with and without a subscription take
 * turns within one run, so that a change of the machine's speed affects both. Prints the median of each, and their ratio.
 */

#include "es-test.h"

#include <spawn.h>

enum { ROUNDS = 41, EXECS = 100 };

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Mean time of a vfork, exec, exit and wait in one round, in us. */
static double round_of_execs(const char *tiny)
{
	char *argv[] = {(char *)tiny, NULL}, *envp[] = {NULL};
	uint64_t begin = test_now();

	for (int i = 0; i < EXECS; i++) {
		pid_t pid;
		int status;

		REQUIRE(posix_spawn(&pid, tiny, NULL, NULL, argv, envp) == 0);
		REQUIRE(waitpid(pid, &status, 0) == pid && status == 0);
	}
	return (double)(test_now() - begin) / 1000 / EXECS;
}

static void report(const char *what, const double *sorted)
{
	printf("%-42s %8.1f us an exec (quartiles %.1f, %.1f)\n", what, sorted[ROUNDS / 2], sorted[ROUNDS / 4],
	       sorted[ROUNDS * 3 / 4]);
}

int main(void)
{
	static double bare[ROUNDS], watched[ROUNDS];
	const es_event_type_t type = ES_NOTIFY(EXEC);
	struct test_client *client;
	const char *tiny;

	test_begin(120);
	tiny = test_tiny("tiny");
	test_daemon(NULL);
	client = test_client(NULL, NULL);
	client->counting = true;
	round_of_execs(tiny);
	for (int i = 0; i < ROUNDS; i++) {
		bare[i] = round_of_execs(tiny);
		REQUIRE(es_subscribe(client->client, &type, 1) == ES_RETURN_SUCCESS);
		watched[i] = round_of_execs(tiny);
		REQUIRE(es_unsubscribe(client->client, &type, 1) == ES_RETURN_SUCCESS);
	}
	test_sync(client);
	REQUIRE(client->received[type] >= (uint64_t)ROUNDS * EXECS);

	qsort(bare, ROUNDS, sizeof(*bare), compare);
	qsort(watched, ROUNDS, sizeof(*watched), compare);
	report("nobody subscribed", bare);
	report("a client subscribed to NOTIFY_EXEC", watched);
	printf("ratio %.3f: %+.1f us an exec\n", watched[ROUNDS / 2] / bare[ROUNDS / 2],
	       watched[ROUNDS / 2] - bare[ROUNDS / 2]);
	return test_end();
}
