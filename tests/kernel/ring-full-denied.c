/* SPDX-License-Identifier: MIT */

/*
 * With the tracepoint sensor an operation is allowed if its AUTH message finds the client's ring full, or denied if
 * the client fails closed (fact 21). With the lsm sensor it waits for room: tests/attacks/ring-without-room.c.
 */

#include "es-test.h"

static int open_once(void *context)
{
	int fd = open(context, O_RDONLY);

	return fd < 0 ? errno : 0;
}

static void fill(const char *path)
{
	for (int i = 0; i < 3000; i++)
		close(open(path, O_RDONLY));
}

static void expect(struct test_client *client, es_deadline_miss_mode_t mode, int error)
{
	const char *path = test_at("file");
	uint64_t begin;

	CHECK_EQUAL(es_set_deadline_miss_mode(client->client, mode), ES_RETURN_SUCCESS);
	/* The handler takes client->lock to collect: holding it stops the handler. */
	pthread_mutex_lock(&client->lock);
	fill(path);
	begin = test_now();
	CHECK_EQUAL(WEXITSTATUS(test_run(open_once, (void *)path)), error);
	CHECK(test_now() - begin < 5000000000ull * test_slow());
	pthread_mutex_unlock(&client->lock);
	test_sync(client);
	CHECK_EQUAL(client->received[ES_AUTH(OPEN)], 0);
}

int main(void)
{
	struct test_client *client;

	test_begin(60);
	test_write_file(test_at("file"), "", 0644);
	test_daemon("--ring-size", "65536", "--sensor", "tracepoint", NULL);
	client = test_client(NULL, NULL);
	client->counting = true;
	test_subscribe(client, ES_AUTH(OPEN), ES_NOTIFY(OPEN), -1);
	expect(client, ES_DEADLINE_MISS_MODE_KILL, 0);
	expect(client, ES_DEADLINE_MISS_MODE_FAIL_CLOSED, EPERM);
	expect(client, ES_DEADLINE_MISS_MODE_FAIL_OPEN, 0);

	CHECK_EQUAL(test_run(open_once, (void *)test_at("file")), 0);
	test_sync(client);
	CHECK_EQUAL(client->received[ES_AUTH(OPEN)], 1);
	CHECK_EQUAL(client->next_seq[ES_AUTH(OPEN)], 4);	/* the three are a gap (fact 19) */
	return test_end();
}
