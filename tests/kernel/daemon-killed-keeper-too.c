/* SPDX-License-Identifier: MIT */

/*
 * The keeper is killed, alone and together with its daemon, while ten tasks wait for a client that fails closed: all go on
 * within 100 ms, for no miss mode applies where nobody is left to ask. Nothing is denied then; the client learns of
 * it, and a new one, with the next daemon, denies again.
 */

#include "waiters.h"

static void answer(struct test_client *client, const es_message_t *message)
{
	if (strstr(test_file(message)->path.data, "/denied"))
		test_deny(client, message);
}

static int open_once(void *context)
{
	int fd = open(context, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? errno : 0;
}

static pid_t client_new(struct test_client **ret)
{
	pid_t keeper = test_daemon("--keeper", "yes", "--deadline-ms", "60000", NULL);

	*ret = test_client(answer, NULL);
	test_hold(*ret, ES_AUTH(OPEN), -1);
	CHECK_EQUAL(es_set_deadline_miss_mode((*ret)->client, ES_DEADLINE_MISS_MODE_FAIL_CLOSED), ES_RETURN_SUCCESS);
	CHECK_EQUAL(test_run(open_once, (void *)test_at("denied")), EPERM << 8);
	return keeper;
}

static void await_held(struct test_client *client)
{
	uint64_t limit = test_now() + 5000000000ull * test_slow();

	while (COUNT(client, .type = ES_AUTH(OPEN)) < WAITERS + 1) {
		REQUIRE(test_now() < limit);
		test_sleep_ms(1);
	}
}

/* It has the socket's lock until then. Somebody else's child by now, so it may stay a zombie. */
static void await_ended(pid_t pid)
{
	for (unsigned int i = 0; i < 5000 * test_slow() && test_runs(pid); i++)
		test_sleep_ms(1);
	CHECK(!test_runs(pid));
}

static void one_end(bool daemon_too)
{
	struct test_client *client;
	pid_t keeper = client_new(&client), daemon = test_daemon_of(keeper);
	uint64_t killed;

	REQUIRE(daemon > 0);
	waiters_start();
	await_held(client);
	CHECK(waiters_waiting());
	killed = test_now();
	kill(keeper, SIGKILL);
	if (daemon_too)
		kill(daemon, SIGKILL);
	CHECK_EQUAL(WTERMSIG(test_daemon_stop(SIGKILL)), SIGKILL);
	waiters_expect(killed, 100);
	CHECK_EQUAL(test_run(open_once, (void *)test_at("denied")), 0);
	for (unsigned int i = 0; i < 5000 * test_slow() && !es_linux_stream_ended(client->client); i++)
		test_sleep_ms(1);
	CHECK(es_linux_stream_ended(client->client));
	test_client_delete(client);
	await_ended(daemon);
}

int main(void)
{
	struct test_client *client;

	test_begin(60);
	waiters_prepare();
	test_write_file(test_at("denied"), "", 0644);
	one_end(false);
	one_end(true);
	(void)client_new(&client);
	return test_end();
}
