/* SPDX-License-Identifier: MIT */

/*
 * A message about a process is complete even if the process has ended before the handler runs: nothing is looked up
 * then.
 */

#include "es-test.h"

static int execute(void *context)
{
	char *argv[] = {"tiny", "3", "argument", NULL};

	execv(context, argv);
	return 99;
}

int main(void)
{
	struct test_client *client;
	const es_message_t *message;
	const char *tiny;
	char self[4096] = "";
	pid_t pid;

	test_begin(20);
	REQUIRE(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	tiny = test_tiny("tiny");
	test_daemon(NULL);
	client = test_client(NULL, NULL);
	test_subscribe(client, ES_NOTIFY(FORK), ES_NOTIFY(EXEC), ES_NOTIFY(EXIT), -1);

	pthread_mutex_lock(&client->lock);	/* the handler waits for it */
	pid = test_fork(execute, (void *)tiny);
	CHECK_EQUAL(WEXITSTATUS(test_wait(pid)), 3);
	REQUIRE(unlink(tiny) == 0);
	pthread_mutex_unlock(&client->lock);
	test_sync(client);

	message = FIND(client, .type = ES_NOTIFY(EXEC), .pid = pid);
	REQUIRE(message != NULL);
	CHECK_TOKEN(message->process->executable->path, self);
	CHECK_TOKEN(message->event.exec.target->executable->path, tiny);
	CHECK_EQUAL(es_exec_arg_count(&message->event.exec), 3);
	CHECK_TOKEN(es_exec_arg(&message->event.exec, 2), "argument");
	CHECK_EQUAL(message->process->ppid, getpid());
	message = FIND(client, .type = ES_NOTIFY(EXIT), .pid = pid);
	REQUIRE(message != NULL);
	CHECK_TOKEN(message->process->executable->path, tiny);
	CHECK_EQUAL(WEXITSTATUS(message->event.exit.stat), 3);
	return test_end();
}
