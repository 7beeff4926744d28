/* SPDX-License-Identifier: MIT */

/*
 * Accounts change fast, by several processes, in a file that is a link at first and large in the end. The daemon
 * reports each change once, with a process that made one. A client that subscribes meanwhile gets all changes that are
 * made after es_subscribe() has returned.
 */
#include <sys/file.h>

#include "es-test.h"

enum { WRITERS = 2, USERS = 40, LINES = 100000, ROUNDS = 8, TIMES = 3000 };

static struct test_client *client;

/* Adds a line by renaming, with a lock as shadow's programs take it. */
static void add_user(const char *name)
{
	const char *path = test_at("etc/passwd"), *beside = test_at("etc/passwd.%d", getpid());
	int lock = open(test_at("etc/.pwd.lock"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	FILE *from, *to;
	int c;

	REQUIRE(lock >= 0 && flock(lock, LOCK_EX) == 0);
	from = fopen(path, "re");
	to = fopen(beside, "we");
	REQUIRE(from && to);
	while ((c = getc_unlocked(from)) != EOF)
		putc_unlocked(c, to);
	fprintf(to, "%s:x:1:1:::/bin/sh\n", name);
	REQUIRE(fclose(to) == 0 && rename(beside, path) == 0);
	fclose(from);
	close(lock);
}

static int add_users(void *context)
{
	char name[32];

	for (int i = 0; i < USERS; i++) {
		snprintf(name, sizeof(name), "user-%s-%d", (const char *)context, i);
		add_user(name);
	}
	return 0;
}

static bool all_came(size_t count)
{
	for (int i = 0; i < 200 && COUNT(client, .type = ES_NOTIFY(OD_CREATE_USER)) < count; i++)
		test_sleep_ms(50);
	return COUNT(client, .type = ES_NOTIFY(OD_CREATE_USER)) == count;
}

static void test_writers(void)
{
	static char names[WRITERS][2] = { "a", "b" };
	pid_t pids[WRITERS];
	size_t own = 0, found = 0;	/* how many name the right process depends on how fast the daemon reads the file */

	for (int i = 0; i < WRITERS; i++)
		pids[i] = test_fork(add_users, names[i]);
	for (int i = 0; i < WRITERS; i++)
		CHECK_EQUAL(test_wait(pids[i]), 0);
	CHECK(all_came((size_t)WRITERS * USERS));
	for (int i = 0; i < WRITERS; i++) {
		const es_message_t *message;

		for (unsigned int skip = 0;
		     (message = FIND(client, .type = ES_NOTIFY(OD_CREATE_USER), .pid = pids[i], .skip = skip)); skip++) {
			found++;
			own += message->event.od_create_user->user_name.data[strlen("user-")] == names[i][0];
		}
	}
	CHECK_EQUAL(found, (long long)WRITERS * USERS);
	printf("of %zu changes %zu are told of who made them\n", found, own);
	test_clear(client);
}

static int write_through(void *context)
{
	FILE *file = fopen(test_at("etc/passwd"), "ae");

	return !file || fputs(context, file) < 0 || fclose(file) != 0;
}

static void test_link(void)
{
	char line[] = "linked:x:5:5:::/bin/sh\n";
	pid_t pid = test_fork(write_through, line);
	const es_message_t *message;

	CHECK_EQUAL(test_wait(pid), 0);
	message = AWAIT(client, .type = ES_NOTIFY(OD_CREATE_USER), .pid = pid);
	REQUIRE(message != NULL);
	CHECK_TOKEN(message->event.od_create_user->user_name, "linked");
	CHECK_TOKEN(message->event.od_create_user->db_path, test_at("etc/passwd"));
	test_clear(client);
}

static int write_large(void *context)
{
	FILE *file = fopen(test_at("etc/large"), "we");

	(void)context;
	REQUIRE(file != NULL);
	for (int i = 0; i < LINES; i++)
		fprintf(file, "large-%d:x:%d:1:::/bin/sh\n", i, i + 1000);
	return fclose(file) || rename(test_at("etc/large"), test_at("etc/passwd"));
}

static int add_one(void *context)
{
	add_user(context);
	return 0;
}

/* What doesn't fit into the ring is counted as lost; and what is read is compared with what was, as ever. */
static void test_large(void)
{
	char name[] = "last";
	uint64_t start;
	pid_t pid;

	test_client_delete(client);
	client = test_client(NULL, NULL);
	test_subscribe(client, ES_NOTIFY(OD_DELETE_USER), ES_NOTIFY(OD_ATTRIBUTE_SET), -1);
	pid = test_fork(write_large, NULL);
	CHECK_EQUAL(test_wait(pid), 0);
	CHECK(AWAIT(client, .type = ES_NOTIFY(OD_DELETE_USER), .pid = pid));
	test_subscribe(client, ES_NOTIFY(OD_CREATE_USER), -1);
	start = test_now();
	pid = test_fork(add_one, name);
	CHECK_EQUAL(test_wait(pid), 0);
	REQUIRE(AWAIT(client, .type = ES_NOTIFY(OD_CREATE_USER), .pid = pid));
	printf("a line more in %d was told after %llu ms\n", LINES,
	       (unsigned long long)(test_now() - start) / 1000000);
	CHECK_EQUAL(COUNT(client, .type = ES_NOTIFY(OD_CREATE_USER)), 1);
}

static int write_often(void *context)
{
	char line[] = "flooded:x:7:7:::/bin/sh\n", nothing[] = "\n";

	(void)context;
	for (int i = 0; i < TIMES; i++)
		if (write_through(nothing))
			return 1;
	return write_through(line);
}

/* Changes are faster than the daemon reads, and more than its ring holds: it still reports the final state, and soon. */
static void test_flood(void)
{
	uint64_t start = test_now();
	pid_t pid = test_fork(write_often, NULL);

	CHECK_EQUAL(test_wait(pid), 0);
	REQUIRE(test_await(client, &(struct test_match){ .type = ES_NOTIFY(OD_CREATE_USER), .pid = pid },
			   20000 * test_slow()) != NULL);
	printf("the last of %d changes was told after %llu ms\n", TIMES + 1,
	       (unsigned long long)(test_now() - start) / 1000000);
	CHECK_EQUAL(COUNT(client, .type = ES_NOTIFY(OD_CREATE_USER), .pid = pid), 1);
}

static void test_subscribing(void)
{
	char name[32];

	for (int i = 0; i < ROUNDS; i++) {
		pid_t pid;

		CHECK_EQUAL(es_unsubscribe_all(client->client), ES_RETURN_SUCCESS);
		snprintf(name, sizeof(name), "before-%d", i);
		CHECK_EQUAL(test_wait(test_fork(add_one, name)), 0);
		test_subscribe(client, ES_NOTIFY(OD_CREATE_USER), -1);
		snprintf(name, sizeof(name), "after-%d", i);
		pid = test_fork(add_one, name);
		CHECK_EQUAL(test_wait(pid), 0);
		CHECK(AWAIT(client, .type = ES_NOTIFY(OD_CREATE_USER), .pid = pid));
		CHECK_EQUAL(COUNT(client, .type = ES_NOTIFY(OD_CREATE_USER)), 1);
		test_clear(client);
	}
}

int main(void)
{
	test_begin(240);
	REQUIRE(mkdir(test_at("etc"), 0755) == 0 && mkdir(test_at("real"), 0755) == 0);
	test_write_file(test_at("real/passwd"), "root:x:0:0:::/bin/sh\n", 0644);
	REQUIRE(symlink("../real/passwd", test_at("etc/passwd")) == 0);
	test_daemon("--accounts", test_at("etc"), NULL);
	client = test_client(NULL, NULL);
	test_subscribe(client, ES_NOTIFY(OD_CREATE_USER), -1);
	test_link();
	test_writers();
	test_subscribing();
	test_large();
	test_flood();
	CHECK(!client->disorder);
	return test_end();
}
