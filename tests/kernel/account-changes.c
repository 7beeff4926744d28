/* SPDX-License-Identifier: MIT */

/*
 * Changes of accounts and groups: whichever program makes them, and however it replaces or writes the file, the daemon
 * reports each change once, in order after the file's own message, with the process that made it. It never reports a
 * password. The test's files are in a folder of its own.
 */
#include <linux/fs.h>
#include <sys/syscall.h>

#include "es-test.h"

#define HASH_A "$y$j9T$aaaaaaaa$secretsecretsecret"
#define HASH_B "$y$j9T$bbbbbbbb$othersecretothersecret"

#define WHEEL "root:x:0:\nwheel:x:10:ann\n"

static struct test_client *client;
static const char *group = WHEEL;		/* what that file has now */

struct edit {
	const char *file, *text;
	enum { RENAME, WRITE, EXCHANGE, LINK, TRUNCATE, READ } how;
};

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	REQUIRE(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) && close(fd) == 0);
}

static int edit_file(void *context)
{
	const struct edit *edit = context;
	const char *path = test_at("etc/%s", edit->file), *beside = test_at("etc/%s+", edit->file);
	char byte;
	int fd;

	switch (edit->how) {
	case RENAME:
		put(beside, edit->text);
		return rename(beside, path) != 0;
	case WRITE:
		put(path, edit->text);
		return 0;
	case EXCHANGE:
		put(beside, edit->text);
		return syscall(SYS_renameat2, AT_FDCWD, beside, AT_FDCWD, path, RENAME_EXCHANGE) || unlink(beside);
	case LINK:
		put(beside, edit->text);
		return unlink(path) || link(beside, path) || unlink(beside);
	case TRUNCATE:
		return truncate(path, (off_t)strlen(edit->text)) != 0;
	case READ:
		fd = open(path, O_RDWR | O_CLOEXEC);
		return fd < 0 || read(fd, &byte, 1) < 0 || close(fd);
	}
	return 1;
}

#define EDIT(how_, file_, text_) \
	({ \
		struct edit edit_ = { file_, text_, how_ }; \
		pid_t pid_; \
\
		test_clear(client); \
		pid_ = test_fork(edit_file, &edit_); \
		CHECK_EQUAL(test_wait(pid_), 0); \
		pid_; \
	})

/* The next one of the type, which comes within a few seconds; what else there is of the process is counted by NOTHING_ELSE. */
static const es_message_t *next(es_event_type_t type, pid_t pid, unsigned int skip)
{
	const es_message_t *message = AWAIT(client, .type = (int)type, .pid = pid, .skip = skip);

	REQUIRE(message != NULL);
	CHECK(message->thread == NULL && message->action_type == ES_ACTION_TYPE_NOTIFY);
	CHECK_EQUAL(test_pid(message->process), pid);
	return message;
}

#define NEXT(name, member, pid, skip) \
	({ \
		const typeof(*((es_events_t *)NULL)->member) *event_ = next(ES_NOTIFY(name), pid, skip)->event.member; \
\
		CHECK(event_->instigator && test_pid(event_->instigator) == (pid) && event_->error_code == 0); \
		CHECK_TOKEN(event_->node_name, "/Local/Default"); \
		event_; \
	})

static const es_event_type_t all[] = {
	ES_NOTIFY(OD_GROUP_ADD), ES_NOTIFY(OD_GROUP_REMOVE), ES_NOTIFY(OD_GROUP_SET), ES_NOTIFY(OD_MODIFY_PASSWORD),
	ES_NOTIFY(OD_DISABLE_USER), ES_NOTIFY(OD_ENABLE_USER), ES_NOTIFY(OD_ATTRIBUTE_VALUE_ADD),
	ES_NOTIFY(OD_ATTRIBUTE_VALUE_REMOVE), ES_NOTIFY(OD_ATTRIBUTE_SET), ES_NOTIFY(OD_CREATE_USER),
	ES_NOTIFY(OD_CREATE_GROUP), ES_NOTIFY(OD_DELETE_USER), ES_NOTIFY(OD_DELETE_GROUP),
};

