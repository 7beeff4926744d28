/* SPDX-License-Identifier: MIT */

/*
 * An overlay that is mounted while a client denies all changes of attributes works as usual: programs can write to it,
 * and files that it copies up keep their attributes. No client is asked about what overlayfs does for itself. The
 * client is asked once about a program's operation on a file there, which is done or denied accordingly.
 */

#include "es-test.h"

#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>

static const char attribute[] = "trusted.es-held", acl_name[] = "system.posix_acl_access";

static const struct {
	uint32_t version;
	struct {
		uint16_t tag, permissions;
		uint32_t id;
	} entries[5];
} acl = { 2, { { 1, 6, -1 }, { 2, 4, 5 }, { 4, 4, -1 }, { 0x10, 4, -1 }, { 0x20, 4, -1 } } };

static es_auth_result_t verdict;
static unsigned int asked;
static char about[512];

static void answer(struct test_client *client, const es_message_t *message)
{
	const es_file_t *file = test_file(message);

	if (!file || strncmp(file->path.data, test_mnt, strlen(test_mnt))) {
		test_allow(client, message);
		return;
	}
	asked++;
	snprintf(about, sizeof(about), "%s of %s", es_linux_event_name(message->event_type), file->path.data);
	if (verdict == ES_AUTH_RESULT_DENY)
		test_deny(client, message);
	else
		test_allow(client, message);
}

static int result(long value)
{
	return value < 0 ? errno : 0;
}

/* ---- what overlayfs does for itself ---- */

static int mount_overlay(void)
{
	struct statvfs fs;

	return result(mount("overlay", "merged", "overlay", 0, "lowerdir=lower,upperdir=upper,workdir=work")) ?:
	       result(statvfs("merged", &fs)) ?: (fs.f_flag & ST_RDONLY ? EROFS : 0);
}

static int make(void) { return result(creat("merged/new", 0644)) ?: result(mkdir("merged/made", 0755)); }
static int copy_up(void) { return result(open("merged/low", O_RDWR)); }
static int change_mode(void) { return result(chmod("merged/lower", 0700)); }
static int rename_file(void) { return result(rename("merged/lower", "merged/renamed")); }
static int follow(void) { return result(open("merged/link", O_RDONLY)); }

/* ---- what the program does ---- */

static int set_attribute(void) { return result(setxattr("merged/low", attribute, "w", 1, 0)); }
static int get_attribute(void) { return result(getxattr("merged/low", attribute, NULL, 0)); }
static int list_attributes(void) { return result(listxattr("merged/low", NULL, 0)); }
static int set_acl(void) { return result(setxattr("merged/low", acl_name, &acl, sizeof(acl), 0)); }
static int get_acl(void) { return result(getxattr("merged/low", acl_name, NULL, 0)); }
static int delete_acl(void) { return result(removexattr("merged/low", acl_name)); }
static int delete_attribute(void) { return result(removexattr("merged/low", attribute)); }

static int read_link(void)
{
	char text[16];

	return result(readlink("merged/link", text, sizeof(text)));
}

static int set_flags(void)
{
	int fd = open("merged/low", O_RDONLY), flags = FS_NODUMP_FL, error;

	error = result(ioctl(fd, FS_IOC_SETFLAGS, &flags));
	close(fd);
	return error;
}

struct row {
	const char *name;
	int (*act)(void);		/* in test_mnt: 0, or errno */
};

static const struct row for_itself[] = {
	{ "mount", mount_overlay }, { "create", make }, { "copy up", copy_up }, { "chmod", change_mode },
	{ "rename", rename_file }, { "open through a link", follow },
};

static const struct row of_program[] = {
	{ "getxattr", get_attribute }, { "listxattr", list_attributes }, { "setxattr", set_attribute },
	{ "getxattr of an ACL", get_acl }, { "setacl", set_acl }, { "removal of an ACL", delete_acl },
	{ "removexattr", delete_attribute }, { "readlink", read_link }, { "setflags", set_flags },
};

static int act(void *context)
{
	return chdir(test_mnt) < 0 ? 99 : ((const struct row *)context)->act();
}

static void try(const struct row *row, int expected, unsigned int questions)
{
	int status;

	asked = 0;
	about[0] = 0;
	status = test_run(act, (void *)row);
	if (!CHECK_EQUAL(WIFEXITED(status) ? WEXITSTATUS(status) : -1, expected) || !CHECK_EQUAL(asked, questions))
		printf("... %s; asked last: %s\n", row->name, about);
}

static void prepare(void)
{
	const char *const folders[] = { "lower", "upper", "work", "merged" };
	const char *const files[] = { "lower/low", "lower/lower" };

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		REQUIRE(mkdir(test_at("%s", folders[i]), 0755) == 0);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		test_write_file(test_at("%s", files[i]), "text", 0644);
		REQUIRE(setxattr(test_at("%s", files[i]), attribute, "v", 1, 0) == 0);
		REQUIRE(setxattr(test_at("%s", files[i]), acl_name, &acl, sizeof(acl), 0) == 0);
	}
	REQUIRE(symlink("low", test_at("lower/link")) == 0);
}

static bool was_copied(const char *name)
{
	const char *path = test_at("upper/%s", name);

	return getxattr(path, attribute, NULL, 0) == 1 && getxattr(path, acl_name, NULL, 0) == sizeof(acl);
}

int main(void)
{
	struct test_client *client;

	test_begin(60);
	prepare();
	test_daemon(NULL);
	client = test_client(answer, NULL);
	client->counting = true;
	test_hold(client, ES_AUTH(SETACL), ES_AUTH(SETEXTATTR), ES_AUTH(GETEXTATTR), ES_AUTH(LISTEXTATTR),
		  ES_AUTH(DELETEEXTATTR), ES_AUTH(READLINK), ES_AUTH(SETFLAGS), -1);
	verdict = ES_AUTH_RESULT_DENY;
	for (size_t i = 0; i < ARRAY_SIZE(for_itself); i++)
		try(&for_itself[i], 0, 0);
	CHECK(was_copied("low") && was_copied("renamed"));
	for (size_t i = 0; i < ARRAY_SIZE(of_program); i++)
		try(&of_program[i], EPERM, 1);
	verdict = ES_AUTH_RESULT_ALLOW;
	for (size_t i = 0; i < ARRAY_SIZE(of_program); i++)
		try(&of_program[i], 0, 1);
	(void)umount2(test_at("merged"), MNT_DETACH);
	return test_end();
}
