/* SPDX-License-Identifier: MIT */

/* Subscriptions are a set that changes while the client runs: events of types in it come, and no others. */

#include "es-test.h"

static int open_and_close(void *context)
{
	int fd = open(context, O_RDONLY);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static size_t count_of(struct test_client *client, es_event_type_t type, const char *path)
{
	pid_t pid;

	test_clear(client);
	pid = test_fork(open_and_close, (void *)path);
	CHECK_EQUAL(test_wait(pid), 0);
	test_sync(client);
	return COUNT(client, .type = (int)type, .pid = pid, .path = path);
}

static bool subscribed(struct test_client *client, es_event_type_t type, size_t *ret_count)
{
	es_event_type_t *types = NULL;
	bool found = false;

	REQUIRE(es_subscriptions(client->client, ret_count, &types) == ES_RETURN_SUCCESS);
	for (size_t i = 0; i < *ret_count; i++)
		found |= types[i] == type;
	free(types);
	return found;
}

int main(void)
{
	static const es_event_type_t opens[] = {ES_NOTIFY(OPEN)}, closes[] = {ES_NOTIFY(CLOSE)},
				     strange[] = {(es_event_type_t)5000, ES_NOTIFY(CLOSE), ES_EVENT_TYPE_LAST},
				     never[] = {ES_NOTIFY(IOKIT_OPEN), ES_NOTIFY(TCC_MODIFY), ES_AUTH(SEARCHFS)},
				     closed[] = {ES_EVENT_TYPE_RESERVED_0},
				     partly[] = {ES_NOTIFY(EXIT), ES_EVENT_TYPE_RESERVED_0};
	struct test_client *client;
	const char *path;
	size_t count;

	test_begin(20);
	path = test_at("file");
	test_write_file(path, "", 0644);
	test_daemon(NULL);
	client = test_client(NULL, NULL);

	CHECK(!subscribed(client, ES_NOTIFY(OPEN), &count) && count == 0);
	CHECK_EQUAL(count_of(client, ES_NOTIFY(OPEN), path), 0);

	CHECK_EQUAL(es_subscribe(client->client, opens, 1), ES_RETURN_SUCCESS);
	CHECK_EQUAL(es_subscribe(client->client, opens, 1), ES_RETURN_SUCCESS);	/* a set */
	CHECK(subscribed(client, ES_NOTIFY(OPEN), &count) && count == 1);
	CHECK_EQUAL(count_of(client, ES_NOTIFY(OPEN), path), 1);
	CHECK_EQUAL(COUNT(client, .type = ES_NOTIFY(CLOSE)), 0);

	/* Adding keeps; what isn't an event is skipped; none at all is no error. */
	CHECK_EQUAL(es_subscribe(client->client, strange, 3), ES_RETURN_SUCCESS);
	CHECK_EQUAL(es_subscribe(client->client, strange, 0), ES_RETURN_SUCCESS);
	CHECK(subscribed(client, ES_NOTIFY(CLOSE), &count) && count == 2);
	CHECK_EQUAL(count_of(client, ES_NOTIFY(OPEN), path), 1);
	CHECK_EQUAL(COUNT(client, .type = ES_NOTIFY(CLOSE), .path = path), 1);

	/* What never happens on Linux is accepted. What is refused changes nothing. */
	CHECK_EQUAL(es_subscribe(client->client, never, 3), ES_RETURN_SUCCESS);
	CHECK_EQUAL(es_unsubscribe(client->client, never, 3), ES_RETURN_SUCCESS);
	CHECK_EQUAL(es_subscribe(client->client, closed, 1), ES_RETURN_ERROR);
	CHECK_EQUAL(es_subscribe(client->client, partly, 2), ES_RETURN_ERROR);
	CHECK(!subscribed(client, ES_NOTIFY(EXIT), &count) && count == 2);

	/* Taking away, also what isn't there. */
	CHECK_EQUAL(es_unsubscribe(client->client, opens, 1), ES_RETURN_SUCCESS);
	CHECK_EQUAL(es_unsubscribe(client->client, opens, 1), ES_RETURN_SUCCESS);
	CHECK(!subscribed(client, ES_NOTIFY(OPEN), &count) && count == 1);
	CHECK_EQUAL(count_of(client, ES_NOTIFY(OPEN), path), 0);
	CHECK_EQUAL(COUNT(client, .type = ES_NOTIFY(CLOSE), .path = path), 1);
	CHECK_EQUAL(es_unsubscribe(client->client, closes, 0), ES_RETURN_SUCCESS);
	CHECK_EQUAL(es_unsubscribe_all(client->client), ES_RETURN_SUCCESS);
	CHECK(!subscribed(client, ES_NOTIFY(CLOSE), &count) && count == 0);
	CHECK_EQUAL(count_of(client, ES_NOTIFY(CLOSE), path), 0);

	/* AUTH and NOTIFY are two subscriptions. */
	test_subscribe(client, ES_AUTH(OPEN), -1);
	CHECK_EQUAL(count_of(client, ES_AUTH(OPEN), path), 1);
	CHECK_EQUAL(COUNT(client, .type = ES_NOTIFY(OPEN)), 0);
	CHECK(!client->disorder);
	return test_end();
}
