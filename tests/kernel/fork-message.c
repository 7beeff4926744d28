/* SPDX-License-Identifier: MIT */

/* The content of NOTIFY_FORK; a thread is no fork; posix_spawn is a fork and an exec. */

#include "es-test.h"

#include <spawn.h>

static int nothing(void *context)
{
	(void)context;
	return 0;
}

static void *thread(void *context)
{
	return context;
}

static int make_thread(void *context)
{
	pthread_t id;

	(void)context;
	if (pthread_create(&id, NULL, thread, NULL))
		return 1;
	pthread_join(id, NULL);
	return 0;
}

static void parent_and_child(struct test_client *client)
{
	pid_t pid = test_fork(nothing, NULL);
	const es_process_t *parent, *child = NULL;

	test_wait(pid);
	test_sync(client);
	for (unsigned int i = 0; !child; i++) {
		const es_message_t *message = FIND(client, .type = ES_NOTIFY(FORK), .pid = getpid(), .skip = i);

		REQUIRE(message != NULL);
		parent = message->process;
		if (test_pid(message->event.fork.child) == pid)
			child = message->event.fork.child;
	}
	CHECK_STRING(child->executable->path.data, parent->executable->path.data);
	CHECK_EQUAL(child->executable->stat.st_ino, parent->executable->stat.st_ino);
	CHECK_EQUAL(child->ppid, getpid());
	CHECK_EQUAL(child->original_ppid, getpid());
	CHECK_EQUAL(child->group_id, getpgrp());
	CHECK_EQUAL(child->session_id, getsid(0));
	CHECK(test_same_process(&child->parent_audit_token, &parent->audit_token));
	CHECK(test_pidversion(child) != test_pidversion(parent));
	CHECK(child->start_time.tv_sec > parent->start_time.tv_sec ||
	      (child->start_time.tv_sec == parent->start_time.tv_sec &&
	       child->start_time.tv_usec > parent->start_time.tv_usec));
}

static void thread_is_no_fork(struct test_client *client)
{
	pid_t pid = test_fork(make_thread, NULL);

	CHECK_EQUAL(test_wait(pid), 0);
	test_sync(client);
	CHECK_EQUAL(COUNT(client, .type = ES_NOTIFY(FORK), .pid = pid), 0);
}

static void spawn(struct test_client *client, const char *tiny)
{
	char *argv[] = {"tiny", NULL}, *envp[] = {NULL};
	const es_message_t *forked, *executed;
	pid_t pid;
	int status;

	test_clear(client);
	REQUIRE(posix_spawn(&pid, tiny, NULL, NULL, argv, envp) == 0);
	REQUIRE(waitpid(pid, &status, 0) == pid);
	test_sync(client);
	CHECK_EQUAL(COUNT(client, .type = ES_NOTIFY(FORK), .pid = getpid()), 1);
	CHECK_EQUAL(COUNT(client, .type = ES_NOTIFY(EXEC), .pid = pid), 1);
	forked = FIND(client, .type = ES_NOTIFY(FORK), .pid = getpid());
	executed = FIND(client, .type = ES_NOTIFY(EXEC), .pid = pid);
	REQUIRE(forked && executed);
	CHECK(test_same_process(&forked->event.fork.child->audit_token, &executed->process->audit_token));
	CHECK(forked->global_seq_num < executed->global_seq_num);
}

int main(void)
{
	struct test_client *client;

	test_begin(20);
	test_daemon(NULL);
	client = test_client(NULL, NULL);
	test_subscribe(client, ES_NOTIFY(FORK), ES_NOTIFY(EXEC), -1);
	parent_and_child(client);
	thread_is_no_fork(client);
	spawn(client, test_tiny("tiny"));
	return test_end();
}
