/* SPDX-License-Identifier: MIT */

/* A denied open, and no other, fails with EPERM in the caller: by flags, by path; NOTIFY clients see it as denied. */

#include "es-test.h"

static void answer(struct test_client *client, const es_message_t *message)
{
	const char *path = message->event.open.file->path.data;
	uint32_t flags = UINT32_MAX;

	if (!strcmp(path, test_at("secret")))
		flags = 0;
	else if (!strcmp(path, test_at("readable")))
		flags = FREAD;
	CHECK_EQUAL(es_respond_flags_result(client->client, message, flags, false), ES_RESPOND_RESULT_SUCCESS);
}

static int error_of(const char *path, int flags)
{
	int fd = open(path, flags, 0644);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static int child(void *context)
{
	(void)context;
	CHECK_EQUAL(error_of(test_at("secret"), O_RDONLY), EPERM);
	CHECK_EQUAL(error_of(test_at("link"), O_RDWR), EPERM);
	CHECK_EQUAL(error_of(test_at("other"), O_RDWR), 0);
	CHECK_EQUAL(error_of(test_at("readable"), O_RDONLY), 0);
	CHECK_EQUAL(error_of(test_at("readable"), O_RDWR), EPERM);
	CHECK_EQUAL(error_of(test_at("readable"), O_WRONLY), EPERM);
	CHECK_EQUAL(error_of(test_at("readable"), O_RDONLY | O_TRUNC), EPERM);	/* empties it */
	CHECK_EQUAL(error_of(test_at("made"), O_WRONLY | O_CREAT), 0);
	CHECK_EQUAL(error_of("/etc/passwd", O_RDONLY), 0);
	/* The rest works as before. */
	CHECK_EQUAL(access(test_at("secret"), R_OK), 0);
	CHECK_EQUAL(rename(test_at("secret"), test_at("secret2")), 0);
	CHECK_EQUAL(rename(test_at("secret2"), test_at("secret")), 0);
	return test_end_child();
}

static void told(struct test_client *client, pid_t pid, const char *name, unsigned int skip, uint32_t allowed)
{
	const es_message_t *message =
		FIND(client, .type = ES_NOTIFY(OPEN), .pid = pid, .path = test_at("%s", name), .skip = skip);

	REQUIRE(message != NULL);
	CHECK_EQUAL(message->action.notify.result_type, ES_RESULT_TYPE_FLAGS);
	CHECK_EQUAL(message->action.notify.result.flags & (uint32_t)message->event.open.fflag, allowed);
}

int main(void)
{
	struct test_client *client;
	pid_t pid;

	test_begin(20);
	test_write_file(test_at("secret"), "", 0644);
	test_write_file(test_at("readable"), "", 0644);
	test_write_file(test_at("other"), "", 0644);
	REQUIRE(symlink("secret", test_at("link")) == 0);
	test_daemon_own();
	client = test_client(answer, NULL);
	test_subscribe(client, ES_AUTH(OPEN), ES_NOTIFY(OPEN), -1);

	pid = test_fork(child, NULL);
	CHECK_EQUAL(test_wait(pid), 0);
	CHECK_EQUAL(error_of(test_at("secret"), O_RDONLY), 0);	/* a client is not asked about itself */
	test_sync(client);
	CHECK_EQUAL(COUNT(client, .type = ES_AUTH(OPEN), .pid = getpid()), 0);
	CHECK_EQUAL(COUNT(client, .type = ES_AUTH(OPEN), .pid = pid), 8);
	CHECK_EQUAL(COUNT(client, .type = ES_AUTH(OPEN), .pid = pid, .path = test_at("secret")), 2);
	CHECK_EQUAL(COUNT(client, .type = ES_AUTH(OPEN), .pid = pid, .path = test_at("readable")), 4);
	told(client, pid, "secret", 0, 0);
	told(client, pid, "secret", 1, 0);
	told(client, pid, "other", 0, FREAD | FWRITE);
	told(client, pid, "readable", 0, FREAD);
	told(client, pid, "readable", 3, 0);

	/* No client is left to ask. */
	REQUIRE(es_unsubscribe_all(client->client) == ES_RETURN_SUCCESS);
	CHECK_EQUAL(error_of(test_at("secret"), O_RDONLY), 0);
	return test_end();
}
