/* SPDX-License-Identifier: MIT */

/*
 * Muting by target compares the path that a file has when it is opened, however often its directory was seen before:
 * directories above it are renamed, exchanged, removed and made again, mounted elsewhere and hidden by mounts, and
 * mutes come and go (facts 103, 110). The kernel programs remember directories, see bpf/select/directory.bpf.h.
 */

#include "es-test.h"

#include <sys/mount.h>

enum { AGAIN = 100 };

static struct test_client *client;

static void close_opened(int fd)
{
	if (fd >= 0)
		close(fd);
}

/* Does an open give no message? Opens twice, since the kernel program may remember the directory then. */
static bool muted(const char *path)
{
	size_t seen;

	test_sync(client);		/* drop messages of earlier opens */
	test_clear(client);
	for (int i = 0; i < 2; i++)
		close_opened(open(path, O_RDONLY));
	test_sync(client);
	seen = COUNT(client, .type = ES_NOTIFY(OPEN), .pid = getpid(), .path = path);
	CHECK(seen == 0 || seen == 2);
	return !seen;
}

static void mute(const char *path, es_mute_path_type_t type)
{
	REQUIRE(es_mute_path(client->client, path, type) == ES_RETURN_SUCCESS);
}

static void unmute(const char *path, es_mute_path_type_t type)
{
	REQUIRE(es_unmute_path(client->client, path, type) == ES_RETURN_SUCCESS);
}

static void make(const char *directory)
{
	REQUIRE(mkdir(directory, 0755) == 0);
}

static void mutes_come_and_go(void)
{
	CHECK_EQUAL(muted(test_at("a/b/file")), true);
	unmute(test_at("a/b/"), ES_MUTE_PATH_TYPE_TARGET_PREFIX);
	CHECK_EQUAL(muted(test_at("a/b/file")), false);
	mute(test_at("a/b/file"), ES_MUTE_PATH_TYPE_TARGET_LITERAL);
	CHECK_EQUAL(muted(test_at("a/b/file")), true);
	CHECK_EQUAL(muted(test_at("a/b/life")), false);
	CHECK_EQUAL(muted(test_at("a/b/other")), false);
	unmute(test_at("a/b/file"), ES_MUTE_PATH_TYPE_TARGET_LITERAL);
	mute(test_at("a/b/f"), ES_MUTE_PATH_TYPE_TARGET_PREFIX);
	CHECK_EQUAL(muted(test_at("a/b/file")), true);
	CHECK_EQUAL(muted(test_at("a/b/life")), false);
	unmute(test_at("a/b/f"), ES_MUTE_PATH_TYPE_TARGET_PREFIX);
	mute(test_at("a/b/"), ES_MUTE_PATH_TYPE_TARGET_LITERAL);	/* the directory with a slash: no path is that */
	CHECK_EQUAL(muted(test_at("a/b/file")), false);
	unmute(test_at("a/b/"), ES_MUTE_PATH_TYPE_TARGET_LITERAL);
	REQUIRE(es_invert_muting(client->client, ES_MUTE_INVERSION_TYPE_TARGET_PATH) == ES_RETURN_SUCCESS);
	CHECK_EQUAL(muted(test_at("a/b/file")), true);
	mute(test_at("a/b/"), ES_MUTE_PATH_TYPE_TARGET_PREFIX);
	CHECK_EQUAL(muted(test_at("a/b/file")), false);
	REQUIRE(es_invert_muting(client->client, ES_MUTE_INVERSION_TYPE_TARGET_PATH) == ES_RETURN_SUCCESS);
	CHECK_EQUAL(muted(test_at("a/b/file")), true);
}

static void directories_are_renamed(void)
{
	for (int i = 0; i < 3; i++) {
		CHECK_EQUAL(muted(test_at("a/b/file")), true);
		REQUIRE(rename(test_at("a"), test_at("c")) == 0);
		CHECK_EQUAL(muted(test_at("c/b/file")), false);
		REQUIRE(rename(test_at("c"), test_at("a")) == 0);
		CHECK_EQUAL(muted(test_at("a/b/file")), true);
		REQUIRE(rename(test_at("a/b"), test_at("a/c")) == 0);
		CHECK_EQUAL(muted(test_at("a/c/file")), false);
		REQUIRE(rename(test_at("a/c"), test_at("a/b")) == 0);
	}
	make(test_at("x"));
	make(test_at("x/b"));
	test_write_file(test_at("x/b/file"), "", 0644);
	CHECK_EQUAL(muted(test_at("x/b/file")), false);
	REQUIRE(renameat2(AT_FDCWD, test_at("x"), AT_FDCWD, test_at("a"), RENAME_EXCHANGE) == 0);
	CHECK_EQUAL(muted(test_at("x/b/file")), false);
	CHECK_EQUAL(muted(test_at("a/b/file")), true);
}

