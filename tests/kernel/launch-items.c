/* SPDX-License-Identifier: MIT */

/*
 * Launch items come and go. The daemon reports each change once, with the process that made it, in whatever way a file
 * or a folder gets its name; it reports no file that starts nothing. The test's files are in a folder that stands for
 * the root.
 */
#include <linux/fs.h>
#include <sys/syscall.h>

#include "es-test.h"

#define ROOT_PLACE "etc/systemd/system"

static struct test_client *client;

struct act {
	enum { WRITE, REPLACE, MOVE, SYMLINK, LINK, REMOVE, CHMOD, READ, EXCHANGE } how;
	const char *path, *other;	/* below the root; `other`: what is written, or where it leads or comes from */
};

static char *below(const char *path)
{
	return strdup(test_at("root/%s", path));
}

static int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	return fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) || close(fd);
}

static int do_act(void *context)
{
	const struct act *act = context;
	char *path = below(act->path), *other = below(act->how == WRITE || !act->other ? "x" : act->other);
	char byte;
	int fd;

	switch (act->how) {
	case WRITE:
		return write_text(path, act->other);
	case REPLACE:
	case MOVE:
		return rename(other, path) != 0;
	case SYMLINK:
		return symlink(act->other, path) != 0;
	case LINK:
		return link(other, path) != 0;
	case REMOVE:
		return unlink(path) != 0;
	case CHMOD:
		return chmod(path, 0755) != 0;
	case READ:
		fd = open(path, O_RDWR | O_CLOEXEC);
		return fd < 0 || read(fd, &byte, 1) != 1 || close(fd);
	case EXCHANGE:
		return syscall(SYS_renameat2, AT_FDCWD, other, AT_FDCWD, path, RENAME_EXCHANGE) != 0;
	}
	return 1;
}

#define ACT(how_, path_, other_) \
	({ \
		struct act act_ = { how_, path_, other_ }; \
		pid_t pid_; \
\
		test_clear(client); \
		pid_ = test_fork(do_act, &act_); \
		CHECK_EQUAL(test_wait(pid_), 0); \
		pid_; \
	})

static void check_item(const es_btm_launch_item_t *item, es_btm_item_type_t type, bool legacy, uid_t uid, const char *path)
{
	char url[4300];

	snprintf(url, sizeof(url), "file://%s", test_at("root/%s", path));
	CHECK_EQUAL(item->item_type, type);
	CHECK_EQUAL(item->legacy, legacy);
	CHECK_EQUAL(item->uid, uid);
	CHECK(!item->managed && !item->app_url.length);
	CHECK_TOKEN(item->item_url, url);
}

#define CHECK_EVENT(event, message, pid) \
	do { \
		CHECK((event)->instigator && test_pid((event)->instigator) == (pid) && !(event)->app); \
		CHECK((event)->instigator_token && (event)->instigator_token->val[5] == (unsigned int)(pid)); \
		CHECK(!(event)->app_token && !(message)->thread && (message)->action_type == ES_ACTION_TYPE_NOTIFY); \
		CHECK_EQUAL(test_pid((message)->process), pid); \
	} while (0)

static void comes(pid_t pid, unsigned int skip, es_btm_item_type_t type, bool legacy, uid_t uid, const char *path,
		  const char *program)
{
	const es_message_t *message = AWAIT(client, .type = ES_NOTIFY(BTM_LAUNCH_ITEM_ADD), .pid = pid, .skip = skip);

	REQUIRE(message != NULL);
	CHECK_EVENT(message->event.btm_launch_item_add, message, pid);
	CHECK_TOKEN(message->event.btm_launch_item_add->executable_path, program);
	check_item(message->event.btm_launch_item_add->item, type, legacy, uid, path);
}

