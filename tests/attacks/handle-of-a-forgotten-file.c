/* SPDX-License-Identifier: MIT */

/*
 * A program opens a file by its handle when the kernel remembers no name of it. The message has the file's stat, by which
 * the client denies the open. It says that the file has no path, so that no client takes it for the root folder.
 */

#include "attack.h"

#include <sys/mount.h>
#include <sys/syscall.h>

struct place {
	struct file_handle handle;
	unsigned char bytes[MAX_HANDLE_SZ];
};

static struct place place = { .handle.handle_bytes = MAX_HANDLE_SZ };
static ino_t inode;
static unsigned int asked;
static bool unreachable;

static enum judged judge(const es_message_t *message)
{
	const es_file_t *file = message->event.open.file;
	es_linux_file_t info;

	if (file->stat.st_ino != inode || !inode)
		return JUDGED_ALLOW;
	asked++;
	unreachable = es_linux_file(message, file, &info) && info.unreachable;
	printf("told as %s\n", file->path.data);
	return JUDGED_DENY;
}

static int open_handle(void *directory)
{
	int at = open(directory, O_RDONLY | O_DIRECTORY);

	return attack_result(open_by_handle_at(at, &place.handle, O_RDONLY));
}

int main(void)
{
	const char *folder;
	struct attack *attack;
	char command[9000];
	struct stat stat;
	int mount_id;

	test_no_scope = true;
	attack = attack_begin(60, judge);
	folder = test_at("ext4");
	REQUIRE(mkdir(folder, 0755) == 0);
	if (!test_mount_image("ext4", folder))
		test_skip("a loop device with ext4");
	REQUIRE(mkdir(test_at("ext4/sub"), 0755) == 0);
	test_write_file(test_at("ext4/sub/secret"), "text", 0644);
	REQUIRE(name_to_handle_at(AT_FDCWD, test_at("ext4/sub/secret"), &place.handle, &mount_id, 0) == 0);
	REQUIRE(lstat(test_at("ext4/sub/secret"), &stat) == 0);
	inode = stat.st_ino;
	snprintf(command, sizeof(command), "umount %s && mount -o loop %s/ext4.image %s", folder, test_dir, folder);
	REQUIRE(system(command) == 0);		/* the kernel forgets all names */
	test_subscribe(attack->client, ES_AUTH(OPEN), -1);
	CHECK_EQUAL(attack_status(open_handle, (void *)folder), EPERM);
	CHECK_EQUAL(asked, 1);
	CHECK(unreachable);
	REQUIRE(es_unsubscribe_all(attack->client->client) == ES_RETURN_SUCCESS);
	REQUIRE(umount2(folder, 0) == 0);
	return test_end();
}
