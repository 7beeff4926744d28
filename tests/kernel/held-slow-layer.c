/* SPDX-License-Identifier: MIT */

/*
 * A client holds an open that makes a file, in a folder that only an overlay's lower layer has, on a file system where
 * the kernel has to ask a server, 9p. It ends as answered, and no program sees the kernel's own error number 513.
 */

#include "es-test.h"

#include <dirent.h>
#include <sys/mount.h>
#include <sys/utsname.h>

enum { TRIES = 10, HELD_MS = 30 };

static char folders[TRIES][256];
static unsigned int folder_count;
static char lower[256];
static unsigned int asked;
static es_auth_result_t verdict;

static void answer(struct test_client *client, const es_message_t *message)
{
	const es_file_t *file = test_file(message);

	if (message->event_type != ES_AUTH(CREATE) || !file || !strstr(file->path.data, "/merged/")) {
		test_allow(client, message);
		return;
	}
	asked++;
	test_sleep_ms(HELD_MS);
	if (verdict == ES_AUTH_RESULT_DENY)
		test_deny(client, message);
	else
		test_allow(client, message);
}

static int make_file(void *context)
{
	char path[600];
	int fd;

	snprintf(path, sizeof(path), "%s/%s/es-new", test_at("merged"), (const char *)context);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	if (fd < 0)
		return errno > 255 ? 255 : errno;
	return unlink(path) < 0 ? 254 : 0;
}

/* Folders in folders that the overlay hasn't copied up. */
static void find_folders(const char *parent)
{
	char path[512];
	struct dirent *entry;
	DIR *directory;

	snprintf(path, sizeof(path), "%s/%s", lower, parent);
	directory = opendir(path);
	while (directory && folder_count < TRIES && (entry = readdir(directory))) {
		if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
			snprintf(folders[folder_count++], sizeof(folders[0]), "%s/%.200s", parent, entry->d_name);
	}
	if (directory)
		closedir(directory);
}

/* The modules, which a guest takes from its host. */
static void find_lower(void)
{
	struct utsname kernel;

	REQUIRE(uname(&kernel) == 0);
	snprintf(lower, sizeof(lower), "/usr/lib/modules/%s/kernel", kernel.release);
	if (!test_is_on_9p(lower))
		test_skip("a file system of the type 9p, as tests/vm/run has it");
	find_folders("drivers");
	find_folders("fs");
	REQUIRE(folder_count == TRIES);
}

static void mount_overlay(void)
{
	char options[4096 * 3];

	REQUIRE(mkdir(test_at("merged"), 0755) == 0 && mkdir(test_at("upper"), 0755) == 0);
	REQUIRE(mkdir(test_at("work"), 0755) == 0);
	snprintf(options, sizeof(options), "lowerdir=%s,upperdir=%s/upper,workdir=%s/work", lower, test_mnt, test_mnt);
	REQUIRE(mount("overlay", test_at("merged"), "overlay", 0, options) == 0);
}

int main(void)
{
	struct test_client *client;

	test_begin(60);
	find_lower();
	mount_overlay();
	test_daemon(NULL);
	client = test_client(answer, NULL);
	client->counting = true;
	test_hold(client, ES_AUTH(CREATE), -1);
	for (unsigned int i = 0; i < TRIES; i++) {
		int status;

		verdict = i % 2 ? ES_AUTH_RESULT_DENY : ES_AUTH_RESULT_ALLOW;
		asked = 0;
		status = test_run(make_file, folders[i]);
		CHECK(asked > 0);
		if (!CHECK_EQUAL(WEXITSTATUS(status), i % 2 ? EPERM : 0))
			printf("... in %s\n", folders[i]);
	}
	(void)umount2(test_at("merged"), MNT_DETACH);
	return test_end();
}
