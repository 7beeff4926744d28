/* SPDX-License-Identifier: MIT */

/* seq_num counts by type and global_seq_num over all types, for each client, from 0 and by one. */

#include "es-test.h"

enum { ROUNDS = 50 };

static int open_and_close(void *context)
{
	for (int i = 0; i < ROUNDS; i++) {
		int fd = open(context, O_RDONLY);

		if (fd < 0)
			return errno;
		close(fd);
	}
	return 0;
}

static void check_numbers(struct test_client *client)
{
	uint64_t next[ES_EVENT_TYPE_LAST] = {0}, next_global = 0;

	for (size_t i = 0; i < client->count; i++) {
		const es_message_t *message = client->message[i];

		CHECK_EQUAL(message->seq_num, next[message->event_type]++);
		CHECK_EQUAL(message->global_seq_num, next_global++);
	}
}

int main(void)
{
	struct test_client *one, *two;
	const char *path;

	test_begin(20);
	path = test_at("file");
	test_write_file(path, "", 0644);
	test_daemon(NULL);
	one = test_client(NULL, NULL);
	two = test_client(NULL, NULL);
	test_subscribe(one, ES_NOTIFY(OPEN), ES_NOTIFY(CLOSE), ES_AUTH(OPEN), -1);
	CHECK_EQUAL(test_run(open_and_close, (void *)path), 0);
	test_subscribe(two, ES_NOTIFY(OPEN), -1);	/* its numbers are its own */
	CHECK_EQUAL(test_run(open_and_close, (void *)path), 0);
	test_sync(one);
	test_sync(two);
	CHECK_EQUAL(COUNT(one, .type = ES_NOTIFY(OPEN), .path = path), 2 * ROUNDS);
	CHECK_EQUAL(COUNT(one, .type = ES_NOTIFY(CLOSE), .path = path), 2 * ROUNDS);
	CHECK_EQUAL(COUNT(one, .type = ES_AUTH(OPEN), .path = path), 2 * ROUNDS);
	CHECK_EQUAL(COUNT(two, .type = ES_NOTIFY(OPEN), .path = path), ROUNDS);
	check_numbers(one);
	check_numbers(two);
	return test_end();
}
