/* SPDX-License-Identifier: MIT */

/*
 * A process is its thread group. When a thread that isn't the first executes a program, the message has the process as
 * it was before, with pidversion, executable and first parent, and mutes of the program before count. The user ids in
 * a message are those of the thread that acted. The parent of a process that a thread started is known.
 */

#include "es-test.h"

#include <sched.h>
#include <sys/syscall.h>

static const char *program, *opened;

/* The first thread waits, or is gone. */
struct how {
	bool first_gone;
	bool by_first;
};

static void *execute(void *context)
{
	char *argv[] = { (char *)program, "0", NULL };

	(void)context;
	execv(program, argv);
	_exit(9);
}

static int exec_in_thread(void *context)
{
	const struct how *how = context;
	pthread_t thread;
	int fd = open(opened, O_RDONLY);

	if (fd < 0)
		return 8;
	if (how->by_first)
		execute(NULL);
	if (pthread_create(&thread, NULL, execute, NULL))
		return 7;
	if (how->first_gone)
		pthread_exit(NULL);
	for (;;)
		pause();
}

static void check_exec(struct test_client *client, const struct how *how)
{
	const es_process_t *before, *after;
	const es_message_t *open, *exec, *end;
	char self[4096] = "";
	pid_t pid;

	REQUIRE(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	test_clear(client);
	pid = test_fork(exec_in_thread, (void *)how);
	CHECK_EQUAL(test_wait(pid), 0);
	test_sync(client);
	open = FIND(client, .type = ES_NOTIFY(OPEN), .pid = pid, .path = opened);
	exec = FIND(client, .type = ES_NOTIFY(EXEC), .pid = pid, .path = program);
	end = FIND(client, .type = ES_NOTIFY(EXIT), .pid = pid);
	REQUIRE(open && exec && end);
	before = exec->process;
	after = exec->event.exec.target;
	CHECK_EQUAL(test_pidversion(before), test_pidversion(open->process));
	CHECK_TOKEN(before->executable->path, self);
	CHECK_EQUAL(before->original_ppid, getpid());
	CHECK_EQUAL(before->ppid, getpid());
	CHECK(test_pidversion(after) != test_pidversion(before));
	CHECK_TOKEN(after->executable->path, program);
	CHECK_EQUAL(after->original_ppid, getpid());
	CHECK_EQUAL(after->start_time.tv_sec, open->process->start_time.tv_sec);
	CHECK_EQUAL(after->start_time.tv_usec, open->process->start_time.tv_usec);
	CHECK_EQUAL(test_pidversion(end->process), test_pidversion(after));
	CHECK_TOKEN(end->process->executable->path, program);
}

/* The exec is still of the former execution: its program is what a mute is compared with. */
static void check_mutes(struct test_client *client, const struct how *how)
{
	static const es_event_type_t exec[] = { ES_NOTIFY(EXEC) };
	char self[4096] = "";
	pid_t pid;

	REQUIRE(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	for (int i = 0; i < 2; i++) {
		const char *path = i ? self : program;

		REQUIRE(es_mute_path_events(client->client, path, ES_MUTE_PATH_TYPE_LITERAL, exec, 1) == ES_RETURN_SUCCESS);
		test_clear(client);
		pid = test_fork(exec_in_thread, (void *)how);
		CHECK_EQUAL(test_wait(pid), 0);
		test_sync(client);
		CHECK_EQUAL(COUNT(client, .type = ES_NOTIFY(EXEC), .pid = pid), !i);
		REQUIRE(es_unmute_path_events(client->client, path, ES_MUTE_PATH_TYPE_LITERAL, exec, 1) == ES_RETURN_SUCCESS);
	}
}

/* ---- ids ---- */

static void *open_as_other(void *context)
{
	int fd;

	/* The system calls: the library's functions would change all threads. */
	if (syscall(SYS_setresgid, 1002, 1002, -1) < 0 || syscall(SYS_setresuid, 1003, 1004, -1) < 0)
		_exit(3);
	fd = open("file", O_RDONLY);
	if (fd < 0)
		_exit(4);
	close(fd);
	return context;
}

static int act_in_thread(void *context)
{
	pthread_t thread;
	int fd;

	(void)context;
	if (chdir(test_mnt) < 0 || pthread_create(&thread, NULL, open_as_other, NULL) || pthread_join(thread, NULL))
		return 5;
	fd = open("file", O_RDONLY);
	return fd < 0;
}

static void check_ids(struct test_client *client)
{
	const es_message_t *other, *first;
	const audit_token_t *token;
	pid_t pid;

	test_clear(client);
	pid = test_fork(act_in_thread, NULL);
	CHECK_EQUAL(test_wait(pid), 0);
	test_sync(client);
	other = FIND(client, .type = ES_NOTIFY(OPEN), .pid = pid, .path = opened);
	first = FIND(client, .type = ES_NOTIFY(OPEN), .pid = pid, .path = opened, .skip = 1);
	REQUIRE(other && first);
	token = &other->process->audit_token;
	CHECK_EQUAL(token->val[1], 1004);
	CHECK_EQUAL(token->val[2], 1002);
	CHECK_EQUAL(token->val[3], 1003);
	CHECK_EQUAL(token->val[4], 1002);
	CHECK_EQUAL(token->val[5], pid);
	CHECK_EQUAL(first->process->audit_token.val[1], 0);
	CHECK_EQUAL(first->process->audit_token.val[3], 0);
	CHECK(other->thread && (pid_t)other->thread->thread_id != pid);
}

/* ---- parents ---- */

static int open_it(void *context)
{
	int fd = open(opened, O_RDONLY);

	(void)context;
	return fd < 0;
}

static void *fork_in_thread(void *context)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(open_it(NULL));
	*(pid_t *)context = pid;
	return NULL;
}

/* A thread's child has the process for a parent, with its pidversion; CLONE_PARENT's has its maker's parent. */
static int start_children(void *context)
{
	static char stack[65536];
	pthread_t thread;
	pid_t pid = 0;
	int fd = open(opened, O_RDONLY);

	(void)context;
	if (fd < 0 || pthread_create(&thread, NULL, fork_in_thread, &pid) || pthread_join(thread, NULL))
		return 1;
	if (waitpid(pid, NULL, 0) != pid)
		return 2;
	return clone(open_it, stack + sizeof(stack), CLONE_PARENT | SIGCHLD, NULL) < 0;
}

static void check_parents(struct test_client *client)
{
	const es_message_t *own, *fork_, *sibling;
	const es_process_t *child;
	pid_t pid;

	test_clear(client);
	pid = test_fork(start_children, NULL);
	CHECK_EQUAL(test_wait(pid), 0);
	test_sync(client);
	own = FIND(client, .type = ES_NOTIFY(OPEN), .pid = pid, .path = opened);
	fork_ = FIND(client, .type = ES_NOTIFY(FORK), .pid = pid);
	sibling = FIND(client, .type = ES_NOTIFY(FORK), .pid = pid, .skip = 1);
	REQUIRE(own && fork_ && sibling);
	child = fork_->event.fork.child;
	CHECK_EQUAL(child->ppid, pid);
	CHECK_EQUAL(child->original_ppid, pid);
	CHECK(test_same_process(&child->parent_audit_token, &own->process->audit_token));
	own = FIND(client, .type = ES_NOTIFY(OPEN), .pid = test_pid(child), .path = opened);
	REQUIRE(own != NULL);
	CHECK(test_same_process(&own->process->parent_audit_token, &fork_->process->audit_token));
	child = sibling->event.fork.child;
	CHECK_EQUAL(child->ppid, getpid());
	CHECK_EQUAL(child->original_ppid, getpid());
	CHECK_EQUAL(child->parent_audit_token.val[5], getpid());
	CHECK(child->parent_audit_token.val[7] != 0);
	CHECK_EQUAL(waitpid(test_pid(child), NULL, 0), test_pid(child));	/* it is ours */
}

int main(void)
{
	static const struct how hows[] = { { .by_first = true }, {}, { .first_gone = true } };
	struct test_client *client;

	test_begin(60);
	program = test_tiny("program");
	opened = test_at("file");
	test_write_file(opened, "", 0644);
	test_daemon(NULL);
	client = test_client(NULL, NULL);
	test_subscribe(client, ES_NOTIFY(OPEN), ES_NOTIFY(EXEC), ES_NOTIFY(EXIT), ES_NOTIFY(FORK), -1);
	for (size_t i = 0; i < ARRAY_SIZE(hows); i++) {
		check_exec(client, &hows[i]);
		check_mutes(client, &hows[i]);
	}
	check_ids(client);
	check_parents(client);
	return test_end();
}
