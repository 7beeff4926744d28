/* SPDX-License-Identifier: MIT */

/* A daemon that is limited to one mount and one cgroup delivers, and asks about, nothing else. */

#include "es-test.h"

static char inner[4200];			/* a cgroup below the test's own */

static void into_cgroup(const char *folder)
{
	char path[4300];
	int fd;

	snprintf(path, sizeof(path), "%s/cgroup.procs", folder);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "0", 1) != 1)
		_exit(100);
	close(fd);
}

static int opens(void *context)
{
	int fd = open(context, O_RDONLY);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static int opens_inside(void *context)
{
	into_cgroup(inner);
	return opens(context);
}

static int forks_inside(void *context)
{
	into_cgroup(inner);
	return test_run(opens, context);
}

static void expect(struct test_client *client, test_child_f *function, const char *path, size_t count)
{
	pid_t pid = test_fork(function, (void *)path);

	CHECK_EQUAL(test_wait(pid), 0);
	test_sync(client);
	CHECK_EQUAL(COUNT(client, .type = ES_NOTIFY(OPEN), .pid = pid, .path = path), count);
	CHECK_EQUAL(COUNT(client, .type = ES_AUTH(OPEN), .pid = pid, .path = path), count);
	if (function == opens)
		CHECK_EQUAL(COUNT(client, .type = ES_NOTIFY(EXIT), .pid = pid), 0);
	else
		CHECK_EQUAL(COUNT(client, .type = ES_NOTIFY(EXIT), .pid = pid), 1);
}

int main(void)
{
	const char *cgroup = getenv("ES_TEST_CGROUP"), *path;
	struct test_client *client;
	char outside[4200];

	test_begin(20);
	if (!cgroup)
		test_skip("cgroup v2 (run by tests/harness/run)");
	snprintf(inner, sizeof(inner), "%.4000s/inner", cgroup);
	REQUIRE(mkdir(inner, 0755) == 0);
	path = test_at("file");
	test_write_file(path, "", 0644);
	snprintf(outside, sizeof(outside), "%.4000s/outside", test_dir);
	test_write_file(outside, "", 0644);
	setenv("ES_TEST_CGROUP", inner, 1);		/* for the daemon */
	test_daemon_own();
	client = test_client(NULL, NULL);
	test_subscribe(client, ES_AUTH(OPEN), ES_NOTIFY(OPEN), ES_NOTIFY(EXIT), ES_NOTIFY(FORK), -1);

	expect(client, opens_inside, path, 1);
	expect(client, opens_inside, outside, 0);	/* another mount */
	expect(client, opens, path, 0);			/* another cgroup */
	expect(client, opens, outside, 0);
	CHECK_EQUAL(COUNT(client, .type = ES_NOTIFY(FORK)), 0);
	CHECK_EQUAL(test_run(forks_inside, (void *)path), 0);
	test_sync(client);
	CHECK_EQUAL(COUNT(client, .type = ES_NOTIFY(FORK)), 1);
	return test_end();
}
