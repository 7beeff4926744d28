/* SPDX-License-Identifier: MIT */

/*
 * A client holds many tasks, and the test stops and kills daemon, warden, client and the gate's process, in one order
 * after the other. When the daemon is dead, all tasks go on, even if the client is stopped, and the kernel logs
 * nothing. ES_HELD_TASKS=1000 holds more; ES_MORE_ORDERS=1 tries seven orders instead of three; ES_ALL_ORDERS=1 tries
 * all orders of the four deaths, with each of the four stopped before.
 */

#include "es-test.h"

#include <sys/mman.h>

enum { GONE_MS = 500, PROCESSES = 10, TASKS = 100, TASKS_MAX = 4000, KINDS = 3 };

struct shared {
	unsigned int subscribed, held, started, done, wrong;
};

static struct shared *shared;
static unsigned int tasks = TASKS;

/* ---- tasks ---- */

static void *task(void *context)
{
	unsigned int number = (unsigned int)(uintptr_t)context;
	char path[4200];
	long r;

	snprintf(path, sizeof(path), "%s/%u", test_mnt, number);
	__atomic_add_fetch(&shared->started, 1, __ATOMIC_RELAXED);
	if (number % KINDS == 0)
		r = open(path, O_RDONLY | O_CLOEXEC);
	else if (number % KINDS == 1)
		r = unlink(path);
	else
		r = mkdir(path, 0700);
	if (r < 0)
		__atomic_add_fetch(&shared->wrong, 1, __ATOMIC_RELAXED);
	__atomic_add_fetch(&shared->done, 1, __ATOMIC_RELEASE);
	return NULL;
}

static int process(void *context)
{
	unsigned int first = (unsigned int)(uintptr_t)context, count = 0;
	pthread_attr_t attributes;
	pthread_t threads[TASKS_MAX / PROCESSES];

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, 65536);
	for (unsigned int i = first; i < tasks; i += PROCESSES)
		if (pthread_create(&threads[count++], &attributes, task, (void *)(uintptr_t)i))
			return 1;
	for (unsigned int i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
	return 0;
}

static void prepare(void)
{
	for (unsigned int i = 0; i < tasks; i++) {
		(void)rmdir(test_at("%u", i));
		if (i % KINDS != 2)
			test_write_file(test_at("%u", i), "", 0644);
	}
	memset(shared, 0, sizeof(*shared));
}

static bool await(const unsigned int *value, unsigned int wanted, unsigned int ms)
{
	uint64_t limit = test_now() + ms * 1000000ull * test_slow();

	while (__atomic_load_n(value, __ATOMIC_ACQUIRE) < wanted) {
		if (test_now() > limit) {
			printf("%u of %u\n", __atomic_load_n(value, __ATOMIC_ACQUIRE), wanted);
			return false;
		}
		test_sleep_ms(1);
	}
	return true;
}

/* ---- the processes to kill ---- */

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
	client->counting = true;
	test_subscribe(client, ES_AUTH(OPEN), ES_AUTH(UNLINK), ES_AUTH(CREATE), -1);
	__atomic_store_n(&shared->subscribed, 1, __ATOMIC_RELEASE);
	for (;;)
		pause();
}

struct victims {
	pid_t daemon, warden, client, gate;
};

static pid_t victim(const struct victims *victims, char letter)
{
	switch (letter | 0x20) {
	case 'd':
		return victims->daemon;
	case 'w':
		return victims->warden;
	case 'c':
		return victims->client;
	default:
		return victims->gate;
	}
}

/* Small letters are stopped, capitals killed. All are gone afterwards. */
static void kill_in_order(const struct victims *victims, const char *order)
{
	for (const char *letter = order; *letter; letter++) {
		bool capital = *letter < 'a';
		pid_t pid = victim(victims, *letter);

		if (!pid)		/* there are no gates here */
			continue;
		if (*letter == 'D')
			CHECK_EQUAL(WTERMSIG(test_daemon_stop(SIGKILL)), SIGKILL);
		else
			(void)kill(pid, capital ? SIGKILL : SIGSTOP);
		if (*letter == 'G')	/* the daemon sees it, if it is given the time */
			test_sleep_ms(200 * test_slow());
	}
}