static void goes(pid_t pid, unsigned int skip, es_btm_item_type_t type, bool legacy, uid_t uid, const char *path)
{
	const es_message_t *message = AWAIT(client, .type = ES_NOTIFY(BTM_LAUNCH_ITEM_REMOVE), .pid = pid, .skip = skip);

	REQUIRE(message != NULL);
	CHECK_EVENT(message->event.btm_launch_item_remove, message, pid);
	check_item(message->event.btm_launch_item_remove->item, type, legacy, uid, path);
}

/* Waits for the messages of a later change, behind which nothing can come of those before. */
static void only(pid_t pid, size_t added, size_t removed)
{
	struct act act = { WRITE, "etc/cron.d/mark", NULL };
	static unsigned int number;
	char line[64];
	pid_t marker;

	snprintf(line, sizeof(line), "%u * * * * root /bin/mark\n", number++);
	act.other = line;
	marker = test_fork(do_act, &act);
	CHECK_EQUAL(test_wait(marker), 0);
	CHECK(AWAIT(client, .type = ES_NOTIFY(BTM_LAUNCH_ITEM_ADD), .pid = marker));
	CHECK_EQUAL(COUNT(client, .type = ES_NOTIFY(BTM_LAUNCH_ITEM_ADD), .pid = pid), added);
	CHECK_EQUAL(COUNT(client, .type = ES_NOTIFY(BTM_LAUNCH_ITEM_REMOVE), .pid = pid), removed);
}

#define DAEMON ES_BTM_ITEM_TYPE_DAEMON
#define UNIT "[Service]\nExecStart=/bin/a -x\n"

static void test_units(void)
{
	pid_t pid;

	pid = ACT(WRITE, ROOT_PLACE "/a.service", UNIT);
	comes(pid, 0, DAEMON, false, 0, ROOT_PLACE "/a.service", "/bin/a");
	only(pid, 1, 0);
	pid = ACT(READ, ROOT_PLACE "/a.service", NULL);
	only(pid, 0, 0);
	pid = ACT(WRITE, ROOT_PLACE "/a.service", UNIT);
	only(pid, 0, 0);
	pid = ACT(WRITE, ROOT_PLACE "/b.service.new", "[Service]\nExecStart=/bin/b\n");
	only(pid, 0, 0);
	pid = ACT(REPLACE, ROOT_PLACE "/a.service", ROOT_PLACE "/b.service.new");
	comes(pid, 0, DAEMON, false, 0, ROOT_PLACE "/a.service", "/bin/b");
	only(pid, 1, 0);
	pid = ACT(SYMLINK, ROOT_PLACE "/x.target.wants/a.service", "../a.service");
	comes(pid, 0, DAEMON, false, 0, ROOT_PLACE "/x.target.wants/a.service", "/bin/b");
	only(pid, 1, 0);
	pid = ACT(MOVE, ROOT_PLACE "/old", ROOT_PLACE "/x.target.wants");
	goes(pid, 0, DAEMON, false, 0, ROOT_PLACE "/x.target.wants/a.service");
	only(pid, 0, 1);
	pid = ACT(LINK, "usr/lib/systemd/user/u.service", ROOT_PLACE "/a.service");
	comes(pid, 0, ES_BTM_ITEM_TYPE_AGENT, false, 0, "usr/lib/systemd/user/u.service", "/bin/b");
	only(pid, 1, 0);
	pid = ACT(REMOVE, ROOT_PLACE "/a.service", NULL);
	goes(pid, 0, DAEMON, false, 0, ROOT_PLACE "/a.service");
	only(pid, 0, 1);
	pid = ACT(WRITE, "etc/systemd/systematic", UNIT);
	only(pid, 0, 0);
}

