/* SPDX-License-Identifier: MIT */

/* AUTH_EXEC comes once, before the program runs, with the program, its arguments and directory; if allowed, it runs. */

#include "es-test.h"

static void hold(struct test_client *client, const es_message_t *message)
{
	(void)client;
	(void)message;		/* kept by the collector, answered by main() */
}

static int execute(void *context)
{
	char *argv[] = {"program", "7", "an argument", NULL};

	execv(context, argv);
	return 99;
}

int main(void)
{
	struct test_client *client;
	const es_message_t *message, *notified;
	const char *tiny;
	pid_t pid;

	test_begin(20);
	tiny = test_tiny("tiny");
	test_daemon(NULL);
	client = test_client(hold, NULL);
	test_subscribe(client, ES_AUTH(EXEC), ES_NOTIFY(EXEC), -1);

	pid = test_fork(execute, (void *)tiny);
	message = AWAIT(client, .type = ES_AUTH(EXEC), .pid = pid);
	REQUIRE(message != NULL);
	CHECK_TOKEN(message->event.exec.target->executable->path, tiny);
	CHECK(message->event.exec.script == NULL);
	CHECK_EQUAL(es_exec_arg_count(&message->event.exec), 3);
	if (es_exec_arg_count(&message->event.exec) == 3)
		CHECK_TOKEN(es_exec_arg(&message->event.exec, 2), "an argument");
	CHECK(message->event.exec.cwd && message->event.exec.cwd->path.length > 0);
	CHECK_EQUAL(test_pid(message->event.exec.target), pid);
	CHECK(message->deadline > message->mach_time);
	test_sleep_ms(50);
	CHECK_EQUAL(COUNT(client, .type = ES_NOTIFY(EXEC), .pid = pid), 0);	/* it waits */
	CHECK_EQUAL(es_respond_auth_result(client->client, message, ES_AUTH_RESULT_ALLOW, false),
		    ES_RESPOND_RESULT_SUCCESS);
	CHECK_EQUAL(WEXITSTATUS(test_wait(pid)), 7);
	test_sync(client);
	CHECK_EQUAL(COUNT(client, .type = ES_AUTH(EXEC), .pid = pid), 1);
	CHECK_EQUAL(COUNT(client, .type = ES_NOTIFY(EXEC), .pid = pid), 1);
	notified = FIND(client, .type = ES_NOTIFY(EXEC), .pid = pid);
	CHECK(notified && notified->action.notify.result.auth == ES_AUTH_RESULT_ALLOW);
	return test_end();
}
