/* SPDX-License-Identifier: MIT */

/* An ordinary user asks for capabilities, and no kernel program is loaded for it; root asks, and they are. */

#include "attack.h"

#include "loaded.h"

static int ask(void *user)
{
	int out = open("/dev/null", O_WRONLY);

	dup2(out, STDOUT_FILENO);
	if (setuid((uid_t)(uintptr_t)user) < 0)
		return 201;
	execl(test_built("tools/esctl"), "esctl", "capabilities", NULL);
	return 202;
}

int main(void)
{
	struct loaded before, after;
	pid_t daemon;

	test_begin(100);
	daemon = test_daemon_own();
	before = loaded_read(daemon);
	CHECK(before.count > 0);
	(void)test_wait_ms(test_fork(ask, (void *)(uintptr_t)4714), 30000 * test_slow());
	after = loaded_read(daemon);
	CHECK_EQUAL(after.count, before.count);
	CHECK_EQUAL(test_wait_ms(test_fork(ask, (void *)(uintptr_t)0), 60000 * test_slow()), 0);
	after = loaded_read(daemon);
	CHECK(after.count > before.count);
	return test_end();
}