static void test_cron(void)
{
	pid_t pid;

	pid = ACT(WRITE, "etc/crontab", "SHELL=/bin/sh\n1 * * * * ann /bin/c d\n2 * * * * root /bin/e\n");
	comes(pid, 0, DAEMON, true, 1000, "etc/crontab", "/bin/c");
	comes(pid, 1, DAEMON, true, 0, "etc/crontab", "/bin/e");
	only(pid, 2, 0);
	pid = ACT(WRITE, "etc/crontab", "SHELL=/bin/sh\n2 * * * * root /bin/e\n");
	goes(pid, 0, DAEMON, true, 1000, "etc/crontab");
	only(pid, 0, 1);
	pid = ACT(WRITE, "var/spool/cron/crontabs/tmp.X", "@reboot /bin/f\n");
	only(pid, 0, 0);
	pid = ACT(MOVE, "var/spool/cron/crontabs/ann", "var/spool/cron/crontabs/tmp.X");
	comes(pid, 0, DAEMON, true, 1000, "var/spool/cron/crontabs/ann", "/bin/f");
	only(pid, 1, 0);
	pid = ACT(WRITE, "etc/cron.daily/job", "#!/bin/sh\n");
	only(pid, 0, 0);
	pid = ACT(CHMOD, "etc/cron.daily/job", NULL);
	comes(pid, 0, DAEMON, true, 0, "etc/cron.daily/job", test_at("root/etc/cron.daily/job"));
	only(pid, 1, 0);
}

static void test_homes(void)
{
	const char *entry = "home/ann/.config/autostart/a%20b.desktop";
	pid_t pid;

	pid = ACT(WRITE, "home/ann/.config/autostart/a b.desktop", "[Desktop Entry]\nExec=\"/opt/x y\" %U\n");
	comes(pid, 0, ES_BTM_ITEM_TYPE_LOGIN_ITEM, false, 1000, entry, "/opt/x y");
	only(pid, 1, 0);
	pid = ACT(EXCHANGE, "home/ann/.config", "home/ann/empty");
	goes(pid, 0, ES_BTM_ITEM_TYPE_LOGIN_ITEM, false, 1000, entry);
	only(pid, 0, 1);
	pid = ACT(MOVE, "home/ann/.config/autostart", "home/ann/empty/autostart");
	comes(pid, 0, ES_BTM_ITEM_TYPE_LOGIN_ITEM, false, 1000, entry, "/opt/x y");
	only(pid, 1, 0);
}

static void test_muted(void)
{
	char self[4096] = "";
	pid_t pid;

	REQUIRE(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	CHECK_EQUAL(es_mute_path(client->client, self, ES_MUTE_PATH_TYPE_LITERAL), ES_RETURN_SUCCESS);
	pid = ACT(WRITE, ROOT_PLACE "/m.service", UNIT);
	CHECK_EQUAL(es_unmute_all_paths(client->client), ES_RETURN_SUCCESS);
	only(pid, 0, 0);
}

static void make_folder(const char *path)
{
	char *all = strdup(test_at("%s", path));

	for (char *slash = strchr(all + strlen(test_mnt) + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		(void)mkdir(all, 0755);
		*slash = '/';
	}
	REQUIRE(mkdir(all, 0755) == 0);
	free(all);
}

int main(void)
{
	static const char *const folders[] = {
		"root/etc/systemd/system/x.target.wants", "root/usr/lib/systemd/user", "root/etc/cron.d", "root/etc/cron.daily",
		"root/var/spool/cron/crontabs", "root/home/ann/.config/autostart", "root/home/ann/empty",
	};

	test_begin(120);
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		make_folder(folders[i]);
	test_write_file(test_at("root/etc/passwd"), "root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\n", 0644);
	test_write_file(test_at("root/etc/systemd/system/before.service"), UNIT, 0644);
	test_daemon("--launch-items", test_at("root"), NULL);
	client = test_client(NULL, NULL);
	REQUIRE(es_unmute_all_paths(client->client) == ES_RETURN_SUCCESS);
	test_subscribe(client, ES_NOTIFY(BTM_LAUNCH_ITEM_ADD), ES_NOTIFY(BTM_LAUNCH_ITEM_REMOVE), -1);
	test_units();
	test_cron();
	test_homes();
	test_muted();
	CHECK(!client->disorder);
	return test_end();
}
