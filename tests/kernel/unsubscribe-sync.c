/* SPDX-License-Identifier: MIT */

/*
 * After es_unsubscribe() and es_sync_client() no message of the type comes any more (fact 12), however busy the system
 * is. es_unsubscribe() lets held operations of the type go. No event is lost that happens while the client is
 * subscribed.
 */

#include "waiters.h"

enum { ROUNDS = 23, BUSY = 2 };

static _Noreturn int busy(void *context)
{
	for (;;) {
		int fd = open(context, O_RDONLY);

		if (fd >= 0)
			close(fd);
	}
}

static void hold(struct test_client *client, const es_message_t *message)
{
	if (*(volatile bool *)client->context)
		test_allow(client, message);
}

static unsigned int synced, after_sync;

static void handle(es_client_t *client, const es_message_t *message, void *context)
{
	(void)context;
	if (__atomic_load_n(&synced, __ATOMIC_ACQUIRE))
		__atomic_add_fetch(&after_sync, 1, __ATOMIC_RELEASE);
	if (message->action_type == ES_ACTION_TYPE_AUTH)
		es_respond_flags_result(client, message, UINT32_MAX, false);
}

static void on_sync(void *context)
{
	(void)context;
	__atomic_store_n(&synced, 1, __ATOMIC_RELEASE);
}

static void nothing_after_sync(const es_event_type_t *type)
{
	es_client_t *client;
	double longest = 0;

	REQUIRE(es_new_client_f(&client, handle, NULL) == ES_NEW_CLIENT_RESULT_SUCCESS);
	/* Each attaches programs anew, which takes seconds where it is slow. */
	for (unsigned int i = 0; i < 2 + ROUNDS / test_slow(); i++) {
		uint64_t begin;

		__atomic_store_n(&synced, 0, __ATOMIC_RELEASE);
		REQUIRE(es_subscribe(client, type, 1) == ES_RETURN_SUCCESS);
		test_sleep_ms(5);
		begin = test_now();
		REQUIRE(es_unsubscribe(client, type, 1) == ES_RETURN_SUCCESS);
		if ((double)(test_now() - begin) / 1e6 > longest)
			longest = (double)(test_now() - begin) / 1e6;
		REQUIRE(es_sync_client_f(client, on_sync, NULL) == ES_RETURN_SUCCESS);
		for (int wait = 0; wait < 5000 && !__atomic_load_n(&synced, __ATOMIC_ACQUIRE); wait++)
			test_sleep_ms(1);
		CHECK(synced);
		test_sleep_ms(5);
	}
	printf("es_unsubscribe() took %.1f ms at most\n", longest);
	CHECK_EQUAL(__atomic_load_n(&after_sync, __ATOMIC_ACQUIRE), 0);
	CHECK_EQUAL(es_delete_client(client), ES_RETURN_SUCCESS);
}

int main(void)
{
	static const es_event_type_t notify[] = {ES_NOTIFY(OPEN)}, auth[] = {ES_AUTH(OPEN)};
	struct test_client *client;
	bool answers = false;
	pid_t pids[BUSY];
	uint64_t begin;

	test_begin(60);
	test_write_file(test_at("busy"), "", 0644);
	waiters_prepare();
	test_daemon(NULL);

	/* Held, and let go by the unsubscription. */
	client = test_client(hold, &answers);
	test_subscribe(client, ES_AUTH(OPEN), -1);
	waiters_start();
	for (int i = 0; i < 5000 && COUNT(client, .type = ES_AUTH(OPEN)) < WAITERS; i++)
		test_sleep_ms(1);
	CHECK(waiters_waiting());
	begin = test_now();
	CHECK_EQUAL(es_unsubscribe(client->client, auth, 1), ES_RETURN_SUCCESS);
	waiters_expect(begin, 300);
	test_client_delete(client);

	for (int i = 0; i < BUSY; i++)
		pids[i] = test_fork(busy, (void *)test_at("busy"));
	nothing_after_sync(notify);
	nothing_after_sync(auth);
	for (int i = 0; i < BUSY; i++) {
		kill(pids[i], SIGKILL);
		test_wait(pids[i]);
	}
	return test_end();
}
