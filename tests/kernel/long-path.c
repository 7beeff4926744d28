/* SPDX-License-Identifier: MIT */

/* Messages have paths longer than PATH_MAX in full, up to 16 KiB. They cut longer ones, and say so. */

#include "es-test.h"

enum { NAME = 200, LIMIT = 16384 };

static char expected[40000];

static int nest(void *context)
{
	int depth = *(int *)context, fd;
	char name[NAME + 1];

	memset(name, 'n', NAME);
	name[NAME] = '\0';
	if (chdir(test_mnt) < 0)
		return errno;
	for (int i = 0; i < depth; i++) {
		if ((mkdir(name, 0755) < 0 && errno != EEXIST) || chdir(name) < 0)
			return errno;
	}
	fd = open("leaf", O_RDWR | O_CREAT, 0644);
	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static void expect(int depth)
{
	char *end = expected + sprintf(expected, "%s", test_mnt);

	for (int i = 0; i < depth; i++) {
		*end++ = '/';
		memset(end, 'n', NAME);
		end += NAME;
	}
	strcpy(end, "/leaf");
}

static void run(struct test_client *client, int depth)
{
	pid_t pid = test_fork(nest, &depth);
	const es_message_t *message;
	const es_file_t *file;

	CHECK_EQUAL(test_wait(pid), 0);
	test_sync(client);
	message = FIND(client, .type = ES_NOTIFY(OPEN), .pid = pid);
	REQUIRE(message != NULL);
	file = message->event.open.file;
	expect(depth);
	CHECK_EQUAL(file->path_truncated, strlen(expected) > LIMIT);
	if (!file->path_truncated)
		CHECK_EQUAL(file->path.length, strlen(expected));
	CHECK_EQUAL(strlen(file->path.data), file->path.length);
	CHECK(file->path.length > 4096 && file->path.length <= LIMIT);
	CHECK(!strncmp(file->path.data, expected, file->path.length));
}

int main(void)
{
	struct test_client *client;

	test_begin(20);
	test_daemon(NULL);
	client = test_client(NULL, NULL);
	test_subscribe(client, ES_NOTIFY(OPEN), -1);
	run(client, 30);	/* 6 KiB */
	run(client, 75);	/* 15 KiB */
	run(client, 100);	/* 20 KiB */
	return test_end();
}
