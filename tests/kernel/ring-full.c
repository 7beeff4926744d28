/* SPDX-License-Identifier: MIT */

/*
 * A client doesn't read: its ring fills, and the messages that don't fit are a gap of exactly that size. With the
 * tracepoint sensor an operation whose AUTH message doesn't fit is allowed at once.
 */

#include "es-test.h"

enum { OPENS = 3000 };

static int open_often(const char *path, int times)
{
	for (int i = 0; i < times; i++) {
		int fd = open(path, O_RDONLY);

		if (fd < 0)
			return errno;
		close(fd);
	}
	return 0;
}

static int open_once(void *context)
{
	return open_often(context, 1);
}

int main(void)
{
	struct test_client *slow;
	const char *path;
	uint64_t received;

	test_begin(30);
	path = test_at("file");
	test_write_file(path, "", 0644);
	test_daemon("--ring-size", "65536", NULL);
	slow = test_client(NULL, NULL);
	slow->counting = true;
	test_subscribe(slow, ES_AUTH(OPEN), -1);
	test_subscribe(slow, ES_NOTIFY(OPEN), -1);

	/* The handler takes client->lock to collect: holding it stops the handler. A client is not asked about itself. */
	pthread_mutex_lock(&slow->lock);
	CHECK_EQUAL(open_often(path, OPENS), 0);
	CHECK_EQUAL(test_run(open_once, (void *)path), 0);	/* no room to ask: it goes on */
	pthread_mutex_unlock(&slow->lock);
	test_sync(slow);
	received = slow->received[ES_NOTIFY(OPEN)];
	CHECK(received > 0 && received < OPENS);
	CHECK_EQUAL(slow->received[ES_AUTH(OPEN)], 0);

	/* The next messages show the gaps. */
	CHECK_EQUAL(test_run(open_once, (void *)path), 0);
	test_sync(slow);
	CHECK_EQUAL(slow->received[ES_NOTIFY(OPEN)], received + 1);
	CHECK_EQUAL(slow->next_seq[ES_NOTIFY(OPEN)], OPENS + 2);
	CHECK_EQUAL(slow->received[ES_AUTH(OPEN)], 1);
	CHECK_EQUAL(slow->next_seq[ES_AUTH(OPEN)], 2);
	CHECK_EQUAL(slow->next_global, OPENS + 4);
	CHECK(!slow->disorder);
	return test_end();
}
