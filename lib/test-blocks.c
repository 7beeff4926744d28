/* SPDX-License-Identifier: MIT */
#include <semaphore.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include <EndpointSecurity/EndpointSecurity.h>

#include "test-daemon.h"
#include "test.h"

/* Clients whose handlers are real blocks, with captured variables. Built where the compiler has blocks. */

static sem_t calls;

static bool called(void)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 10;
	return sem_timedwait(&calls, &until) == 0;
}

static es_client_t *new_client(int captured)
{
	es_client_t *client = NULL;
	__block int count = 0;

	/* The block outlives this function: the library has copied it, and with it `count`. */
	CHECK(es_new_client(&client, ^(es_client_t *with, const es_message_t *message) {
		CHECK(with && message->event_type == ES_EVENT_TYPE_NOTIFY_EXIT && captured == 42);
		if (++count == 2)
			sem_post(&calls);
	}) == ES_NEW_CLIENT_RESULT_SUCCESS);
	return client;
}

int main(void)
{
	static struct test_record record;
	char folder[] = "/tmp/test-blocks-XXXXXX", path[64];
	es_client_t *client;
	int value = 7;

	sem_init(&calls, 0, 0);
	CHECK(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/socket", folder);
	if (!test_daemon_start(path)) {
		rmdir(folder);
		printf("skip: BPF programs of type SYSCALL: root, and Linux 5.14 or later\n");
		return TEST_SKIPPED;
	}
	client = new_client(42);
	test_record_full(&record, ES_EVENT_TYPE_NOTIFY_EXIT);
	CHECK(test_peer_push(test_daemon_peer(), &record) && test_peer_push(test_daemon_peer(), &record) && called());
	CHECK(es_sync_client(client, ^{
		CHECK(value == 7);
		sem_post(&calls);
	}) == ES_RETURN_SUCCESS && called());
	CHECK(es_delete_client(client) == ES_RETURN_SUCCESS);

	test_daemon_stop();
	unlink(path);
	rmdir(folder);
	return 0;
}
