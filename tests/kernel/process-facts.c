/* SPDX-License-Identifier: MIT */

/*
 * The members of a message about the acting process: ids, parents, group, session, executable, start; also for a
 * process that existed before the daemon.
 */

#include "es-test.h"

#include <sys/mman.h>

struct shared {			/* written by the children */
	pid_t pid, ppid, group, session;
};

static struct shared *shared;
static int go[2];

static int open_file(const char *path)
{
	int fd = open(path, O_RDONLY);

	if (fd < 0)
		return 1;
	close(fd);
	return 0;
}

static void note(void)
{
	shared->pid = getpid();
	shared->ppid = getppid();
	shared->group = getpgrp();
	shared->session = getsid(0);
}

static void compare(const es_process_t *process)
{
	char self[4096] = "";
	struct stat seen;

	REQUIRE(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0 && stat("/proc/self/exe", &seen) == 0);
	CHECK_EQUAL(test_pid(process), shared->pid);
	CHECK_EQUAL(process->ppid, shared->ppid);
	CHECK_EQUAL(process->group_id, shared->group);
	CHECK_EQUAL(process->session_id, shared->session);
	CHECK_TOKEN(process->executable->path, self);
	CHECK_EQUAL(process->executable->stat.st_ino, seen.st_ino);
	CHECK_EQUAL(process->executable->stat.st_dev, seen.st_dev);
	CHECK(process->executable->path_truncated == false);
}

static const es_message_t *open_message(struct test_client *client, pid_t pid)
{
	const es_message_t *message;

	test_sync(client);
	message = FIND(client, .type = ES_NOTIFY(OPEN), .pid = pid, .path = test_at("file"));
	REQUIRE(message != NULL);
	return message;
}

/* A process from before. */

static int wait_and_open(void *context)
{
	char byte;

	note();
	if (read(go[0], &byte, 1) != 1)
		return 2;
	return open_file(context);
}

static void was_there_before(struct test_client *client, pid_t pid, time_t started)
{
	const es_process_t *process;

	REQUIRE(write(go[1], "", 1) == 1);
	CHECK_EQUAL(test_wait(pid), 0);
	process = open_message(client, pid)->process;
	compare(process);
	CHECK_EQUAL(process->original_ppid, getpid());
	CHECK_EQUAL(process->parent_audit_token.val[5], getpid());
	CHECK(process->start_time.tv_sec >= started - 2 && process->start_time.tv_sec <= started + 2);
	CHECK(test_pidversion(process) != 0);
}

/* Group and session of its own. */

static int own_session(void *context)
{
	setsid();
	note();
	return open_file(context);
}

static void group_and_session(struct test_client *client)
{
	pid_t pid = test_fork(own_session, (void *)test_at("file"));

	CHECK_EQUAL(test_wait(pid), 0);
	compare(open_message(client, pid)->process);
	CHECK_EQUAL(shared->session, pid);
}

/* The parent ends first. */

static int orphan(const char *path)
{
	pid_t parent = getppid();

	for (int i = 0; i < 2000 && getppid() == parent; i++)
		test_sleep_ms(1);
	note();
	return open_file(path);
}

static int leave_orphan(void *context)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(orphan(context));
	return 0;
}

static void reparented(struct test_client *client)
{
	const char *path = test_at("file");
	pid_t parent;
	const es_message_t *message;

	test_clear(client);
	parent = test_fork(leave_orphan, (void *)path);
	CHECK_EQUAL(test_wait(parent), 0);
	message = AWAIT(client, .type = ES_NOTIFY(OPEN), .path = path);
	REQUIRE(message != NULL);
	compare(message->process);
	CHECK(message->process->ppid != parent);
	CHECK_EQUAL(message->process->original_ppid, parent);
}

/* Who it runs as. */

static int as_others(void *context)
{
	(void)context;
	if (chdir(test_mnt) < 0 || setresgid(1001, 1002, 1002) < 0 || setresuid(1003, 1004, 1004) < 0)
		return 3;
	return open_file("file");	/* they may not search the folders above */
}

static void ids(struct test_client *client)
{
	pid_t pid = test_fork(as_others, NULL);
	const audit_token_t *token;

	CHECK_EQUAL(test_wait(pid), 0);
	token = &open_message(client, pid)->process->audit_token;
	CHECK_EQUAL(token->val[1], 1004);
	CHECK_EQUAL(token->val[2], 1002);
	CHECK_EQUAL(token->val[3], 1003);
	CHECK_EQUAL(token->val[4], 1001);
	CHECK_EQUAL(token->val[5], pid);
}

int main(void)
{
	struct test_client *client;
	time_t started = time(NULL);
	pid_t before;

	test_begin(20);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	REQUIRE(shared != MAP_FAILED && pipe2(go, O_CLOEXEC) == 0);
	test_write_file(test_at("file"), "", 0644);
	before = test_fork(wait_and_open, (void *)test_at("file"));
	test_daemon(NULL);
	client = test_client(NULL, NULL);
	test_subscribe(client, ES_NOTIFY(OPEN), -1);
	was_there_before(client, before, started);
	group_and_session(client);
	reparented(client);
	ids(client);
	close(go[0]);
	close(go[1]);
	return test_end();
}
