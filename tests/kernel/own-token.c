/* SPDX-License-Identifier: MIT */
/*
 * es_linux_own_token() is the token that messages about this process carry, pidversion included: for a program that
 * asks before it has a client, and for one that asks afterwards. Another process's differs.
 */
#include "es-test.h"

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

	if (es_linux_own_token(&token) != ES_RETURN_SUCCESS || touch(path))
		return 1;
	fd = open(test_at("child-token"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	written = write(fd, &token, sizeof(token));
	close(fd);
	return written != sizeof(token);
}

static void check_child(struct test_client *client)
{
	audit_token_t token = {};
	const es_message_t *message;
	int fd;

	CHECK_EQUAL(test_run(touch_and_ask, (void *)test_at("by-child")), 0);
	test_sync(client);
	fd = open(test_at("child-token"), O_RDONLY | O_CLOEXEC);
	CHECK(read(fd, &token, sizeof(token)) == sizeof(token));
	close(fd);
	message = FIND(client, .type = ES_NOTIFY(OPEN), .path = test_at("by-child"));
	REQUIRE(message);
	CHECK(!memcmp(&message->process->audit_token, &token, sizeof(token)));
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
	check_child(client);
	message = FIND(client, .type = ES_NOTIFY(OPEN), .path = test_at("by-child"));
	REQUIRE(message);
	CHECK(memcmp(&message->process->audit_token, &token, sizeof(token)));
	return test_end();
}
