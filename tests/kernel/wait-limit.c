/* SPDX-License-Identifier: MIT */
/*
 * If the administrator limits how long the kernel waits for FUSE servers, no deadline is as long as that, and `esctl
 * capabilities` says so. If a client uses all of its time, the daemon answers for it or kills it, and the kernel
 * doesn't abort its connection.
 */
#include "es-test.h"

#define LIMIT "/proc/sys/fs/fuse/max_request_timeout"

static void set_limit(const char *seconds)
{
	int fd = open(LIMIT, O_WRONLY | O_CLOEXEC);

	REQUIRE(fd >= 0 && write(fd, seconds, strlen(seconds)) > 0);
	close(fd);
}

static uint32_t deadline_of_open(struct test_client *client)
{
	es_event_type_t type = ES_AUTH(OPEN);
	uint32_t ms = 0;

	REQUIRE(es_get_deadline_max_milliseconds(client->client, type, &ms) == ES_RETURN_SUCCESS);
	return ms;
}

int main(void)
{
	struct test_client *client;

	test_begin(60);
	if (access(LIMIT, W_OK))
		test_skip("a limit of the kernel's for FUSE servers (6.18), and FUSE");
	test_daemon("--deadline-ms", "20000", NULL);
	if (!test_has_gate())
		test_skip("BPF LSM");
	client = test_client(NULL, NULL);
	CHECK_EQUAL(deadline_of_open(client), 20000);
	CHECK(system(test_built("tools/esctl capabilities open | grep -q 'deadlines are at most'")) != 0);
	test_client_delete(client);
	CHECK_EQUAL(test_daemon_stop(SIGTERM), 0);

	set_limit("10");
	test_daemon("--deadline-ms", "20000", NULL);
	client = test_client(NULL, NULL);
	CHECK_EQUAL(deadline_of_open(client), 2375);		/* four times that is within it */
	CHECK(system(test_built("tools/esctl capabilities open | grep -q 'deadlines are at most 2.3 s'")) == 0);
	set_limit("0");
	return test_end();
}
