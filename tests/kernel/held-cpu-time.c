/* SPDX-License-Identifier: MIT */

/*
 * The cost of a held task. At a gate it sleeps, and in task work, too. If it starts its system call over, at a locked
 * directory every few milliseconds, and without a gate all the time, it uses CPU time, but never more than a share:
 * another task on the same processor gets as much.
 */

#include "es-test.h"

#include <sched.h>
#include <sys/resource.h>

enum { THINK_MS = 500 };

enum how { SLEEPS, SLICES, STARTS_OVER };

struct row {
	const char *name;
	es_event_type_t type;
	int (*act)(void);
	enum how with_gate;
};

static const struct row *current;
static unsigned int asked;

static void answer(struct test_client *client, const es_message_t *message)
{
	if (current && message->event_type == current->type) {
		asked++;
		test_sleep_ms(THINK_MS * test_slow() / 2);
	}
	test_allow(client, message);
}

static int result(long value)
{
	return value < 0 ? errno : 0;
}

static int open_file(void) { return result(open(test_at("file"), O_RDONLY)); }
static int remove_file(void) { return result(unlink(test_at("file"))); }
static int make_file(void) { return result(open(test_at("new"), O_WRONLY | O_CREAT, 0600)); }

static const struct row rows[] = {
	{ "open", ES_AUTH(OPEN), open_file, SLEEPS },
	{ "unlink", ES_AUTH(UNLINK), remove_file, SLICES },
	{ "creat", ES_AUTH(CREATE), make_file, STARTS_OVER },
};

static void one_processor(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	(void)sched_setaffinity(0, sizeof(set), &set);
}

static int act(void *context)
{
	one_processor();
	return ((const struct row *)context)->act();
}

static int be_busy(void *context)
{
	(void)context;
	one_processor();
	for (;;)
		;
	return 0;
}

static uint64_t cpu_ns(const struct rusage *usage)
{
	return (uint64_t)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1000000000 +
	       (uint64_t)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) * 1000;
}

/* CPU time of a child that ends now, in percent of the time since start. */
static unsigned int percent(pid_t pid, int *ret_status, uint64_t start)
{
	struct rusage before, after;
	uint64_t took;

	(void)getrusage(RUSAGE_CHILDREN, &before);
	*ret_status = test_wait(pid);
	(void)getrusage(RUSAGE_CHILDREN, &after);
	took = test_now() - start;
	return (unsigned int)((cpu_ns(&after) - cpu_ns(&before)) * 100 / took);
}

static void try(struct test_client *client, const struct row *row, bool gate, bool task_work)
{
	static const unsigned int most[] = { [SLEEPS] = 25, [SLICES] = 75, [STARTS_OVER] = 105 };
	enum how how = task_work ? SLEEPS : gate ? row->with_gate : STARTS_OVER;
	unsigned int waits, works;
	uint64_t start;
	pid_t pid, busy;
	int status;

	test_hold(client, row->type, -1);
	test_write_file(test_at("file"), "", 0644);
	current = row;
	asked = 0;
	start = test_now();
	pid = test_fork(act, (void *)row);
	waits = percent(pid, &status, start);
	CHECK_EQUAL(status, 0);
	CHECK_EQUAL(asked, 1);
	CHECK(waits <= most[how]);

	(void)unlink(test_at("new"));
	test_write_file(test_at("file"), "", 0644);
	busy = test_fork(be_busy, NULL);
	start = test_now();
	pid = test_fork(act, (void *)row);
	CHECK_EQUAL(test_wait(pid), 0);
	kill(busy, SIGKILL);
	works = percent(busy, &status, start);
	current = NULL;
	REQUIRE(es_unsubscribe_all(client->client) == ES_RETURN_SUCCESS);
	printf("%s: uses %u%% of the time that it waits; a busy program beside it gets %u%%\n", row->name, waits, works);
	CHECK(works >= 25);		/* two share it; the handler, and the rest of the machine, may want some, too */
}

int main(void)
{
	struct test_client *client;
	bool gate, task_work;

	test_begin(60);
	test_daemon(NULL);
	client = test_client(answer, NULL);
	test_hold(client, ES_AUTH(UNLINK), -1);
	gate = test_has_gate();
	task_work = test_has_task_work();
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		try(client, &rows[i], gate, task_work);
	return test_end();
}
