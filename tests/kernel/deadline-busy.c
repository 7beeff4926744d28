/* SPDX-License-Identifier: MIT */

/*
 * The time for an answer counts from when the handler could have begun with the question. A question that comes while
 * the handler is busy has a later deadline, which its message shows and the daemon keeps. So many questions don't make
 * a client late that answers each in time. If the handler doesn't return, no task waits longer than four times the
 * deadline.
 */

#include "es-test.h"

#include <stdatomic.h>
#include <sys/mman.h>

enum { DEADLINE_MS = 400, BUSY_MS = 300, SPARE_MS = 250, MOST = 4, OTHERS = 3 };

struct shared {
	unsigned int handled;
	unsigned int denied[1 + OTHERS];
	uint64_t took_ns[1 + OTHERS];
};

static struct shared *shared;

/* As the client saw them, in the order of their coming. */
static uint64_t said_ns[1 + OTHERS];

static void takes_its_time(struct test_client *client, const es_message_t *message)
{
	unsigned int n = __atomic_load_n(&shared->handled, __ATOMIC_RELAXED);

	if (n <= OTHERS)
		said_ns[n] = message->deadline - message->mach_time;
	__atomic_store_n(&shared->handled, n + 1, __ATOMIC_RELEASE);
	test_sleep_ms(BUSY_MS);
	CHECK_EQUAL(es_respond_flags_result(client->client, message, 0, false), ES_RESPOND_RESULT_SUCCESS);
}

static atomic_bool let_return;

static void never_returns(struct test_client *client, const es_message_t *message)
{
	(void)client;
	(void)message;
	__atomic_add_fetch(&shared->handled, 1, __ATOMIC_RELEASE);
	while (!atomic_load(&let_return))
		test_sleep_ms(5);
}

static int opens(void *context)
{
	unsigned int n = *(unsigned int *)context;
	uint64_t begin = test_now();
	int fd = open(test_at("file-%u", n), O_RDONLY);

	shared->denied[n] = fd < 0 && errno == EPERM;
	shared->took_ns[n] = test_now() - begin;
	return 0;
}

/* One has the handler busy, and the others ask meanwhile. */
static void ask(struct test_client *client)
{
	pid_t pids[1 + OTHERS];
	unsigned int n;

	*shared = (struct shared){};
	test_subscribe(client, ES_AUTH(OPEN), -1);
	for (n = 0; n <= OTHERS; n++) {
		pids[n] = test_fork(opens, &n);
		for (int i = 0; i < 5000 && !__atomic_load_n(&shared->handled, __ATOMIC_ACQUIRE); i++)
			test_sleep_ms(1);
	}
	for (n = 0; n <= OTHERS; n++)
		CHECK_EQUAL(test_wait(pids[n]), 0);
	for (n = 0; n <= OTHERS; n++)
		printf("%u: %s after %.1f ms\n", n, shared->denied[n] ? "denied" : "allowed", (double)shared->took_ns[n] / 1e6);
}

/* The last one is answered long after the first deadline would have been over. */
static void answered_in_turn(void)
{
	struct test_client *client = test_client(takes_its_time, NULL);

	ask(client);
	test_sync(client);
	for (unsigned int n = 0; n <= OTHERS; n++) {
		printf("%u: had %.1f ms\n", n, (double)said_ns[n] / 1e6);
		CHECK_EQUAL(shared->denied[n], 1);
		CHECK(n ? said_ns[n] > DEADLINE_MS * 1000000ull : said_ns[n] == DEADLINE_MS * 1000000ull);
		CHECK(said_ns[n] <= MOST * DEADLINE_MS * 1000000ull);
	}
	CHECK(shared->took_ns[OTHERS] > DEADLINE_MS * 1000000ull);
	test_client_delete(client);
}

static void never_answered(void)
{
	struct test_client *client = test_client(never_returns, NULL);

	CHECK_EQUAL(es_set_deadline_miss_mode(client->client, ES_DEADLINE_MISS_MODE_FAIL_CLOSED), ES_RETURN_SUCCESS);
	ask(client);
	for (unsigned int n = 0; n <= OTHERS; n++) {
		CHECK_EQUAL(shared->denied[n], 1);
		CHECK(shared->took_ns[n] >= DEADLINE_MS * 1000000ull);
		CHECK(shared->took_ns[n] <= MOST * DEADLINE_MS * 1000000ull + SPARE_MS * 1000000ull * test_slow());
	}
	atomic_store(&let_return, true);
	test_client_delete(client);
}

int main(void)
{
	test_begin(60);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	REQUIRE(shared != MAP_FAILED);
	for (unsigned int n = 0; n <= OTHERS; n++)
		test_write_file(test_at("file-%u", n), "", 0644);
	test_daemon("--deadline-ms", "400", NULL);
	answered_in_turn();
	never_answered();
	return test_end();
}
