/* SPDX-License-Identifier: MIT */

/*
 * A client is killed while ten tasks wait for its answers: all go on within 100 ms, and the daemon serves the next
 * client.
 */

#include "waiters.h"

static int open_once(void *context)
{
	int fd = open(context, O_RDONLY);

	return fd < 0 ? errno : 0;
}

int main(void)
{
	struct test_client *next;
	uint64_t killed;
	pid_t holder;

	test_begin(30);
	waiters_prepare();
	test_daemon(NULL);
	holder = holder_start();
	waiters_start();
	holder_await(WAITERS);
	CHECK(waiters_waiting());
	killed = test_now();
	REQUIRE(kill(holder, SIGKILL) == 0);
	waiters_expect(killed, 100);
	CHECK_EQUAL(WTERMSIG(test_wait(holder)), SIGKILL);

	CHECK_EQUAL(test_run(open_once, (void *)test_at("held-0")), 0);	/* no client is left to ask */
	next = test_client(NULL, NULL);
	test_subscribe(next, ES_AUTH(OPEN), -1);
	CHECK_EQUAL(test_run(open_once, (void *)test_at("held-0")), 0);
	test_sync(next);
	CHECK_EQUAL(COUNT(next, .type = ES_AUTH(OPEN)), 1);
	return test_end();
}