/*
 * Do all go on without the client's death? Somebody has to be there who can abort: while the daemon lives, it sees the
 * gate's process die; else the gate's process sees the daemon die.
 */
static bool goes_on(const char *order)
{
	const char *gate = strchr(order, 'G'), *stopped = strchr(order, 'd'), *daemon = strchr(order, 'D');

	return !gate || gate > daemon || !stopped || stopped > gate;
}

static void try(const char *order)
{
	struct victims victims = {};
	pid_t pids[PROCESSES];
	uint64_t since;

	printf("%s\n", order);
	prepare();
	victims.daemon = test_daemon("--deadline-ms", "60000", NULL);
	victims.client = test_fork(holder_main, NULL);
	REQUIRE(await(&shared->subscribed, 1, 10000));
	victims.warden = test_child_of(victims.daemon, "es-warden");
	victims.gate = test_child_of(victims.daemon, "es-gate");
	REQUIRE(victims.warden > 0);
	for (unsigned int i = 0; i < PROCESSES; i++)
		pids[i] = test_fork(process, (void *)(uintptr_t)i);
	REQUIRE(await(&shared->held, tasks, 20000));
	CHECK_EQUAL(shared->done, 0);

	since = test_now();
	kill_in_order(&victims, order);
	if (goes_on(order) && !CHECK(await(&shared->done, tasks, GONE_MS + tasks)))
		printf("%s: who is held stays so\n", order);
	kill(victims.client, SIGKILL);
	(void)test_wait(victims.client);
	CHECK(await(&shared->done, tasks, GONE_MS + tasks));
	printf("all went on after %llu ms\n", (unsigned long long)(test_now() - since) / 1000000);
	CHECK_EQUAL(shared->wrong, 0);
	for (unsigned int i = 0; i < PROCESSES; i++)
		CHECK_EQUAL(test_wait(pids[i]), 0);
	if (victims.gate)
		CHECK(kill(victims.gate, SIGKILL) == 0 || errno == ESRCH);
	unlink(getenv("ENDPOINTSECURITY_SOCKET"));	/* a daemon killed so can't take it away */
}

/* Every order of the four deaths, after `stopped`. */
static void try_all(const char *stopped)
{
	static const char letters[] = "DWCG";

	for (unsigned int n = 0; n < 4 * 4 * 4 * 4; n++) {
		const char chosen[] = { letters[n & 3], letters[n >> 2 & 3], letters[n >> 4 & 3], letters[n >> 6 & 3], 0 };
		char order[16];

		if (!strchr(chosen, 'D') || !strchr(chosen, 'W') || !strchr(chosen, 'C') || !strchr(chosen, 'G'))
			continue;
		snprintf(order, sizeof(order), "%s%s", stopped, chosen);
		try(order);
	}
}

int main(void)
{
	static const char *const orders[] = { "cWD", "cdGWD", "WCD", "cDWG", "cgWD", "cdWD", "cGWD" };
	size_t count = getenv("ES_MORE_ORDERS") ? ARRAY_SIZE(orders) : 3;
	bool all = getenv("ES_ALL_ORDERS");
	struct test_client *client;

	test_begin(all ? 3000 : 300);
	if (getenv("ES_HELD_TASKS"))
		tasks = (unsigned int)atoi(getenv("ES_HELD_TASKS"));
	REQUIRE(tasks <= TASKS_MAX);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	REQUIRE(shared != MAP_FAILED);
	test_daemon_own();
	client = test_client(NULL, NULL);
	test_hold(client, ES_AUTH(UNLINK), -1);		/* skips */
	test_client_delete(client);
	CHECK_EQUAL(test_daemon_stop(SIGTERM), 0);

	for (size_t i = 0; !all && i < count; i++)
		try(orders[i]);
	if (all) {
		try_all("");
		try_all("c");
		try_all("cd");
		try_all("cg");
		try_all("cw");
	}
	return test_end();
}
