/* SPDX-License-Identifier: MIT */

/*
 * The test kills the daemon while ten tasks wait for a client's answers: all go on within 100 ms, the client learns of
 * it and can be deleted, and once there is a daemon again the program can make a new client.
 */

#include "waiters.h"

static void hold(struct test_client *client, const es_message_t *message)
{
	(void)client;
	(void)message;
}

static int open_once(void *context)
{
	int fd = open(context, O_RDONLY);

	return fd < 0 ? errno : 0;
}

static void await_held(struct test_client *client)
{
	uint64_t limit = test_now() + 5000000000ull * test_slow();

	while (COUNT(client, .type = ES_AUTH(OPEN)) < WAITERS) {
		REQUIRE(test_now() < limit);
		test_sleep_ms(1);
	}
}

int main(void)
{
	struct test_client *client;
	const es_message_t *message;
	uint64_t killed;

	test_begin(30);
	waiters_prepare();
	test_daemon_own();
	client = test_client(hold, NULL);
	test_subscribe(client, ES_AUTH(OPEN), -1);
	waiters_start();
	await_held(client);
	CHECK(waiters_waiting());
	CHECK(!es_linux_stream_ended(client->client));
	killed = test_now();
	CHECK_EQUAL(WTERMSIG(test_daemon_stop(SIGKILL)), SIGKILL);
	waiters_expect(killed, 100);

	CHECK_EQUAL(test_run(open_once, (void *)test_at("held-0")), 0);
	for (int i = 0; i < 1000 && !es_linux_stream_ended(client->client); i++)
		test_sleep_ms(1);
	CHECK(es_linux_stream_ended(client->client));
	message = FIND(client, .type = ES_AUTH(OPEN));
	CHECK(es_respond_flags_result(client->client, message, 0, false) != ES_RESPOND_RESULT_SUCCESS);
	CHECK(es_subscribe(client->client, &(es_event_type_t){ES_NOTIFY(OPEN)}, 1) == ES_RETURN_ERROR);
	test_client_delete(client);

	test_daemon_own();
	client = test_client(NULL, NULL);
	test_subscribe(client, ES_AUTH(OPEN), -1);
	CHECK_EQUAL(test_run(open_once, (void *)test_at("held-0")), 0);
	test_sync(client);
	CHECK_EQUAL(COUNT(client, .type = ES_AUTH(OPEN)), 1);
	return test_end();
}
