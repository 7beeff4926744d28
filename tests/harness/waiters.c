/* SPDX-License-Identifier: MIT */

#include "waiters.h"

#include <sys/mman.h>

/* Written by the children, read by the test. */
struct waiter {
	uint64_t done_ns;		/* when open(2) returned; 0: not yet */
	int error;			/* of open(2) */
};

struct shared {
	struct waiter waiter[WAITERS];
	unsigned int subscribed;
	unsigned int held;
};

static struct shared *shared;
static pid_t pids[WAITERS];

void waiters_prepare(void)
{
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	REQUIRE(shared != MAP_FAILED);
	for (int i = 0; i < WAITERS; i++)
		test_write_file(test_at("held-%d", i), "", 0644);
}

static int waiter_main(void *context)
{
	struct waiter *waiter = context;
	int fd = open(test_at("held-%d", (int)(waiter - shared->waiter)), O_RDONLY);

	waiter->error = fd < 0 ? errno : 0;
	__atomic_store_n(&waiter->done_ns, test_now(), __ATOMIC_RELEASE);
	return 0;
}

void waiters_start(void)
{
	memset(shared->waiter, 0, sizeof(shared->waiter));
	for (int i = 0; i < WAITERS; i++)
		pids[i] = test_fork(waiter_main, &shared->waiter[i]);
}

bool waiters_waiting(void)
{
	for (int i = 0; i < WAITERS; i++) {
		if (__atomic_load_n(&shared->waiter[i].done_ns, __ATOMIC_ACQUIRE))
			return false;
	}
	return true;
}

void waiters_expect(uint64_t since, unsigned int ms)
{
	uint64_t longest = 0;
	unsigned int crowding;

	for (int i = 0; i < WAITERS; i++) {
		struct waiter *waiter = &shared->waiter[i];

		CHECK_EQUAL(test_wait(pids[i]), 0);
		CHECK_EQUAL(waiter->error, 0);
		REQUIRE(waiter->done_ns != 0);
		if (waiter->done_ns > since && waiter->done_ns - since > longest)
			longest = waiter->done_ns - since;
	}
	crowding = test_crowding();
	printf("the last of %d went on after %.1f ms; crowding %u\n", WAITERS, (double)longest / 1e6, crowding);
	CHECK(longest <= ms * crowding * test_slow() * 1000000ull);
}

static void hold(struct test_client *client, const es_message_t *message)
{
	(void)client;
	(void)message;
	__atomic_add_fetch(&shared->held, 1, __ATOMIC_RELEASE);
}

static _Noreturn int holder_main(void *context)
{
	struct test_client *client = test_client(hold, NULL);

	(void)context;
	test_subscribe(client, ES_EVENT_TYPE_AUTH_OPEN, -1);
	__atomic_store_n(&shared->subscribed, 1, __ATOMIC_RELEASE);
	for (;;)
		pause();
}

static void await(const unsigned int *value, unsigned int wanted)
{
	uint64_t limit = test_now() + 5000000000ull * test_slow();

	while (__atomic_load_n(value, __ATOMIC_ACQUIRE) < wanted) {
		REQUIRE(test_now() < limit);
		test_sleep_ms(1);
	}
}

pid_t holder_start(void)
{
	pid_t pid;

	shared->subscribed = shared->held = 0;
	pid = test_fork(holder_main, NULL);
	await(&shared->subscribed, 1);
	return pid;
}

void holder_await(unsigned int messages)
{
	await(&shared->held, messages);
}
