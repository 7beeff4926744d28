/* SPDX-License-Identifier: MIT */
/*
 * es_linux_own_token() stores the token that messages about this process have, with its pidversion: for a program that
 * asks before it has a client, and for one that asks afterwards. In a pid namespace too, where es_linux_own_group() is
 * right as well. Another process's token differs.
 */
#include "es-test.h"

#include <sched.h>

static int touch(void *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	return fd < 0 ? errno : close(fd);
}

/* In a child, which has no client: one is made for it. What it learns, messages of the parent's client confirm. */
static int touch_and_ask(void *path)
{
	audit_token_t token;
	int fd, written;

	pid_t group = es_linux_own_group();

	if (es_linux_own_token(&token) != ES_RETURN_SUCCESS || touch(path))
		return 1;
	fd = open(test_at("child-token"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	written = write(fd, &token, sizeof(token)) + write(fd, &group, sizeof(group));
	close(fd);
	return written != sizeof(token) + sizeof(group);
}

/* Where it has the number 1, and its group another one than outside. */
static int touch_in_namespace(void *path)
{
	int status;
	pid_t pid;

	if (unshare(CLONE_NEWPID) < 0)
		return 2;
	pid = fork();
	if (pid == 0)
		_exit(setpgid(0, 0) < 0 || getpid() != 1 || touch_and_ask(path));
	return waitpid(pid, &status, 0) == pid ? status : 3;
}

static void check_child(struct test_client *client, test_child_f *function, const char *path)
{
	audit_token_t token = {};
	const es_message_t *message;
	pid_t group = 0;
	int fd;

	CHECK_EQUAL(test_run(function, (void *)path), 0);
	test_sync(client);
	fd = open(test_at("child-token"), O_RDONLY | O_CLOEXEC);
	CHECK(read(fd, &token, sizeof(token)) == sizeof(token) && read(fd, &group, sizeof(group)) == sizeof(group));
	close(fd);
	message = FIND(client, .type = ES_NOTIFY(OPEN), .path = path);
	REQUIRE(message);
	CHECK(!memcmp(&message->process->audit_token, &token, sizeof(token)));
	CHECK_EQUAL(group, message->process->group_id);
}

int main(void)
{
	struct test_client *client;
	const es_message_t *message;
	audit_token_t token = {};

	test_begin(30);
	test_daemon(NULL);
	client = test_client(NULL, NULL);
	test_subscribe(client, ES_NOTIFY(OPEN), -1);
	REQUIRE(es_linux_own_token(&token) == ES_RETURN_SUCCESS);
	REQUIRE(touch((void *)test_at("mine")) == 0);
	test_sync(client);
	message = FIND(client, .type = ES_NOTIFY(OPEN), .path = test_at("mine"));
	REQUIRE(message);
	CHECK(token.val[7] != 0 && !memcmp(&message->process->audit_token, &token, sizeof(token)));
	CHECK_EQUAL(es_linux_own_group(), getpgrp());
	check_child(client, touch_in_namespace, test_at("in-namespace"));
	check_child(client, touch_and_ask, test_at("by-child"));
	message = FIND(client, .type = ES_NOTIFY(OPEN), .path = test_at("by-child"));
	REQUIRE(message);
	CHECK(memcmp(&message->process->audit_token, &token, sizeof(token)));
	return test_end();
}
