/* SPDX-License-Identifier: MIT */

/*
 * 20,000 execs and 200,000 opens as fast as the machine can: each message arrives or is counted in a gap, and the sum
 * is exact.
 */

#include "es-test.h"

#include <spawn.h>

enum { EXECS = 5000, OPENS = 200000 };

static int execs(void *context)
{
	char *argv[] = {"tiny", NULL}, *envp[] = {NULL};

	for (int i = 0; i < EXECS; i++) {
		pid_t pid;
		int status;

		if (posix_spawn(&pid, context, NULL, NULL, argv, envp) || waitpid(pid, &status, 0) != pid || status)
			return 1;
	}
	return 0;
}

static int opens(void *context)
{
	for (int i = 0; i < OPENS; i++) {
		int fd = open(context, O_RDONLY);

		if (fd < 0)
			return errno;
		close(fd);
	}
	return 0;
}

static int one_more(void *context)
{
	char *argv[] = {"tiny", NULL};
	int status, fd;
	pid_t pid;

	fd = open(context, O_RDONLY);
	pid = fork();
	if (pid == 0) {
		execv(context, argv);
		_exit(99);
	}
	return fd < 0 || waitpid(pid, &status, 0) != pid ? 1 : status;
}

/* In this test every fork, exec and exit of its cgroup is its own, so the numbers are known. */
static void account(struct test_client *client, es_event_type_t type, uint64_t expected)
{
	uint64_t gaps = client->next_seq[type] - client->received[type];

	printf("%s: %llu received, %llu lost\n", es_linux_event_name(type), (unsigned long long)client->received[type],
	       (unsigned long long)gaps);
	CHECK_EQUAL(client->received[type] + gaps, expected);
}

static int wait_long(pid_t pid)
{
	int status = test_wait_ms(pid, 100000);

	CHECK(status != -1);
	return status;
}

int main(void)
{
	struct test_client *client;
	const char *tiny;

	test_begin(115);
	if (!getenv("ES_TEST_CGROUP"))
		test_skip("cgroup v2 (run by tests/harness/run)");
	tiny = test_tiny("tiny");
	test_daemon(NULL);
	client = test_client(NULL, NULL);
	client->counting = true;
	test_subscribe(client, ES_NOTIFY(FORK), ES_NOTIFY(EXEC), ES_NOTIFY(EXIT), ES_NOTIFY(OPEN), -1);

	CHECK_EQUAL(wait_long(test_fork(execs, (void *)tiny)), 0);
	CHECK_EQUAL(wait_long(test_fork(opens, (void *)tiny)), 0);
	test_sync(client);
	CHECK_EQUAL(test_run(one_more, (void *)tiny), 0);	/* shows what was lost last */
	test_sync(client);

	account(client, ES_NOTIFY(EXEC), EXECS + 1);
	account(client, ES_NOTIFY(OPEN), OPENS + 1);
	account(client, ES_NOTIFY(FORK), EXECS + 4);
	account(client, ES_NOTIFY(EXIT), EXECS + 4);
	CHECK_EQUAL(client->next_global, 3 * EXECS + OPENS + 10);
	CHECK(!client->disorder);
	return test_end();
}