static size_t told(pid_t pid)
{
	size_t count = 0;

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		count += COUNT(client, .type = (int)all[i], .pid = pid);
	return count;
}

static void group_is(const char *text, es_event_type_t type)
{
	struct edit edit = { "group", text, RENAME };
	pid_t pid = test_fork(edit_file, &edit);

	CHECK_EQUAL(test_wait(pid), 0);
	CHECK(AWAIT(client, .type = (int)type, .pid = pid));
}

/* A change back and forth, behind whose messages nothing can come of those before. */
static void settle(void)
{
	char more[256];

	snprintf(more, sizeof(more), "%smark:x:99:\n", group);
	group_is(more, ES_NOTIFY(OD_CREATE_GROUP));
	group_is(group, ES_NOTIFY(OD_DELETE_GROUP));
}

#define ONLY(pid, count) \
	do { \
		settle(); \
		CHECK_EQUAL(told(pid), count); \
	} while (0)

#define ROOT "root:x:0:0:root:/root:/bin/sh\n"

static void test_users(void)
{
	const es_event_od_attribute_set_t *set;
	const es_event_od_create_user_t *made;
	pid_t pid;

	pid = EDIT(RENAME, "passwd", ROOT "ann:x:1000:1000:Ann:/home/ann:/bin/sh\n");
	made = NEXT(OD_CREATE_USER, od_create_user, pid, 0);
	CHECK_TOKEN(made->user_name, "ann");
	CHECK_TOKEN(made->db_path, test_at("etc/passwd"));
	REQUIRE(FIND(client, .type = ES_NOTIFY(RENAME), .pid = pid) != NULL);
	CHECK_STRING(made->instigator->executable->path.data,
		     FIND(client, .type = ES_NOTIFY(RENAME), .pid = pid)->process->executable->path.data);
	CHECK(FIND(client, .type = ES_NOTIFY(RENAME), .pid = pid)->global_seq_num <
	      FIND(client, .type = ES_NOTIFY(OD_CREATE_USER), .pid = pid)->global_seq_num);
	ONLY(pid, 1);

	pid = EDIT(WRITE, "passwd", ROOT "ann:x:1000:1000:Ann,,,:/srv/ann:/bin/other\n");
	set = NEXT(OD_ATTRIBUTE_SET, od_attribute_set, pid, 0);
	CHECK(set->record_type == ES_OD_RECORD_TYPE_USER && set->attribute_value_count == 1);
	CHECK_TOKEN(set->record_name, "ann");
	CHECK_TOKEN(set->attribute_name, "RealName");
	CHECK_TOKEN(set->attribute_values[0], "Ann,,,");
	CHECK_TOKEN(NEXT(OD_ATTRIBUTE_SET, od_attribute_set, pid, 1)->attribute_name, "NFSHomeDirectory");
	CHECK_TOKEN(NEXT(OD_ATTRIBUTE_SET, od_attribute_set, pid, 2)->attribute_values[0], "/bin/other");
	ONLY(pid, 3);

	pid = EDIT(EXCHANGE, "passwd", ROOT "anna:x:1000:1000:Ann,,,:/srv/ann:/bin/other\n");
	set = NEXT(OD_ATTRIBUTE_SET, od_attribute_set, pid, 0);
	CHECK_TOKEN(set->record_name, "ann");
	CHECK_TOKEN(set->attribute_name, "RecordName");
	CHECK_TOKEN(set->attribute_values[0], "anna");
	ONLY(pid, 1);

	pid = EDIT(LINK, "passwd", ROOT);
	CHECK_TOKEN(NEXT(OD_DELETE_USER, od_delete_user, pid, 0)->user_name, "anna");
	ONLY(pid, 1);
}

