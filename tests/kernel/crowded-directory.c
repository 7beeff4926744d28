/* SPDX-License-Identifier: MIT */

/*
 * In a directory of very many names a message has the whole path, and what stat(2) says of the file, as elsewhere;
 * also for names that no program has used since the first of them was made.
 */

#include "es-test.h"

#include <EndpointSecurity/ESLinux.h>

enum { NAMES = 4000 };

static int crowd(void *unused)
{
	(void)unused;
	for (int i = 0; i < NAMES; i++) {
		int fd = openat(AT_FDCWD, test_at("crowd/%d", i), O_WRONLY | O_CREAT, 0644);

		if (fd < 0)
			return errno;
		close(fd);
	}
	return 0;
}

static int uses(void *unused)
{
	(void)unused;
	if (truncate(test_at("crowd/0"), 3) < 0 || rename(test_at("crowd/1"), test_at("crowd/new")) < 0 ||
	    unlink(test_at("crowd/%d", NAMES / 2)) < 0)
		return errno;
	return 0;
}

static void check_file(const es_file_t *file, const char *path, off_t size)
{
	CHECK_STRING(file->path.data, path);
	CHECK(file->stat.st_ino != 0);
	CHECK_EQUAL(file->stat.st_size, size);
}

int main(void)
{
	struct test_client *client;
	const es_message_t *message;
	pid_t pid;

	test_begin(60);
	CHECK_EQUAL(mkdir(test_at("crowd"), 0755), 0);
	CHECK_EQUAL(test_run(crowd, NULL), 0);
	test_daemon(NULL);
	client = test_client(NULL, NULL);
	test_subscribe(client, ES_NOTIFY(TRUNCATE), ES_NOTIFY(RENAME), ES_NOTIFY(UNLINK), -1);
	pid = test_fork(uses, NULL);
	CHECK_EQUAL(test_wait(pid), 0);
	test_sync(client);

	message = FIND(client, .type = ES_NOTIFY(TRUNCATE), .pid = pid);
	REQUIRE(message != NULL);
	check_file(message->event.truncate.target, test_at("crowd/0"), 3);

	message = FIND(client, .type = ES_NOTIFY(RENAME), .pid = pid);
	REQUIRE(message != NULL);
	check_file(message->event.rename.source, test_at("crowd/1"), 0);
	CHECK_EQUAL(message->event.rename.destination_type, ES_DESTINATION_TYPE_NEW_PATH);
	CHECK_STRING(message->event.rename.destination.new_path.filename.data, "new");
	CHECK_STRING(message->event.rename.destination.new_path.dir->path.data, test_at("crowd"));

	message = FIND(client, .type = ES_NOTIFY(UNLINK), .pid = pid);
	REQUIRE(message != NULL);
	check_file(message->event.unlink.target, test_at("crowd/%d", NAMES / 2), 0);
	return test_end();
}
