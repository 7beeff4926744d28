/* SPDX-License-Identifier: MIT */

/* The results of es_respond_*() for answers that are wrong, late or repeated; and that these change nothing. */

#include "es-test.h"

static es_client_t *volatile no_client;
static const es_message_t *volatile no_message;

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

static int executes(void *context)
{
	char *argv[] = {"tiny", NULL};

	execv(context, argv);
	return errno;
}

static void wrong_then_right(struct test_client *client, struct test_client *other)
{
	es_client_t *es = client->client;
	const char *path = test_at("file");
	const es_message_t *message;
	pid_t pid;

	test_write_file(path, "", 0644);
	pid = test_fork(opens, (void *)path);
	message = AWAIT(client, .type = ES_AUTH(OPEN), .pid = pid);
	REQUIRE(message != NULL);
	CHECK_EQUAL(es_respond_auth_result(es, message, ES_AUTH_RESULT_DENY, false), ES_RESPOND_RESULT_ERR_EVENT_TYPE);
	CHECK(es_respond_flags_result(other->client, message, 0, false) != ES_RESPOND_RESULT_SUCCESS);
	CHECK_EQUAL(es_respond_flags_result(no_client, message, 0, false), ES_RESPOND_RESULT_ERR_INVALID_ARGUMENT);
	CHECK_EQUAL(es_respond_flags_result(es, no_message, 0, false), ES_RESPOND_RESULT_ERR_INVALID_ARGUMENT);
	CHECK_EQUAL(test_wait_ms(pid, 50), -1);		/* none of these was an answer */
	CHECK_EQUAL(es_respond_flags_result(es, message, UINT32_MAX, false), ES_RESPOND_RESULT_SUCCESS);
	CHECK_EQUAL(test_wait(pid), 0);
	CHECK_EQUAL(es_respond_flags_result(es, message, 0, false), ES_RESPOND_RESULT_ERR_DUPLICATE_RESPONSE);
	CHECK_EQUAL(es_respond_flags_result(es, message, UINT32_MAX, false), ES_RESPOND_RESULT_ERR_DUPLICATE_RESPONSE);
}

static void exec_takes_a_result(struct test_client *client)
{
	es_client_t *es = client->client;
	const char *tiny = test_tiny("tiny");
	pid_t pid = test_fork(executes, (void *)tiny);
	const es_message_t *message = AWAIT(client, .type = ES_AUTH(EXEC), .pid = pid);

	REQUIRE(message != NULL);
	CHECK_EQUAL(es_respond_flags_result(es, message, 0, false), ES_RESPOND_RESULT_ERR_EVENT_TYPE);
	CHECK_EQUAL(es_respond_auth_result(es, message, (es_auth_result_t)7, false),
		    ES_RESPOND_RESULT_ERR_INVALID_ARGUMENT);
	CHECK_EQUAL(es_respond_auth_result(es, message, ES_AUTH_RESULT_DENY, false), ES_RESPOND_RESULT_SUCCESS);
	CHECK_EQUAL(es_respond_auth_result(es, message, ES_AUTH_RESULT_ALLOW, false),
		    ES_RESPOND_RESULT_ERR_DUPLICATE_RESPONSE);
	CHECK_EQUAL(WEXITSTATUS(test_wait(pid)), EPERM);
}

static void notify_takes_none(struct test_client *client)
{
	const es_message_t *message;

	test_sync(client);
	message = FIND(client, .type = ES_NOTIFY(OPEN), .path = test_at("file"));
	REQUIRE(message != NULL);
	CHECK_EQUAL(es_respond_auth_result(client->client, message, ES_AUTH_RESULT_ALLOW, false),
		    ES_RESPOND_RESULT_ERR_EVENT_TYPE);
	CHECK_EQUAL(es_respond_flags_result(client->client, message, 0, false), ES_RESPOND_RESULT_ERR_EVENT_TYPE);
}

/* A message whose identity no one gave out. */
static void unknown(struct test_client *client)
{
	const es_message_t *known = FIND(client, .type = ES_AUTH(EXEC));
	es_message_t forged = *known;

	memset(&forged.action.auth, 0xa5, sizeof(forged.action.auth));
	CHECK_EQUAL(es_respond_auth_result(client->client, &forged, ES_AUTH_RESULT_DENY, false),
		    ES_RESPOND_RESULT_NOT_FOUND);
}

int main(void)
{
	struct test_client *client, *other;

	test_begin(20);
	test_daemon(NULL);
	client = test_client(hold, NULL);
	other = test_client(NULL, NULL);
	test_subscribe(client, ES_AUTH(OPEN), ES_AUTH(EXEC), ES_NOTIFY(OPEN), -1);
	wrong_then_right(client, other);
	exec_takes_a_result(client);
	notify_takes_none(client);
	unknown(client);
	return test_end();
}
