/* SPDX-License-Identifier: MIT */

/*
 * When es_delete_client() returns, no handler runs or will run, held operations have gone on, and retained messages
 * can still be read. The handler can't call it.
 */

#include "waiters.h"

static unsigned int calls;
static es_return_t inside = ES_RETURN_SUCCESS;

static void hold(struct test_client *client, const es_message_t *message)
{
	(void)message;
	if (__atomic_add_fetch(&calls, 1, __ATOMIC_ACQ_REL) == 1)
		inside = es_delete_client(client->client);
}

static int open_once(void *context)
{
	int fd = open(context, O_RDONLY);

	return fd < 0 ? errno : 0;
}

int main(void)
{
	struct test_client *client;
	const es_message_t *message;
	unsigned int before;
	uint64_t begin;

	test_begin(30);
	CHECK_EQUAL(es_delete_client(NULL), ES_RETURN_SUCCESS);
	waiters_prepare();
	test_daemon(NULL);
	client = test_client(hold, NULL);
	test_subscribe(client, ES_AUTH(OPEN), -1);
	waiters_start();
	while (__atomic_load_n(&calls, __ATOMIC_ACQUIRE) < WAITERS)
		test_sleep_ms(1);
	CHECK(waiters_waiting());
	test_sync(client);
	CHECK_EQUAL(inside, ES_RETURN_ERROR);

	begin = test_now();
	CHECK_EQUAL(es_delete_client(client->client), ES_RETURN_SUCCESS);
	client->client = NULL;
	before = __atomic_load_n(&calls, __ATOMIC_ACQUIRE);
	waiters_expect(begin, 500);
	CHECK_EQUAL(test_run(open_once, (void *)test_at("held-0")), 0);
	CHECK_EQUAL(__atomic_load_n(&calls, __ATOMIC_ACQUIRE), before);
	message = FIND(client, .type = ES_AUTH(OPEN), .path = test_at("held-3"));
	REQUIRE(message != NULL);
	CHECK(strlen(message->process->executable->path.data) > 0);
	test_client_delete(client);
	return test_end();
}
