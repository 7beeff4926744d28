/* SPDX-License-Identifier: MIT */

/*
 * A stop that another process sends to a held task takes effect each time, and the task stays held when it continues.
 * This needs calls to wait in task work if their hook can't sleep. (If they start over by our signals, these may undo
 * a stop.)
 */

#include "acts.h"
#include "es-test.h"

#include <sched.h>
#include <sys/mman.h>

enum { STOPS = 12, STOPPED_MS = 2000 };

struct row {
	const char *name;
	es_event_type_t type;
	int (*act)(void);		/* in test_mnt: 0, or errno */
};

static const struct row rows[] = {
	{ "unlink", ES_AUTH(UNLINK), test_act_unlink },
	{ "creat", ES_AUTH(CREATE), test_act_creat },
	{ "fcntl", ES_AUTH(FCNTL), test_act_fcntl },
	{ "chdir", ES_AUTH(CHDIR), test_act_chdir },
	{ "kill", ES_AUTH(SIGNAL), test_act_kill },
};

static pid_t held_pid;
static const es_message_t *held;

static void keep(struct test_client *client, const es_message_t *message)
{
	if (test_pid(message->process) != __atomic_load_n(&held_pid, __ATOMIC_ACQUIRE) || held) {
		test_allow(client, message);
		return;
	}
	es_retain_message(message);
	__atomic_store_n(&held, message, __ATOMIC_RELEASE);
}

static unsigned int *go;			/* shared */

static int act(void *context)
{
	if (chdir(test_mnt) < 0)
		return 202;
	while (!__atomic_load_n(go, __ATOMIC_ACQUIRE))
		sched_yield();
	return ((const struct row *)context)->act();
}

static bool await_held(void)
{
	uint64_t limit = test_now() + 5000000000ull * test_slow();

	while (!__atomic_load_n(&held, __ATOMIC_ACQUIRE) && test_now() < limit)
		test_sleep_ms(2);
	return held;
}

/* Does the kernel tell its parent so? */
static bool becomes(pid_t pid, int flag)
{
	uint64_t limit = test_now() + STOPPED_MS * 1000000ull * test_slow();
	int status;

	do {
		if (waitpid(pid, &status, WNOHANG | flag) == pid)
			return flag == WUNTRACED ? WIFSTOPPED(status) : WIFCONTINUED(status);
		test_sleep_ms(1);
	} while (test_now() < limit);
	return false;
}

static void stop_often(struct test_client *client, const struct row *row)
{
	unsigned int stopped = 0;
	pid_t pid;

	(void)unlink(test_at("new"));
	test_write_file(test_at("file"), "", 0644);
	*go = 0;
	held = NULL;
	pid = test_fork(act, (void *)row);
	__atomic_store_n(&held_pid, pid, __ATOMIC_RELEASE);
	__atomic_store_n(go, 1, __ATOMIC_RELEASE);
	REQUIRE(await_held());
	for (unsigned int i = 0; i < STOPS; i++) {
		test_sleep_ms(i % 4);
		kill(pid, SIGSTOP);
		if (!becomes(pid, WUNTRACED))
			continue;
		stopped++;
		kill(pid, SIGCONT);
		CHECK(becomes(pid, WCONTINUED));
	}
	printf("%s: %u of %u stops\n", row->name, stopped, STOPS);
	CHECK_EQUAL(stopped, STOPS);
	CHECK_EQUAL(test_wait_ms(pid, 0), -1);		/* still held */
	test_allow(client, held);
	es_release_message(held);
	CHECK_EQUAL(test_wait(pid), 0);
}

int main(void)
{
	struct test_client *client;

	test_begin(100);
	go = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	REQUIRE(go != MAP_FAILED && mkdir(test_at("dir"), 0755) == 0);
	test_daemon(NULL);
	client = test_client(keep, NULL);
	client->counting = true;
	test_hold(client, ES_AUTH(UNLINK), -1);
	if (!test_has_task_work())
		test_skip("waiting in task work, which Linux has since 6.18");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		REQUIRE(es_unsubscribe_all(client->client) == ES_RETURN_SUCCESS);
		test_hold(client, rows[i].type, -1);
		stop_often(client, &rows[i]);
	}
	return test_end();
}
