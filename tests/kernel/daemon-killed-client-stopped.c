/* SPDX-License-Identifier: MIT */

/* The test kills the daemon while tasks wait for a stopped client, so neither can let them go: the tasks go on. */

#include "waiters.h"

int main(void)
{
	uint64_t killed;
	pid_t holder;
	int status;

	test_begin(30);
	waiters_prepare();
	test_daemon_own();
	holder = holder_start();
	REQUIRE(kill(holder, SIGSTOP) == 0 && waitpid(holder, &status, WUNTRACED) == holder);
	waiters_start();
	test_sleep_ms(50);
	CHECK(waiters_waiting());
	killed = test_now();
	CHECK_EQUAL(WTERMSIG(test_daemon_stop(SIGKILL)), SIGKILL);
	waiters_expect(killed, 200);
	CHECK_EQUAL(waitpid(holder, &status, WNOHANG), 0);	/* it is none the worse for it */
	REQUIRE(kill(holder, SIGKILL) == 0);
	CHECK_EQUAL(WTERMSIG(test_wait(holder)), SIGKILL);
	unlink(getenv("ENDPOINTSECURITY_SOCKET"));	/* a daemon killed so cannot take it away, and no other follows */
	return test_end();
}
