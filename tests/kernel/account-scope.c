/* SPDX-License-Identifier: MIT */

/*
 * A change by a process outside of the daemon's cgroup is reported to no client, and not as a later process's change.
 */

#include "es-test.h"

static char inner[4200];

static int append(void *context)
{
	FILE *file = fopen(test_at("etc/passwd"), "ae");

	return !file || fputs(context, file) < 0 || fclose(file) != 0;
}

static int append_inside(void *context)
{
	char path[4300];
	FILE *file;

	snprintf(path, sizeof(path), "%s/cgroup.procs", inner);
	file = fopen(path, "we");
	REQUIRE(file && fputs("0", file) >= 0 && fclose(file) == 0);
	return append(context);
}

int main(void)
{
	char outside[] = "out:x:1:1:::\n", inside[] = "in:x:2:1:::\n";
	const char *cgroup = getenv("ES_TEST_CGROUP");
	const es_message_t *message;
	struct test_client *client;
	pid_t pid;

	test_begin(60);
	if (!cgroup)
		test_skip("cgroup v2 (run by tests/harness/run)");
	snprintf(inner, sizeof(inner), "%.4000s/inner", cgroup);
	REQUIRE(mkdir(inner, 0755) == 0 && mkdir(test_at("etc"), 0755) == 0);
	test_write_file(test_at("etc/passwd"), "root:x:0:0:::\n", 0644);
	setenv("ES_TEST_CGROUP", inner, 1);		/* for the daemon */
	test_daemon("--accounts", test_at("etc"), NULL);
	client = test_client(NULL, NULL);
	test_subscribe(client, ES_NOTIFY(OD_CREATE_USER), -1);

	CHECK_EQUAL(test_wait(test_fork(append, outside)), 0);
	test_sleep_ms(200 * test_slow());
	pid = test_fork(append_inside, inside);
	CHECK_EQUAL(test_wait(pid), 0);
	message = AWAIT(client, .type = ES_NOTIFY(OD_CREATE_USER), .pid = pid);
	REQUIRE(message != NULL);
	CHECK_TOKEN(message->event.od_create_user->user_name, "in");
	CHECK_EQUAL(COUNT(client, .type = -1), 1);
	return test_end();
}
