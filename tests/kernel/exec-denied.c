/* SPDX-License-Identifier: MIT */

/* A denied exec fails with EPERM in the caller, which goes on; other programs start. */

#include "es-test.h"

static void answer(struct test_client *client, const es_message_t *message)
{
	if (!strcmp(message->event.exec.target->executable->path.data, test_at("bad")))
		test_deny(client, message);
	else
		test_allow(client, message);
}

int main(void)
{
	char *argv[] = {"program", "0", NULL};
	struct test_client *client;
	const es_message_t *message;
	const char *bad, *good, *link;
	pid_t pid;

	test_begin(20);
	bad = test_tiny("bad");
	good = test_tiny("good");
	link = test_at("link");
	REQUIRE(symlink("bad", link) == 0);
	test_daemon(NULL);
	client = test_client(answer, NULL);
	test_subscribe(client, ES_AUTH(EXEC), ES_NOTIFY(EXEC), -1);

	CHECK_EQUAL(test_exec(good, argv, NULL), 0);
	CHECK_EQUAL(test_exec(bad, argv, &pid), EPERM);
	CHECK_EQUAL(test_exec(link, argv, NULL), EPERM);
	CHECK_EQUAL(test_exec("/bin/true", argv, NULL), 0);
	CHECK_EQUAL(test_exec(good, argv, NULL), 0);
	test_sync(client);
	CHECK_EQUAL(COUNT(client, .type = ES_AUTH(EXEC), .path = bad), 2);
	CHECK_EQUAL(COUNT(client, .type = ES_AUTH(EXEC), .path = good), 2);
	CHECK_EQUAL(COUNT(client, .type = ES_NOTIFY(EXEC), .path = good), 2);

	message = FIND(client, .type = ES_NOTIFY(EXEC), .pid = pid);
	REQUIRE(message != NULL);
	CHECK_TOKEN(message->event.exec.target->executable->path, bad);
	CHECK_EQUAL(message->action.notify.result_type, ES_RESULT_TYPE_AUTH);
	CHECK_EQUAL(message->action.notify.result.auth, ES_AUTH_RESULT_DENY);

	REQUIRE(es_unsubscribe_all(client->client) == ES_RETURN_SUCCESS);
	CHECK_EQUAL(test_exec(bad, argv, NULL), 0);
	return test_end();
}
