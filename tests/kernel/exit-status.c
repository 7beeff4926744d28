/* SPDX-License-Identifier: MIT */

/* NOTIFY_EXIT comes once for each process, at the end of its last thread, with the status that wait(2) reports. */

#include "es-test.h"

static int code(void *context)
{
	return *(int *)context;
}

static int killed(void *context)
{
	raise(*(int *)context);
	return 0;
}

static void *outlive(void *context)
{
	test_sleep_ms(50);
	_exit(*(int *)context);
}

static int first_thread_ends_early(void *context)
{
	pthread_t id;

	if (pthread_create(&id, NULL, outlive, context))
		return 1;
	pthread_exit(NULL);
}

static void expect(struct test_client *client, test_child_f *function, int number)
{
	pid_t pid = test_fork(function, &number);
	int status = test_wait(pid);
	const es_message_t *message;

	test_sync(client);
	CHECK_EQUAL(COUNT(client, .type = ES_NOTIFY(EXIT), .pid = pid), 1);
	message = FIND(client, .type = ES_NOTIFY(EXIT), .pid = pid);
	REQUIRE(message != NULL);
	CHECK_EQUAL(message->event.exit.stat, status);
	if (function == killed)
		CHECK_EQUAL(WTERMSIG(message->event.exit.stat), number);
	else
		CHECK_EQUAL(WEXITSTATUS(message->event.exit.stat), number);
}

int main(void)
{
	struct test_client *client;

	test_begin(20);
	test_daemon(NULL);
	client = test_client(NULL, NULL);
	test_subscribe(client, ES_NOTIFY(EXIT), -1);
	expect(client, code, 0);
	expect(client, code, 42);
	expect(client, code, 255);
	expect(client, killed, SIGKILL);
	expect(client, killed, SIGTERM);
	expect(client, first_thread_ends_early, 7);
	return test_end();
}