/* A file with two names is what it is opened as. */
static void names_are_linked(void)
{
	REQUIRE(link(test_at("a/b/file"), test_at("x/linked")) == 0);
	CHECK_EQUAL(muted(test_at("x/linked")), false);
	CHECK_EQUAL(muted(test_at("a/b/file")), true);
	REQUIRE(link(test_at("x/b/file"), test_at("a/b/linked")) == 0);
	CHECK_EQUAL(muted(test_at("a/b/linked")), true);
	CHECK_EQUAL(muted(test_at("x/b/file")), false);
}

/* What comes may get the memory of what went, and no rename tells of it. */
static void directories_are_made_again(void)
{
	static const char *const names[] = { "q", "r" };
	const char *file, *directory;

	mute(test_at("q/"), ES_MUTE_PATH_TYPE_TARGET_PREFIX);
	for (int i = 0; i < AGAIN; i++) {
		directory = test_at("%s", names[i % 2]);
		file = test_at("%s/file", names[i % 2]);
		make(directory);
		test_write_file(file, "", 0644);
		CHECK_EQUAL(muted(file), i % 2 == 0);
		REQUIRE(!unlink(file) && !rmdir(directory));
	}
	unmute(test_at("q/"), ES_MUTE_PATH_TYPE_TARGET_PREFIX);
}

static void mounts_come_and_go(void)
{
	make(test_at("m"));
	for (int i = 0; i < 3; i++) {
		REQUIRE(mount(test_at("a"), test_at("m"), NULL, MS_BIND, NULL) == 0);
		CHECK_EQUAL(muted(test_at("m/b/file")), false);
		CHECK_EQUAL(muted(test_at("a/b/file")), true);
		mute(test_at("m/b"), ES_MUTE_PATH_TYPE_TARGET_PREFIX);
		CHECK_EQUAL(muted(test_at("m/b/file")), true);
		REQUIRE(umount2(test_at("m"), 0) == 0);
		REQUIRE(mount("none", test_at("m"), "tmpfs", 0, NULL) == 0);
		make(test_at("m/b"));
		make(test_at("m/d"));
		test_write_file(test_at("m/b/file"), "", 0644);
		test_write_file(test_at("m/d/file"), "", 0644);
		CHECK_EQUAL(muted(test_at("m/b/file")), true);
		CHECK_EQUAL(muted(test_at("m/d/file")), false);
		make(test_at("n"));
		REQUIRE(mount(test_at("m"), test_at("n"), NULL, MS_MOVE, NULL) == 0);
		CHECK_EQUAL(muted(test_at("n/b/file")), false);
		unmute(test_at("m/b"), ES_MUTE_PATH_TYPE_TARGET_PREFIX);
		REQUIRE(umount2(test_at("n"), 0) == 0 && rmdir(test_at("n")) == 0);
	}
}

int main(void)
{
	test_begin(60);
	make(test_at("a"));
	make(test_at("a/b"));
	test_write_file(test_at("a/b/file"), "", 0644);
	test_write_file(test_at("a/b/life"), "", 0644);
	test_write_file(test_at("a/b/other"), "", 0644);
	test_no_scope = true;				/* the daemon looks at other mounts, too */
	test_daemon(NULL);
	client = test_client(NULL, NULL);
	test_subscribe(client, ES_NOTIFY(OPEN), -1);
	CHECK_EQUAL(muted(test_at("a/b/file")), false);
	mute(test_at("a/b/"), ES_MUTE_PATH_TYPE_TARGET_PREFIX);
	mutes_come_and_go();
	directories_are_renamed();
	names_are_linked();
	directories_are_made_again();
	mounts_come_and_go();
	return test_end();
}