static void test_passwords(void)
{
	const es_event_od_attribute_set_t *set;
	pid_t pid;

	pid = EDIT(RENAME, "shadow", "root:*:1:0:9:7:::\nann:" HASH_A ":1:0:9:7:::\n");
	CHECK_TOKEN(NEXT(OD_MODIFY_PASSWORD, od_modify_password, pid, 0)->account_name, "ann");
	ONLY(pid, 1);

	pid = EDIT(RENAME, "shadow", "root:*:1:0:9:7:::\nann:" HASH_B ":2:0:9:7:::\n");
	CHECK_TOKEN(NEXT(OD_MODIFY_PASSWORD, od_modify_password, pid, 0)->db_path, test_at("etc/shadow"));
	set = NEXT(OD_ATTRIBUTE_SET, od_attribute_set, pid, 0);
	CHECK_TOKEN(set->attribute_name, "ShadowLastChange");
	CHECK_TOKEN(set->attribute_values[0], "2");
	ONLY(pid, 2);

	pid = EDIT(WRITE, "shadow", "root:*:1:0:9:7:::\nann:!" HASH_B ":2:0:9:7:::\n");
	CHECK_TOKEN(NEXT(OD_DISABLE_USER, od_disable_user, pid, 0)->user_name, "ann");
	ONLY(pid, 1);

	pid = EDIT(WRITE, "shadow", "root:*:1:0:9:7:::\nann:" HASH_B ":2:0:9:7::1:\n");
	CHECK_TOKEN(NEXT(OD_ENABLE_USER, od_enable_user, pid, 0)->user_name, "ann");
	CHECK_TOKEN(NEXT(OD_ATTRIBUTE_SET, od_attribute_set, pid, 0)->attribute_name, "ShadowExpire");
	CHECK_TOKEN(NEXT(OD_DISABLE_USER, od_disable_user, pid, 0)->user_name, "ann");
	ONLY(pid, 3);

	pid = EDIT(WRITE, "gshadow", "root:" HASH_A "::\nwheel:!:ann:\n");
	set = NEXT(OD_ATTRIBUTE_SET, od_attribute_set, pid, 0);
	CHECK(set->record_type == ES_OD_RECORD_TYPE_GROUP && set->attribute_value_count == 0 && !set->attribute_values);
	CHECK_TOKEN(set->attribute_name, "Password");
	CHECK_TOKEN(NEXT(OD_ATTRIBUTE_VALUE_ADD, od_attribute_value_add, pid, 0)->attribute_value, "ann");
	ONLY(pid, 2);

	pid = EDIT(WRITE, "gshadow", "root:" HASH_A "::\nwheel:!::\n");
	CHECK_TOKEN(NEXT(OD_ATTRIBUTE_VALUE_REMOVE, od_attribute_value_remove, pid, 0)->record_name, "wheel");
	ONLY(pid, 1);
}

static void test_groups(void)
{
	const es_event_od_group_set_t *set;
	pid_t pid;

	pid = EDIT(RENAME, "group", "root:x:0:\nwheel:x:10:ann\ncrew:x:11:bob,ann\n");
	CHECK_TOKEN(NEXT(OD_CREATE_GROUP, od_create_group, pid, 0)->group_name, "crew");
	CHECK_TOKEN(NEXT(OD_GROUP_ADD, od_group_add, pid, 0)->member->member_value.name, "ann");
	CHECK_TOKEN(NEXT(OD_GROUP_ADD, od_group_add, pid, 1)->member->member_value.name, "bob");

	group = "root:x:0:\nwheel:x:10:\ncrew:x:12:bob,cid\n";
	pid = EDIT(RENAME, "group", group);
	CHECK_TOKEN(NEXT(OD_GROUP_REMOVE, od_group_remove, pid, 0)->group_name, "wheel");
	set = NEXT(OD_GROUP_SET, od_group_set, pid, 0);
	CHECK(set->members->member_count == 2 && set->members->member_type == ES_OD_MEMBER_TYPE_USER_NAME);
	CHECK_TOKEN(set->members->member_array.names[1], "cid");
	CHECK_TOKEN(NEXT(OD_ATTRIBUTE_SET, od_attribute_set, pid, 0)->attribute_name, "PrimaryGroupID");
	ONLY(pid, 3);

	group = "root:x:0:\nwheel:x:10:\n";
	pid = EDIT(TRUNCATE, "group", group);
	CHECK_TOKEN(NEXT(OD_DELETE_GROUP, od_delete_group, pid, 0)->group_name, "crew");
	ONLY(pid, 1);
}

