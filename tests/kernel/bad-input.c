/* SPDX-License-Identifier: MIT */

/* The results of functions for NULL, unknown numbers and empty lists; the client works afterwards. */

#include "es-test.h"

/* NULL where the headers forbid it; by variables, or clang would object. */
static es_client_t *volatile no_client;
static es_client_t **volatile nowhere;
static es_event_type_t *volatile no_events;
static es_event_type_t **volatile no_list;
static size_t *volatile no_count;
static volatile es_handler_function_t no_handler;

static void ignore(es_client_t *client, const es_message_t *message, void *context)
{
	(void)client;
	(void)message;
	(void)context;
}

static int opens(void *context)
{
	int fd = open(context, O_RDONLY);

	return fd < 0 ? errno : 0;
}

static void nulls(es_client_t *client)
{
	es_event_type_t type = ES_NOTIFY(OPEN), *types;
	es_client_t *made = NULL;
	size_t count;

	CHECK_EQUAL(es_new_client_f(nowhere, ignore, NULL), ES_NEW_CLIENT_RESULT_ERR_INVALID_ARGUMENT);
	CHECK_EQUAL(es_new_client_f(&made, no_handler, NULL), ES_NEW_CLIENT_RESULT_ERR_INVALID_ARGUMENT);
	CHECK(made == NULL);
	CHECK_EQUAL(es_subscribe(no_client, &type, 1), ES_RETURN_ERROR);
	CHECK_EQUAL(es_subscribe(client, no_events, 1), ES_RETURN_ERROR);
	CHECK_EQUAL(es_unsubscribe(no_client, &type, 1), ES_RETURN_ERROR);
	CHECK_EQUAL(es_unsubscribe(client, no_events, 1), ES_RETURN_ERROR);
	CHECK_EQUAL(es_unsubscribe_all(no_client), ES_RETURN_ERROR);
	CHECK_EQUAL(es_subscriptions(no_client, &count, &types), ES_RETURN_ERROR);
	CHECK_EQUAL(es_subscriptions(client, no_count, &types), ES_RETURN_ERROR);
	CHECK_EQUAL(es_subscriptions(client, &count, no_list), ES_RETURN_ERROR);
	CHECK_EQUAL(es_clear_cache(no_client), ES_CLEAR_CACHE_RESULT_ERR_INTERNAL);
	CHECK_EQUAL(es_delete_client(NULL), ES_RETURN_SUCCESS);
	CHECK(es_linux_event_name((es_event_type_t)100000) == NULL);
	CHECK_STRING(es_linux_event_name(ES_AUTH(EXEC)), "AUTH_EXEC");
}

static void nothing_at_all(es_client_t *client)
{
	es_event_type_t unknown[] = {ES_EVENT_TYPE_LAST, (es_event_type_t)0x7fffffff};

	CHECK_EQUAL(es_subscribe(client, no_events, 0), ES_RETURN_SUCCESS);
	CHECK_EQUAL(es_unsubscribe(client, no_events, 0), ES_RETURN_SUCCESS);
	CHECK_EQUAL(es_subscribe(client, unknown, 2), ES_RETURN_SUCCESS);
	CHECK_EQUAL(es_unsubscribe(client, unknown, 2), ES_RETURN_SUCCESS);
	CHECK_EQUAL(es_unsubscribe_all(client), ES_RETURN_SUCCESS);
}

int main(void)
{
	struct test_client *client;
	pid_t pid;

	test_begin(20);
	test_write_file(test_at("file"), "", 0644);
	test_daemon(NULL);
	client = test_client(NULL, NULL);
	nulls(client->client);
	nothing_at_all(client->client);
	test_subscribe(client, ES_NOTIFY(OPEN), -1);
	pid = test_fork(opens, (void *)test_at("file"));
	CHECK_EQUAL(test_wait(pid), 0);
	test_sync(client);
	CHECK_EQUAL(COUNT(client, .type = ES_NOTIFY(OPEN), .pid = pid, .path = test_at("file")), 1);
	return test_end();
}
