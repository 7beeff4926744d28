/* SPDX-License-Identifier: MIT */

/*
 * If an ordinary user asks for capabilities, the daemon loads no kernel program. If root asks, it does. Root asks for one
 * event, since the programs of all would take minutes in a guest.
 */

#include "attack.h"

#include "loaded.h"

static int ask(uid_t user, const char *event)
{
	int out = open("/dev/null", O_WRONLY);

	dup2(out, STDOUT_FILENO);
	if (setuid(user) < 0)
		return 201;
	execl(test_built("tools/esctl"), "esctl", "capabilities", event, NULL);
	return 202;
}

static int ask_as_anybody(void *context)
{
	(void)context;
	return ask(4714, NULL);
}

static int ask_as_root(void *context)
{
	(void)context;
	return ask(0, "settime");
}

int main(void)
{
	struct loaded before, after;
	pid_t daemon;

	test_begin(100);
	daemon = test_daemon_own();
	before = loaded_read(daemon);
	CHECK(before.count > 0);
	(void)test_wait_ms(test_fork(ask_as_anybody, NULL), 30000 * test_slow());
	after = loaded_read(daemon);
	CHECK_EQUAL(after.count, before.count);
	CHECK_EQUAL(test_wait_ms(test_fork(ask_as_root, NULL), 60000 * test_slow()), 0);
	after = loaded_read(daemon);
	CHECK(after.count > before.count);
	return test_end();
}
