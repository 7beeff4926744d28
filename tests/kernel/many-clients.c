/* SPDX-License-Identifier: MIT */

/*
 * 64 clients at once; the next is refused (fact 189) until one has gone. The test stops one of them: the other 63 see
 * every event, in order and without a gap. When the stopped one goes on, it sees or counts them all as well.
 */

#include "es-test.h"

#include <sys/mman.h>

enum { CLIENTS = 64, OPENS = 500 };

struct shared {
	unsigned int ready;
	unsigned int go;
	uint64_t received;
	uint64_t next_seq;
	bool disorder;
};

static struct shared *shared;

static void ignore(es_client_t *client, const es_message_t *message, void *context)
{
	(void)client;
	(void)message;
	(void)context;
}

static void await(const unsigned int *value)
{
	for (int i = 0; i < 10000 && !__atomic_load_n(value, __ATOMIC_ACQUIRE); i++)
		test_sleep_ms(1);
	REQUIRE(__atomic_load_n(value, __ATOMIC_ACQUIRE) != 0);
}

/* The one that is stopped. */
static int stopped_main(void *context)
{
	struct test_client *client = test_client(NULL, NULL);

	(void)context;
	client->counting = true;
	test_subscribe(client, ES_NOTIFY(OPEN), -1);
	__atomic_store_n(&shared->ready, 1, __ATOMIC_RELEASE);
	await(&shared->go);
	test_sync(client);
	shared->received = client->received[ES_NOTIFY(OPEN)];
	shared->next_seq = client->next_seq[ES_NOTIFY(OPEN)];
	shared->disorder = client->disorder;
	return 0;
}

static int open_often(void *context)
{
	for (int i = 0; i < OPENS; i++) {
		int fd = open(context, O_RDONLY);

		if (fd < 0)
			return 1;
		close(fd);
	}
	return 0;
}

int main(void)
{
	struct test_client *clients[CLIENTS - 1];
	es_client_t *last = NULL;
	const char *path;
	pid_t stopped, pid;
	int status;

	test_begin(60);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	REQUIRE(shared != MAP_FAILED);
	path = test_at("file");
	test_write_file(path, "", 0644);
	test_daemon("--ring-size", "1048576", NULL);
	stopped = test_fork(stopped_main, NULL);
	await(&shared->ready);
	for (int i = 0; i < CLIENTS - 1; i++) {
		clients[i] = test_client(NULL, NULL);
		clients[i]->counting = true;
		test_subscribe(clients[i], ES_NOTIFY(OPEN), -1);
	}
	CHECK_EQUAL(es_new_client_f(&last, ignore, NULL), ES_NEW_CLIENT_RESULT_ERR_TOO_MANY_CLIENTS);
	CHECK(last == NULL);

	REQUIRE(kill(stopped, SIGSTOP) == 0 && waitpid(stopped, &status, WUNTRACED) == stopped);
	pid = test_fork(open_often, (void *)path);
	CHECK_EQUAL(test_wait(pid), 0);
	for (int i = 0; i < CLIENTS - 1; i++) {
		test_sync(clients[i]);
		CHECK_EQUAL(clients[i]->received[ES_NOTIFY(OPEN)], OPENS);
		CHECK_EQUAL(clients[i]->next_seq[ES_NOTIFY(OPEN)], OPENS);
		CHECK(!clients[i]->disorder);
	}
	REQUIRE(kill(stopped, SIGCONT) == 0);
	__atomic_store_n(&shared->go, 1, __ATOMIC_RELEASE);
	CHECK_EQUAL(test_wait(stopped), 0);
	CHECK(shared->received <= OPENS && shared->next_seq <= OPENS && !shared->disorder);
	CHECK_EQUAL(shared->next_seq, OPENS);

	/* The place that it leaves is another's. */
	for (int i = 0; i < 500 && es_new_client_f(&last, ignore, NULL) != ES_NEW_CLIENT_RESULT_SUCCESS; i++)
		test_sleep_ms(10);
	CHECK(last != NULL);
	CHECK_EQUAL(es_delete_client(last), ES_RETURN_SUCCESS);
	return test_end();
}
