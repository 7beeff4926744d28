/* SPDX-License-Identifier: MIT */

/*
 * A daemon that hangs (the test stops it) delays no task: tasks that wait for a late or dead client go on as if the
 * daemon ran. When it goes on, it knows what the warden did in its place.
 */

#include "waiters.h"

enum { DEADLINE_MS = 500, SPARE_MS = 250 };

static bool by_warden(pid_t client)
{
	char command[4200], wanted[64], line[2048];
	FILE *output;
	bool found = false;

	snprintf(command, sizeof(command), "%s history", test_built("tools/esctl"));
	snprintf(wanted, sizeof(wanted), "pid %d ", client);
	output = popen(command, "re");
	REQUIRE(output != NULL);
	while (fgets(line, sizeof(line), output))
		found |= strstr(line, wanted) && strstr(line, "missed") && strstr(line, "AUTH_OPEN of ") &&
			 strstr(line, "(by the warden)");
	pclose(output);
	return found;
}

static int open_once(void *context)
{
	int fd = open(context, O_RDONLY);

	return fd < 0 ? errno : 0;
}

int main(void)
{
	uint64_t begin;
	pid_t daemon, holder;

	test_begin(60);
	waiters_prepare();
	daemon = test_daemon("--deadline-ms", "500", NULL);

	/* It holds, and never answers. */
	holder = holder_start();
	REQUIRE(kill(daemon, SIGSTOP) == 0);
	begin = test_now();
	waiters_start();
	waiters_expect(begin, DEADLINE_MS + SPARE_MS);
	CHECK_EQUAL(WTERMSIG(test_wait(holder)), SIGKILL);
	CHECK_EQUAL(test_run(open_once, (void *)test_at("held-0")), 0);
	REQUIRE(kill(daemon, SIGCONT) == 0);
	CHECK(by_warden(holder));

	/* It dies. */
	holder = holder_start();
	REQUIRE(kill(daemon, SIGSTOP) == 0);
	waiters_start();
	holder_await(WAITERS);
	CHECK(waiters_waiting());
	begin = test_now();
	REQUIRE(kill(holder, SIGKILL) == 0);
	waiters_expect(begin, SPARE_MS);
	CHECK_EQUAL(WTERMSIG(test_wait(holder)), SIGKILL);
	CHECK_EQUAL(test_run(open_once, (void *)test_at("held-0")), 0);
	REQUIRE(kill(daemon, SIGCONT) == 0);

	/* And all is as before. */
	holder = holder_start();
	waiters_start();
	holder_await(WAITERS);
	CHECK(waiters_waiting());
	begin = test_now();
	REQUIRE(kill(holder, SIGKILL) == 0);
	waiters_expect(begin, SPARE_MS);
	test_wait(holder);
	return test_end();
}
