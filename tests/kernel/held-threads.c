/* SPDX-License-Identifier: MIT */

/*
 * A client holds one thread of a program: the others go on, and may execute another program, which ends the held one.
 * It holds the child of a vfork(2), and what posix_spawn(3) executes: the parent goes on after the decision, and
 * learns of a denial.
 */

#include "es-test.h"

#include <spawn.h>
#include <sys/mman.h>

enum { TURNS_MS = 100 };

static struct test_client *client;
static unsigned int *turns;		/* shared: what the other thread counts */

static void keep(struct test_client *test_client, const es_message_t *message)
{
	(void)test_client;
	(void)message;		/* main() answers */
}

static void *remove_it(void *name)
{
	return (void *)(intptr_t)(unlink(name) < 0 ? errno : 0);
}

static int count_meanwhile(void *context)
{
	pthread_t thread;
	void *error;

	pthread_create(&thread, NULL, remove_it, context);
	while (pthread_tryjoin_np(thread, &error)) {
		__atomic_add_fetch(turns, 1, __ATOMIC_RELAXED);
		test_sleep_ms(1);
	}
	return (int)(intptr_t)error;
}

static int exec_meanwhile(void *context)
{
	const char *tiny = test_at("tiny");
	pthread_t thread;

	pthread_create(&thread, NULL, remove_it, context);
	while (!__atomic_load_n(turns, __ATOMIC_ACQUIRE))
		test_sleep_ms(1);
	execl(tiny, "tiny", "23", NULL);
	return errno;
}

static int remove_in_vfork(void *context)
{
	int status = 0;
	pid_t pid = vfork();

	if (pid == 0)
		_exit(unlink(context) < 0 ? errno : 0);
	__atomic_add_fetch(turns, 1, __ATOMIC_RELAXED);		/* the parent goes on */
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 200;
}

static int spawn(void *context)
{
	char *argv[] = { "tiny", "0", NULL }, *environment[] = { NULL };
	int status = 0;
	pid_t pid;
	int error = posix_spawn(&pid, context, NULL, NULL, argv, environment);

	__atomic_add_fetch(turns, 1, __ATOMIC_RELAXED);
	if (error)
		return error;
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 200;
}

/* The only question since the last test_clear(). */
static const es_message_t *await(es_event_type_t type)
{
	const es_message_t *message = AWAIT(client, .type = type);

	REQUIRE(message != NULL);
	return message;
}

static void begin(void)
{
	test_clear(client);
	__atomic_store_n(turns, 0, __ATOMIC_RELEASE);
	test_write_file(test_at("file"), "", 0644);
}

static void others_go_on(bool allow)
{
	const es_message_t *message;
	unsigned int before;
	pid_t pid;

	begin();
	pid = test_fork(count_meanwhile, (void *)test_at("file"));
	message = await(ES_AUTH(UNLINK));
	before = __atomic_load_n(turns, __ATOMIC_RELAXED);
	test_sleep_ms(TURNS_MS * test_slow());
	CHECK(__atomic_load_n(turns, __ATOMIC_RELAXED) > before + 5);
	if (allow)
		test_allow(client, message);
	else
		test_deny(client, message);
	CHECK_EQUAL(WEXITSTATUS(test_wait(pid)), allow ? 0 : EPERM);
}

static void exec_ends_it(void)
{
	const es_message_t *message;
	uint64_t start;
	pid_t pid;

	begin();
	pid = test_fork(exec_meanwhile, (void *)test_at("file"));
	message = await(ES_AUTH(UNLINK));
	start = test_now();
	__atomic_store_n(turns, 1, __ATOMIC_RELEASE);
	CHECK_EQUAL(WEXITSTATUS(test_wait(pid)), 23);
	CHECK(test_now() - start < 200 * 1000000ull * test_slow());
	CHECK(es_respond_auth_result(client->client, message, ES_AUTH_RESULT_ALLOW, false) != ES_RESPOND_RESULT_SUCCESS);
	CHECK_EQUAL(access(test_at("file"), F_OK), 0);
}

static void parent_waits(test_child_f *function, const char *path, es_event_type_t type, bool allow)
{
	const es_message_t *message;
	pid_t pid;

	begin();
	pid = test_fork(function, (void *)path);
	message = await(type);
	test_sleep_ms(50);
	CHECK_EQUAL(__atomic_load_n(turns, __ATOMIC_RELAXED), 0);
	if (allow)
		test_allow(client, message);
	else
		test_deny(client, message);
	CHECK_EQUAL(WEXITSTATUS(test_wait(pid)), allow ? 0 : EPERM);
	CHECK_EQUAL(COUNT(client, .type = type), 1);
}

int main(void)
{
	test_begin(60);
	turns = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	REQUIRE(turns != MAP_FAILED);
	(void)test_tiny("tiny");
	test_daemon(NULL);
	client = test_client(keep, NULL);
	test_hold(client, ES_AUTH(UNLINK), -1);
	others_go_on(true);
	others_go_on(false);
	exec_ends_it();
	parent_waits(remove_in_vfork, test_at("file"), ES_AUTH(UNLINK), true);
	parent_waits(remove_in_vfork, test_at("file"), ES_AUTH(UNLINK), false);
	test_hold(client, ES_AUTH(EXEC), -1);
	parent_waits(spawn, test_at("tiny"), ES_AUTH(EXEC), true);
	parent_waits(spawn, test_at("tiny"), ES_AUTH(EXEC), false);
	return test_end();
}
