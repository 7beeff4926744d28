/* SPDX-License-Identifier: MIT */

/*
 * A client that chose to live (fact 41) is stopped. The daemon answers for it as it chose, whether or not it has read
 * the question. When it goes on it works as before.
 */

#include "es-test.h"

#include <sys/mman.h>

enum { DEADLINE_MS = 400, SPARE_MS = 250, TIMES = 3 };

struct shared {
	unsigned int ready;
	unsigned int held;
	unsigned int answers;		/* 1: the client answers its questions */
	uint64_t took_ns;
	int error;
};

static struct shared *shared;

static void hold(struct test_client *client, const es_message_t *message)
{
	__atomic_add_fetch(&shared->held, 1, __ATOMIC_RELEASE);
	if (__atomic_load_n(&shared->answers, __ATOMIC_ACQUIRE))
		test_allow(client, message);
}

static _Noreturn int client_main(void *context)
{
	struct test_client *client = test_client(hold, NULL);

	if (es_set_deadline_miss_mode(client->client, *(es_deadline_miss_mode_t *)context) != ES_RETURN_SUCCESS)
		_exit(9);
	test_subscribe(client, ES_AUTH(OPEN), -1);
	__atomic_store_n(&shared->ready, 1, __ATOMIC_RELEASE);
	for (;;)
		pause();
}

static int opens(void *context)
{
	uint64_t begin = test_now();
	int fd = open(context, O_RDONLY);

	shared->error = fd < 0 ? errno : 0;
	shared->took_ns = test_now() - begin;
	return 0;
}

static void await(const unsigned int *value)
{
	for (int i = 0; i < 5000 && !__atomic_load_n(value, __ATOMIC_ACQUIRE); i++)
		test_sleep_ms(1);
	REQUIRE(__atomic_load_n(value, __ATOMIC_ACQUIRE) != 0);
}

static void stop(pid_t pid)
{
	int status;

	REQUIRE(kill(pid, SIGSTOP) == 0 && waitpid(pid, &status, WUNTRACED) == pid);
}

static void expect(int error)
{
	printf("%s after %.1f ms\n", error ? "denied" : "allowed", (double)shared->took_ns / 1e6);
	CHECK_EQUAL(shared->error, error);
	CHECK(shared->took_ns >= DEADLINE_MS * 1000000ull);
	CHECK(shared->took_ns <= (DEADLINE_MS + SPARE_MS) * 1000000ull * test_slow());
}

static void case_mode(es_deadline_miss_mode_t mode, int error)
{
	const char *path = test_at("file-%d", (int)mode);
	pid_t client, pid;

	*shared = (struct shared){};
	test_write_file(path, "", 0644);
	client = test_fork(client_main, &mode);
	await(&shared->ready);

	for (int i = 0; i < TIMES; i++) {
		stop(client);					/* before it can read the question */
		CHECK_EQUAL(test_run(opens, (void *)path), 0);
		expect(error);
		REQUIRE(kill(client, SIGCONT) == 0);
	}

	shared->held = 0;
	pid = test_fork(opens, (void *)path);
	await(&shared->held);
	stop(client);						/* when its handler has it */
	CHECK_EQUAL(test_wait(pid), 0);
	expect(error);
	REQUIRE(kill(client, SIGCONT) == 0);

	__atomic_store_n(&shared->answers, 1, __ATOMIC_RELEASE);
	for (int i = 0; i < TIMES; i++) {
		CHECK_EQUAL(test_run(opens, (void *)path), 0);
		CHECK_EQUAL(shared->error, 0);
		CHECK(shared->took_ns < DEADLINE_MS * 1000000ull);
	}
	CHECK_EQUAL(test_wait_ms(client, 1), -1);
	REQUIRE(kill(client, SIGKILL) == 0);
	CHECK_EQUAL(WTERMSIG(test_wait(client)), SIGKILL);
}

int main(void)
{
	test_begin(90);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	REQUIRE(shared != MAP_FAILED);
	test_daemon("--deadline-ms", "400", NULL);
	case_mode(ES_DEADLINE_MISS_MODE_FAIL_CLOSED, EPERM);
	case_mode(ES_DEADLINE_MISS_MODE_FAIL_OPEN, 0);
	return test_end();
}
