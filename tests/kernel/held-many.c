/* SPDX-License-Identifier: MIT */

/*
 * A client holds a thousand tasks, while other clients come, subscribe, unsubscribe and go. Each task goes on with its
 * own answer, half of them with a denial; none is lost, and the client isn't asked about any twice.
 */

#include "es-test.h"

#include <sys/mman.h>

enum { TASKS = 1000, PROCESSES = 10, THREADS = TASKS / PROCESSES, CHURN_MS = 500 };

static const es_message_t *messages[TASKS + 1];
static unsigned int held;
static unsigned int *started;		/* shared */
static unsigned char *errors;		/* shared, by task: errno + 1 */

static void keep(struct test_client *client, const es_message_t *message)
{
	unsigned int index = __atomic_load_n(&held, __ATOMIC_RELAXED);

	(void)client;
	if (!CHECK(index < TASKS))
		return;
	es_retain_message(message);
	messages[index] = message;
	__atomic_store_n(&held, index + 1, __ATOMIC_RELEASE);	/* main() answers */
}

static void *task(void *context)
{
	unsigned int index = (unsigned int)(uintptr_t)context;
	char path[4200];

	snprintf(path, sizeof(path), "%s/%u", test_mnt, index);
	__atomic_add_fetch(started, 1, __ATOMIC_RELAXED);
	errors[index] = (unsigned char)((unlink(path) < 0 ? errno : 0) + 1);
	return NULL;
}

static int process(void *context)
{
	unsigned int first = (unsigned int)(uintptr_t)context * THREADS;
	pthread_attr_t attributes;
	pthread_t threads[THREADS];

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, 65536);
	for (unsigned int i = 0; i < THREADS; i++) {
		if (pthread_create(&threads[i], &attributes, task, (void *)(uintptr_t)(first + i)))
			return 1;
	}
	for (unsigned int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	return 0;
}

static unsigned int number_of(const es_message_t *message)
{
	return (unsigned int)atoi(strrchr(message->event.unlink.target->path.data, '/') + 1);
}

/* Makes and deletes further clients, which allow all. */
static void churn(void)
{
	uint64_t end = test_now() + CHURN_MS * 1000000ull * test_slow();
	unsigned int rounds = 0;

	while (test_now() < end || rounds < 3) {
		struct test_client *other = test_client(NULL, NULL);
		es_event_type_t type = ES_AUTH(UNLINK);

		test_subscribe(other, ES_AUTH(UNLINK), ES_AUTH(RENAME), ES_NOTIFY(UNLINK), -1);
		REQUIRE(es_unsubscribe(other->client, &type, 1) == ES_RETURN_SUCCESS);
		test_subscribe(other, ES_AUTH(CREATE), -1);
		test_client_delete(other);
		rounds++;
	}
	printf("%u clients came and went meanwhile\n", rounds);
}

static void await(const unsigned int *value, unsigned int wanted)
{
	uint64_t limit = test_now() + 10000000000ull * test_slow();

	while (__atomic_load_n(value, __ATOMIC_ACQUIRE) < wanted) {
		if (!CHECK(test_now() < limit)) {
			printf("%u of %u\n", __atomic_load_n(value, __ATOMIC_ACQUIRE), wanted);
			test_fail();
		}
		test_sleep_ms(5);
	}
}

static void answer_all(struct test_client *client)
{
	unsigned char seen[TASKS] = {};

	for (unsigned int i = 0; i < TASKS; i++) {
		unsigned int number = number_of(messages[i]);

		if (!CHECK(number < TASKS && !seen[number]++))
			continue;
		if (number % 2)
			test_deny(client, messages[i]);
		else
			test_allow(client, messages[i]);
		es_release_message(messages[i]);
	}
}

int main(void)
{
	struct test_client *client;
	unsigned int wrong = 0, gone = 0;
	pid_t pids[PROCESSES];

	test_begin(60);
	started = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	REQUIRE(started != MAP_FAILED);
	errors = (unsigned char *)started + 4096;
	for (unsigned int i = 0; i < TASKS; i++) {
		char path[4200];

		snprintf(path, sizeof(path), "%s/%u", test_mnt, i);
		test_write_file(path, "", 0644);
	}
	test_daemon(NULL);
	client = test_client(keep, NULL);
	client->counting = true;
	test_hold(client, ES_AUTH(UNLINK), -1);
	for (unsigned int i = 0; i < PROCESSES; i++)
		pids[i] = test_fork(process, (void *)(uintptr_t)i);
	await(&held, TASKS);
	churn();
	for (unsigned int i = 0; i < TASKS; i++)
		gone += errors[i] != 0;
	CHECK_EQUAL(gone, 0);
	CHECK_EQUAL(held, TASKS);
	answer_all(client);
	for (unsigned int i = 0; i < PROCESSES; i++)
		CHECK_EQUAL(test_wait(pids[i]), 0);
	for (unsigned int i = 0; i < TASKS; i++)
		wrong += errors[i] != (i % 2 ? EPERM : 0) + 1;
	CHECK_EQUAL(wrong, 0);
	return test_end();
}
