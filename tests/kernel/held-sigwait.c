/* SPDX-License-Identifier: MIT */

/*
 * A held program that blocks SIGCONT and waits for it gets none from being held: sigtimedwait(2) and signalfd(2)
 * report none after the call, and none is pending. This needs calls to wait in task work if their hook can't sleep. A
 * SIGCONT that another process sends does come.
 */

#include "acts.h"
#include "es-test.h"

#include <sys/signalfd.h>
#include <time.h>

enum { HELD_MS = 60 };

enum saw {
	SAW_WAITED = 1,
	SAW_READ = 2,
	SAW_PENDING = 4,
	SAW_FAILURE = 8,
};

struct row {
	const char *name;
	es_event_type_t type;
	int (*act)(void);		/* in test_mnt: 0, or errno */
};

static const struct row rows[] = {
	{ "open", ES_AUTH(OPEN), test_act_open },
	{ "unlink", ES_AUTH(UNLINK), test_act_unlink },
	{ "creat", ES_AUTH(CREATE), test_act_creat },
	{ "fcntl", ES_AUTH(FCNTL), test_act_fcntl },
	{ "chdir", ES_AUTH(CHDIR), test_act_chdir },
	{ "kill", ES_AUTH(SIGNAL), test_act_kill },
};

static unsigned int held;
static es_event_type_t type;

static void answer(struct test_client *client, const es_message_t *message)
{
	if (message->event_type == type) {
		held++;
		test_sleep_ms(HELD_MS);
	}
	test_allow(client, message);
}

static int saw(int fd, const sigset_t *set)
{
	const struct timespec now = {};
	struct signalfd_siginfo info;
	sigset_t pending;
	int seen = 0;

	sigemptyset(&pending);
	sigpending(&pending);
	if (sigismember(&pending, SIGCONT))
		seen |= SAW_PENDING;
	if (read(fd, &info, sizeof(info)) > 0)
		seen |= SAW_READ;
	if (sigtimedwait(set, NULL, &now) == SIGCONT)
		seen |= SAW_WAITED;
	return seen;
}

static int wait_for_it(const struct row *row, bool sent)
{
	sigset_t set;
	int fd, seen;

	sigemptyset(&set);
	sigaddset(&set, SIGCONT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (fd < 0 || chdir(test_mnt) < 0)
		return SAW_FAILURE;
	if (row->act())
		return SAW_FAILURE;
	seen = saw(fd, &set);
	if (sent) {
		raise(SIGCONT);
		seen |= saw(fd, &set);
	}
	return seen;
}

static int unsent(void *row)
{
	return wait_for_it(row, false);
}

static int sent(void *row)
{
	return wait_for_it(row, true);
}

static void reset(void)
{
	(void)unlink(test_at("new"));
	test_write_file(test_at("file"), "", 0644);
}

static void try(struct test_client *client, const struct row *row)
{
	int status;

	REQUIRE(es_unsubscribe_all(client->client) == ES_RETURN_SUCCESS);
	test_hold(client, row->type, -1);
	type = row->type;
	reset();
	held = 0;
	status = test_run(unsent, (void *)row);
	CHECK(held > 0);
	if (!CHECK_EQUAL(WEXITSTATUS(status), 0))
		printf("... %s\n", row->name);
	reset();
	status = test_run(sent, (void *)row);
	CHECK_EQUAL(WEXITSTATUS(status), SAW_PENDING | SAW_READ);	/* read, so there is none to wait for any more */
}

int main(void)
{
	struct test_client *client;

	test_begin(60);
	REQUIRE(mkdir(test_at("dir"), 0755) == 0);
	test_daemon(NULL);
	client = test_client(answer, NULL);
	client->counting = true;
	test_hold(client, ES_AUTH(UNLINK), -1);
	if (!test_has_task_work())
		test_skip("waiting in task work, which Linux has since 6.18");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		try(client, &rows[i]);
	return test_end();
}
