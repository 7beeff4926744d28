/* SPDX-License-Identifier: MIT */

/*
 * After fork() the child can't use its parent's client: each call fails, none of its answers counts, and its exit
 * changes nothing. It may make a client of its own.
 */

#include "es-test.h"

static struct test_client *parents;

static void hold(struct test_client *client, const es_message_t *message)
{
	(void)client;
	(void)message;
}

static int opens(void *context)
{
	int fd = open(context, O_RDONLY);

	return fd < 0 ? errno : 0;
}

static int meddle(void *context)
{
	const es_message_t *message = context;
	es_client_t *es = parents->client;
	es_event_type_t type = ES_NOTIFY(EXIT), *types = NULL;
	size_t count;

	CHECK(es_respond_flags_result(es, message, 0, false) != ES_RESPOND_RESULT_SUCCESS);
	CHECK_EQUAL(es_subscribe(es, &type, 1), ES_RETURN_ERROR);
	CHECK_EQUAL(es_unsubscribe_all(es), ES_RETURN_ERROR);
	CHECK_EQUAL(es_subscriptions(es, &count, &types), ES_RETURN_ERROR);
	CHECK_EQUAL(es_delete_client(es), ES_RETURN_ERROR);
	return test_end_child();
}

static int own_client(void *context)
{
	struct test_client *client = test_client(NULL, NULL);

	(void)context;
	test_subscribe(client, ES_NOTIFY(EXIT), -1);
	CHECK_EQUAL(es_delete_client(client->client), ES_RETURN_SUCCESS);
	return test_end_child();
}

int main(void)
{
	const es_message_t *message;
	const char *path;
	pid_t pid;

	test_begin(20);
	path = test_at("file");
	test_write_file(path, "", 0644);
	test_daemon(NULL);
	parents = test_client(hold, NULL);
	test_subscribe(parents, ES_AUTH(OPEN), -1);
	pid = test_fork(opens, (void *)path);
	message = AWAIT(parents, .type = ES_AUTH(OPEN), .pid = pid);
	REQUIRE(message != NULL);

	CHECK_EQUAL(test_run(meddle, (void *)message), 0);
	CHECK_EQUAL(test_run(own_client, NULL), 0);
	CHECK_EQUAL(test_wait_ms(pid, 50), -1);
	CHECK_EQUAL(es_respond_flags_result(parents->client, message, UINT32_MAX, false), ES_RESPOND_RESULT_SUCCESS);
	CHECK_EQUAL(test_wait(pid), 0);

	/* The parent's client is as it was. */
	pid = test_fork(opens, (void *)path);
	message = AWAIT(parents, .type = ES_AUTH(OPEN), .pid = pid);
	REQUIRE(message != NULL);
	test_deny(parents, message);
	CHECK_EQUAL(WEXITSTATUS(test_wait(pid)), EPERM);
	return test_end();
}
