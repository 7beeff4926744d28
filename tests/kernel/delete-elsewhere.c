/* SPDX-License-Identifier: MIT */

/*
 * es_delete_client() fails on another thread than the client's own, and changes nothing (fact 193). After a deletion,
 * answers to held operations and all other calls are invalid.
 */

#include "es-test.h"

static void hold(struct test_client *client, const es_message_t *message)
{
	(void)client;
	(void)message;
}

static void *delete_it(void *client)
{
	CHECK_EQUAL(es_delete_client(client), ES_RETURN_ERROR);
	return NULL;
}

static int opens(void *context)
{
	int fd = open(context, O_RDONLY);

	return fd < 0 ? errno : 0;
}

int main(void)
{
	static const es_event_type_t types[] = {ES_AUTH(OPEN)};
	struct test_client *client;
	const es_message_t *message;
	es_event_type_t *list;
	pthread_t thread;
	es_client_t *es;
	const char *path;
	size_t count;
	pid_t pid;

	test_begin(20);
	path = test_at("file");
	test_write_file(path, "", 0644);
	test_daemon(NULL);
	client = test_client(hold, NULL);
	es = client->client;
	test_subscribe(client, ES_AUTH(OPEN), -1);
	pid = test_fork(opens, (void *)path);
	REQUIRE(AWAIT(client, .type = ES_AUTH(OPEN), .pid = pid) != NULL);
	REQUIRE(pthread_create(&thread, NULL, delete_it, es) == 0);
	pthread_join(thread, NULL);
	CHECK_EQUAL(test_wait_ms(pid, 100), -1);		/* still held, and still answered: */
	message = FIND(client, .type = ES_AUTH(OPEN), .pid = pid);
	CHECK_EQUAL(es_respond_flags_result(es, message, 0, false), ES_RESPOND_RESULT_SUCCESS);
	CHECK_EQUAL(WEXITSTATUS(test_wait(pid)), EPERM);

	pid = test_fork(opens, (void *)path);
	REQUIRE((message = AWAIT(client, .type = ES_AUTH(OPEN), .pid = pid)) != NULL);
	CHECK_EQUAL(es_delete_client(es), ES_RETURN_SUCCESS);
	client->client = NULL;
	CHECK_EQUAL(test_wait(pid), 0);
	CHECK(strlen(message->process->executable->path.data) > 0);
	CHECK_EQUAL(es_respond_flags_result(es, message, 0, false), ES_RESPOND_RESULT_ERR_INVALID_ARGUMENT);
	CHECK_EQUAL(es_subscribe(es, types, 1), ES_RETURN_ERROR);
	CHECK_EQUAL(es_subscriptions(es, &count, &list), ES_RETURN_ERROR);
	CHECK_EQUAL(es_delete_client(es), ES_RETURN_ERROR);
	test_client_delete(client);
	return test_end();
}
