/* SPDX-License-Identifier: MIT */

/* The daemon reports the changes that Debian's programs for accounts, and an editor, make, each with its program. */

#include "es-test.h"

static struct test_client *client;

static pid_t run(const char *program, const char *const *arguments)
{
	char *argv[16] = { (char *)program, (char *)"-P", (char *)test_mnt };
	size_t count = 3;
	pid_t pid;

	if (!strcmp(program, "/usr/bin/sed"))
		count = 1;
	while (*arguments)
		argv[count++] = (char *)*arguments++;
	test_clear(client);
	CHECK_EQUAL(test_exec(program, argv, &pid), 0);
	return pid;
}

#define RUN(program, ...) run(program, (const char *const[]){ __VA_ARGS__, NULL })

#define NEXT(name, member, pid) \
	({ \
		const es_message_t *next_ = AWAIT(client, .type = ES_NOTIFY(name), .pid = pid); \
\
		REQUIRE(next_ != NULL); \
		CHECK(test_pid(next_->event.member->instigator) == (pid)); \
		next_->event.member; \
	})

static void test_programs(void)
{
	const es_event_od_attribute_set_t *set;
	pid_t pid;

	pid = RUN("/usr/sbin/groupadd", "crew");
	CHECK_TOKEN(NEXT(OD_CREATE_GROUP, od_create_group, pid)->group_name, "crew");
	pid = RUN("/usr/sbin/useradd", "-N", "-G", "crew", "-p", "$6$salt$hash", "ann");
	CHECK_TOKEN(NEXT(OD_CREATE_USER, od_create_user, pid)->user_name, "ann");
	CHECK_TOKEN(NEXT(OD_CREATE_USER, od_create_user, pid)->instigator->executable->path, "/usr/sbin/useradd");
	CHECK_TOKEN(NEXT(OD_MODIFY_PASSWORD, od_modify_password, pid)->account_name, "ann");
	CHECK_TOKEN(NEXT(OD_GROUP_ADD, od_group_add, pid)->member->member_value.name, "ann");
	pid = RUN("/usr/sbin/usermod", "-L", "ann");
	CHECK_TOKEN(NEXT(OD_DISABLE_USER, od_disable_user, pid)->user_name, "ann");
	pid = RUN("/usr/sbin/usermod", "-U", "ann");
	CHECK_TOKEN(NEXT(OD_ENABLE_USER, od_enable_user, pid)->user_name, "ann");
	pid = RUN("/usr/sbin/usermod", "-l", "bob", "ann");
	set = NEXT(OD_ATTRIBUTE_SET, od_attribute_set, pid);
	CHECK_TOKEN(set->attribute_name, "RecordName");
	CHECK_TOKEN(set->attribute_values[0], "bob");
	CHECK_TOKEN(NEXT(OD_GROUP_SET, od_group_set, pid)->members->member_array.names[0], "bob");
	CHECK_EQUAL(COUNT(client, .type = ES_NOTIFY(OD_MODIFY_PASSWORD), .pid = pid), 0);
	pid = RUN("/usr/bin/sed", "-i", "s/:Boss:/:Chief:/", test_at("etc/passwd"));
	CHECK_TOKEN(NEXT(OD_ATTRIBUTE_SET, od_attribute_set, pid)->attribute_values[0], "Chief");
	pid = RUN("/usr/sbin/userdel", "bob");
	CHECK_TOKEN(NEXT(OD_DELETE_USER, od_delete_user, pid)->user_name, "bob");
	CHECK_TOKEN(NEXT(OD_GROUP_REMOVE, od_group_remove, pid)->group_name, "crew");
	pid = RUN("/usr/sbin/groupdel", "crew");
	CHECK_TOKEN(NEXT(OD_DELETE_GROUP, od_delete_group, pid)->group_name, "crew");
}

int main(void)
{
	test_begin(120);
	if (access("/usr/sbin/useradd", X_OK) || access("/usr/bin/sed", X_OK))
		test_skip("shadow's programs, and sed");
	REQUIRE(mkdir(test_at("etc"), 0755) == 0);
	test_write_file(test_at("etc/login.defs"), "CREATE_HOME no\n", 0644);
	test_write_file(test_at("etc/passwd"), "root:x:0:0:Boss:/root:/bin/sh\n", 0644);
	test_write_file(test_at("etc/shadow"), "root:*:1:0:9:7:::\n", 0600);
	test_write_file(test_at("etc/group"), "root:x:0:\nusers:x:100:\n", 0644);
	test_write_file(test_at("etc/gshadow"), "root:*::\nusers:!::\n", 0600);
	test_daemon("--accounts", test_at("etc"), NULL);
	client = test_client(NULL, NULL);
	REQUIRE(es_unmute_all_paths(client->client) == ES_RETURN_SUCCESS);
	test_subscribe(client, ES_NOTIFY(OD_GROUP_ADD), ES_NOTIFY(OD_GROUP_REMOVE), ES_NOTIFY(OD_GROUP_SET),
		       ES_NOTIFY(OD_MODIFY_PASSWORD), ES_NOTIFY(OD_DISABLE_USER), ES_NOTIFY(OD_ENABLE_USER),
		       ES_NOTIFY(OD_ATTRIBUTE_SET), ES_NOTIFY(OD_CREATE_USER), ES_NOTIFY(OD_CREATE_GROUP),
		       ES_NOTIFY(OD_DELETE_USER), ES_NOTIFY(OD_DELETE_GROUP), -1);
	test_programs();
	CHECK(!client->disorder);
	return test_end();
}
