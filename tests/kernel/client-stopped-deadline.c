/* SPDX-License-Identifier: MIT */

/*
 * A client that doesn't answer in time, because it is stopped or just doesn't, is killed by the daemon, and the
 * operations that waited for it go on as if allowed.
 */

#include "waiters.h"

enum { DEADLINE_MS = 500, SPARE_MS = 300 };

static void expect_killed(pid_t holder)
{
	uint64_t begin = test_now();

	waiters_start();
	waiters_expect(begin, DEADLINE_MS + SPARE_MS);
	CHECK_EQUAL(WTERMSIG(test_wait(holder)), SIGKILL);
}

int main(void)
{
	pid_t holder;
	int status;

	test_begin(40);
	waiters_prepare();
	test_daemon("--deadline-ms", "500", NULL);

	holder = holder_start();
	expect_killed(holder);

	holder = holder_start();
	REQUIRE(kill(holder, SIGSTOP) == 0 && waitpid(holder, &status, WUNTRACED) == holder);
	expect_killed(holder);
	return test_end();
}
