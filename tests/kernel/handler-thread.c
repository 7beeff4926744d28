/* SPDX-License-Identifier: MIT */

/*
 * Where the handler runs (facts 1, 2, 4): on one thread of the library for each client, never on the program's. The
 * thread has the client's name, blocks all signals, and has 8 MiB of stack, whatever the limit. Calls come one at a
 * time, in order, and need no main loop. Another client's handler runs meanwhile.
 */

#include "es-test.h"

#include <sys/resource.h>

enum { OPENS = 300, STACK_BYTES = 8 * 1024 * 1024 };

struct seen {
	pid_t thread;
	char name[16];
	size_t stack;
	sigset_t blocked;
	unsigned int inside;		/* calls that run now */
	unsigned int most;
	unsigned int calls;
	unsigned int other_thread;
	uint64_t last_seq;
	bool disorder;
};

static void look_at_thread(struct seen *seen)
{
	pthread_attr_t attributes;

	pthread_getname_np(pthread_self(), seen->name, sizeof(seen->name));
	if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
		pthread_attr_getstacksize(&attributes, &seen->stack);
		pthread_attr_destroy(&attributes);
	}
	pthread_sigmask(SIG_BLOCK, NULL, &seen->blocked);
	seen->thread = gettid();
}

static void handle(es_client_t *client, const es_message_t *message, void *context)
{
	struct seen *seen = context;
	unsigned int inside = __atomic_add_fetch(&seen->inside, 1, __ATOMIC_ACQ_REL);

	(void)client;
	if (inside > seen->most)
		seen->most = inside;
	if (!seen->thread)
		look_at_thread(seen);
	seen->other_thread += gettid() != seen->thread;
	seen->disorder |= seen->calls && message->global_seq_num != seen->last_seq + 1;
	seen->last_seq = message->global_seq_num;
	__atomic_sub_fetch(&seen->inside, 1, __ATOMIC_ACQ_REL);
	__atomic_add_fetch(&seen->calls, 1, __ATOMIC_ACQ_REL);
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

static pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER;
static unsigned int blocked_calls, free_calls;

static void blocks(es_client_t *client, const es_message_t *message, void *context)
{
	(void)client;
	(void)message;
	(void)context;
	pthread_mutex_lock(&held);
	pthread_mutex_unlock(&held);
	__atomic_add_fetch(&blocked_calls, 1, __ATOMIC_RELEASE);
}

static void counts(es_client_t *client, const es_message_t *message, void *context)
{
	(void)client;
	(void)message;
	(void)context;
	__atomic_add_fetch(&free_calls, 1, __ATOMIC_RELEASE);
}

static bool reaches(const unsigned int *value, unsigned int wanted)
{
	for (int i = 0; i < 5000 && __atomic_load_n(value, __ATOMIC_ACQUIRE) < wanted; i++)
		test_sleep_ms(1);
	return __atomic_load_n(value, __ATOMIC_ACQUIRE) == wanted;
}

/* A handler that waits for a mutex delays its own client only. */
static void two_clients(const char *path)
{
	static const es_event_type_t opens[] = {ES_NOTIFY(OPEN)};
	es_client_t *slow, *fast;
	pid_t pid;

	REQUIRE(es_new_client_f(&slow, blocks, NULL) == ES_NEW_CLIENT_RESULT_SUCCESS);
	REQUIRE(es_new_client_f(&fast, counts, NULL) == ES_NEW_CLIENT_RESULT_SUCCESS);
	CHECK_EQUAL(es_subscribe(slow, opens, 1), ES_RETURN_SUCCESS);
	CHECK_EQUAL(es_subscribe(fast, opens, 1), ES_RETURN_SUCCESS);
	pthread_mutex_lock(&held);
	pid = test_fork(open_often, (void *)path);
	CHECK_EQUAL(test_wait(pid), 0);
	CHECK(reaches(&free_calls, OPENS));
	CHECK_EQUAL(__atomic_load_n(&blocked_calls, __ATOMIC_ACQUIRE), 0);
	pthread_mutex_unlock(&held);
	CHECK(reaches(&blocked_calls, OPENS));
	CHECK_EQUAL(es_delete_client(slow), ES_RETURN_SUCCESS);
	CHECK_EQUAL(es_delete_client(fast), ES_RETURN_SUCCESS);
}

int main(void)
{
	static const es_event_type_t opens[] = {ES_NOTIFY(OPEN)};
	struct rlimit stack = { 512 * 1024, 512 * 1024 };
	struct seen seen = {};
	es_client_t *client;
	const char *path;
	pid_t pid;

	test_begin(30);
	path = test_at("file");
	test_write_file(path, "", 0644);
	test_daemon(NULL);
	REQUIRE(setrlimit(RLIMIT_STACK, &stack) == 0);
	REQUIRE(es_new_client_f(&client, handle, &seen) == ES_NEW_CLIENT_RESULT_SUCCESS);
	CHECK_EQUAL(es_subscribe(client, opens, 1), ES_RETURN_SUCCESS);
	pid = test_fork(open_often, (void *)path);
	CHECK_EQUAL(test_wait(pid), 0);
	CHECK(reaches(&seen.calls, OPENS));
	CHECK_EQUAL(es_delete_client(client), ES_RETURN_SUCCESS);

	CHECK(seen.thread != 0 && seen.thread != gettid() && seen.other_thread == 0);
	CHECK(!strncmp(seen.name, "es-handler-", strlen("es-handler-")));
	CHECK(seen.stack >= STACK_BYTES);
	for (int signal = 1; signal < 32; signal++)
		CHECK(signal == SIGKILL || signal == SIGSTOP || sigismember(&seen.blocked, signal));
	CHECK_EQUAL(seen.most, 1);
	CHECK(!seen.disorder);
	two_clients(path);
	return test_end();
}