/* The daemon reports no change if a new file is equal or can't be read; it compares the next one with the last good one. */
static void test_nothing(void)
{
	pid_t pid;

	pid = EDIT(RENAME, "passwd", ROOT);
	ONLY(pid, 0);
	pid = EDIT(READ, "passwd", "");
	ONLY(pid, 0);
	pid = EDIT(WRITE, "passwd", "");
	ONLY(pid, 0);
	pid = EDIT(WRITE, "passwd", "# all\n+nis::::::\nroot:x:0:0:ro");
	ONLY(pid, 0);
	REQUIRE(unlink(test_at("etc/passwd")) == 0 && symlink("passwd", test_at("etc/passwd")) == 0);
	REQUIRE(unlink(test_at("etc/passwd")) == 0 && mkfifo(test_at("etc/passwd"), 0600) == 0);
	pid = EDIT(RENAME, "passwd", ROOT "+nis::::::\nhalf:x:1\nbob:x:1001:1:::/bin/sh\nbob:x:0:0:::\n:x:1:1:::\n");
	CHECK_TOKEN(NEXT(OD_CREATE_USER, od_create_user, pid, 0)->user_name, "bob");
	ONLY(pid, 1);
	/* A name that is no folder's, and one that only looks like it. */
	pid = EDIT(RENAME, "passwd-", "evil:x:0:0:::\n");
	ONLY(pid, 0);
}

/* No message has a password. */
static void check_no_password(void)
{
	for (size_t i = 0; i < client->count; i++) {
		const es_message_t *message = client->message[i];

		if (message->event_type >= ES_NOTIFY(OD_GROUP_ADD) && message->event_type <= ES_NOTIFY(OD_DELETE_GROUP))
			CHECK(!memmem(message, es_message_size(message), "secret", strlen("secret")));
	}
}

/* A mute is about the process that changed the file, and counts as it was at that time. */
static void test_muted(void)
{
	char self[4096] = "";
	pid_t pid;

	REQUIRE(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	CHECK_EQUAL(es_mute_path(client->client, self, ES_MUTE_PATH_TYPE_LITERAL), ES_RETURN_SUCCESS);
	pid = EDIT(RENAME, "passwd", ROOT "cid:x:1002:1:::/bin/sh\n");
	CHECK_EQUAL(es_unmute_all_paths(client->client), ES_RETURN_SUCCESS);
	ONLY(pid, 0);
}

int main(void)
{
	test_begin(120);
	REQUIRE(mkdir(test_at("etc"), 0755) == 0);
	put(test_at("etc/passwd"), ROOT);
	put(test_at("etc/shadow"), "root:*:1:0:9:7:::\n");
	put(test_at("etc/group"), group);
	put(test_at("etc/gshadow"), "root:*::\nwheel:!::\n");
	test_daemon("--accounts", test_at("etc"), NULL);
	client = test_client(NULL, NULL);
	REQUIRE(es_unmute_all_paths(client->client) == ES_RETURN_SUCCESS);
	test_subscribe(client, ES_NOTIFY(RENAME), -1);
	REQUIRE(es_subscribe(client->client, all, ARRAY_SIZE(all)) == ES_RETURN_SUCCESS);
	test_users();
	test_passwords();
	check_no_password();
	test_groups();
	test_nothing();
	test_muted();
	CHECK(!client->disorder);
	return test_end();
}
