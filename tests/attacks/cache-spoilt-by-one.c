/* SPDX-License-Identifier: MIT */

/*
 * One user calls ioctl(2) on 68,000 files of its own. The kernel still keeps answers about others' files, and none about
 * those files.
 */

#include "attack.h"

#include <linux/fs.h>
#include <sys/ioctl.h>

#include "actor.h"

enum { FILES = 68000, USER = 4713 };

static unsigned int asked;

static void answer(struct test_client *client, const es_message_t *message)
{
	if (strstr(message->event.open.file->path.data, "/watched"))
		asked++;
	CHECK_EQUAL(es_respond_flags_result(client->client, message, UINT32_MAX, true), ES_RESPOND_RESULT_SUCCESS);
}

static int spoil(void *context)
{
	int flags = 0, folder = open(test_at("spoilt"), O_RDONLY | O_DIRECTORY);	/* the folders above are root's */

	(void)context;
	if (setuid(USER) < 0)
		return 201;
	for (int i = 0; i < FILES; i++) {
		char name[32];
		int fd;

		snprintf(name, sizeof(name), "%d", i);
		fd = openat(folder, name, O_RDWR | O_CREAT, 0600);
		if (fd < 0) {
			perror(name);
			return 202;
		}
		(void)ioctl(fd, FS_IOC_SETFLAGS, &flags);
		close(fd);
	}
	return 0;
}

int main(void)
{
	struct test_client *client;
	struct actor actor;
	pid_t pid;

	test_begin(115);
	test_daemon(NULL);
	client = test_client(answer, NULL);
	client->counting = true;
	chmod(test_mnt, 0755);
	REQUIRE(mkdir(test_at("spoilt"), 0777) == 0 && chmod(test_at("spoilt"), 0777) == 0);
	test_write_file(test_at("watched"), "", 0644);
	actor = actor_start("actor");
	test_hold(client, ES_AUTH(OPEN), ES_AUTH(UNLINK), -1);
	for (int i = 0; i < 3; i++)
		CHECK_EQUAL(actor_do(&actor, ACT_OPEN, O_RDONLY, test_at("watched")), 0);
	CHECK_EQUAL(asked, 1);
	pid = test_fork(spoil, NULL);
	CHECK_EQUAL(test_wait_ms(pid, 100000 * test_slow()), 0);
	for (int i = 0; i < 3; i++)
		CHECK_EQUAL(actor_do(&actor, ACT_OPEN, O_RDONLY, test_at("watched")), 0);
	CHECK_EQUAL(asked, 1);
	/* An ioctl(2) changes the file's flags at an unknown time. So the kernel keeps no answer about it. */
	CHECK_EQUAL(actor_do(&actor, ACT_FLAGS, FS_NODUMP_FL, test_at("watched")), 0);
	asked = 0;
	for (int i = 0; i < 3; i++)
		CHECK_EQUAL(actor_do(&actor, ACT_OPEN, O_RDONLY, test_at("watched")), 0);
	CHECK(asked >= 1);
	actor_stop(&actor);
	return test_end();
}
