/* SPDX-License-Identifier: MIT */

/* The daemon dies; its client learns of it, and the same process makes a new client with the next daemon. */

#include "es-test.h"

#include <poll.h>

static int opens(void *context)
{
	int fd = open(context, O_RDONLY);

	return fd < 0 ? errno : 0;
}

static void works(struct test_client *client, const char *path)
{
	pid_t pid = test_fork(opens, (void *)path);

	CHECK_EQUAL(test_wait(pid), 0);
	test_sync(client);
	CHECK_EQUAL(COUNT(client, .type = ES_AUTH(OPEN), .pid = pid), 1);
	CHECK_EQUAL(COUNT(client, .type = ES_NOTIFY(OPEN), .pid = pid), 1);
}

static bool learns(const struct test_client *client)
{
	for (int i = 0; i < 2000 && !es_linux_stream_ended(client->client); i++)
		test_sleep_ms(1);
	return es_linux_stream_ended(client->client);
}

/* The stream's end shows by its descriptor too. */
static bool is_readable(const struct test_client *client)
{
	struct pollfd fd = { .fd = es_linux_stream_end_fd(client->client), .events = POLLIN };

	return poll(&fd, 1, 0) == 1 && fd.revents == POLLIN;
}

int main(void)
{
	static const es_event_type_t types[] = {ES_NOTIFY(EXIT)};
	struct test_client *client;
	es_deadline_miss_mode_t mode;
	const char *path;

	test_begin(60);
	path = test_at("file");
	test_write_file(path, "", 0644);
	for (int i = 0; i < 3; i++) {
		test_daemon_own();
		client = test_client(NULL, NULL);
		test_subscribe(client, ES_AUTH(OPEN), ES_NOTIFY(OPEN), -1);
		works(client, path);
		CHECK(!es_linux_stream_ended(client->client) && !is_readable(client));
		test_daemon_stop(i == 1 ? SIGTERM : SIGKILL);
		CHECK(learns(client));
		CHECK(is_readable(client));
		CHECK_EQUAL(es_subscribe(client->client, types, 1), ES_RETURN_ERROR);
		CHECK_EQUAL(es_get_deadline_miss_mode(client->client, &mode), ES_RETURN_ERROR);
		CHECK_EQUAL(test_run(opens, (void *)path), 0);
		test_client_delete(client);
	}
	unlink(getenv("ENDPOINTSECURITY_SOCKET"));	/* of the daemon that was killed */
	return test_end();
}
