/* SPDX-License-Identifier: MIT */

/*
 * We never send SIGCONT to a program that handles it. If calls wait in task work or at a gate, it waits as any other.
 * If they would have to start over by signals, the client is asked, but the operation isn't held: it is decided as if
 * the client were late, so denied with ES_DEADLINE_MISS_MODE_FAIL_CLOSED, else it goes on. `esctl status` counts it.
 */

#include "acts.h"
#include "es-test.h"

enum { HELD_MS = 100 };

struct row {
	const char *name;
	es_event_type_t type;
	int (*act)(void);		/* in test_mnt: 0, or errno */
	bool at_gate;			/* where there is one */
};

static volatile sig_atomic_t continued;
static es_auth_result_t verdict;
static es_respond_result_t responded;
static unsigned int asked;
static bool gate, works;

static void on_continue(int signal)
{
	(void)signal;
	continued++;
}

/* Returns only if it failed. */
static int act_exec(void)
{
	char *arguments[] = { "tiny", NULL };

	execv("tiny", arguments);
	return errno;
}

static const struct row rows[] = {
	{ "unlink", ES_AUTH(UNLINK), test_act_unlink, true },
	{ "open", ES_AUTH(OPEN), test_act_open, true },
	{ "creat", ES_AUTH(CREATE), test_act_creat, false },
	{ "exec", ES_AUTH(EXEC), act_exec, true },
};

/* 0 or errno; 150: the handler ran. Blocked or not makes no difference, as the handler runs with it blocked. */
static int act(const struct row *row, bool blocked)
{
	sigset_t set;
	int error;

	if (chdir(test_mnt) < 0)
		return 151;
	signal(SIGCONT, on_continue);
	sigemptyset(&set);
	sigaddset(&set, SIGCONT);
	if (blocked)
		sigprocmask(SIG_BLOCK, &set, NULL);
	error = row->act();
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	return continued ? 150 : error;
}

static int act_open(void *row)
{
	return act(row, false);
}

static int act_blocked(void *row)
{
	return act(row, true);
}

static void answer(struct test_client *client, const es_message_t *message)
{
	const es_file_t *file = test_file(message);

	if (!file || strncmp(file->path.data, test_mnt, strlen(test_mnt))) {	/* esctl's, which the test runs */
		test_allow(client, message);
		return;
	}
	asked++;
	test_sleep_ms(HELD_MS);
	if (message->event_type == ES_AUTH(OPEN))
		responded = es_respond_flags_result(client->client, message,
						    verdict == ES_AUTH_RESULT_ALLOW ? UINT32_MAX : 0, false);
	else
		responded = es_respond_auth_result(client->client, message, verdict, false);
}

static unsigned long not_held(void)
{
	char command[4200], line[512];
	unsigned long count = 0;
	FILE *output;
	char *text;

	snprintf(command, sizeof(command), "%s status", test_built("tools/esctl"));
	output = popen(command, "re");
	REQUIRE(output != NULL);
	while (fgets(line, sizeof(line), output)) {
		text = strstr(line, "runs missed, ");
		if (text)
			count = strtoul(text + strlen("runs missed, "), NULL, 10);
	}
	pclose(output);
	return count;
}

static void try(struct test_client *client, const struct row *row, es_deadline_miss_mode_t mode, bool blocked)
{
	bool held = works || (gate && row->at_gate);
	unsigned long before = not_held();
	int status;

	(void)unlink(test_at("new"));
	test_write_file(test_at("file"), "", 0644);
	CHECK_EQUAL(es_set_deadline_miss_mode(client->client, mode), ES_RETURN_SUCCESS);
	verdict = mode == ES_DEADLINE_MISS_MODE_FAIL_CLOSED && !held ? ES_AUTH_RESULT_ALLOW : ES_AUTH_RESULT_DENY;
	asked = 0;
	status = test_run(blocked ? act_blocked : act_open, (void *)row);
	test_sync(client);
	CHECK_EQUAL(asked, 1);
	CHECK_EQUAL(responded, held ? ES_RESPOND_RESULT_SUCCESS : ES_RESPOND_RESULT_NOT_FOUND);
	CHECK_EQUAL(not_held() > before, !held);
	if (!CHECK_EQUAL(WEXITSTATUS(status), held || mode == ES_DEADLINE_MISS_MODE_FAIL_CLOSED ? EPERM : 0))
		printf("... %s, mode %d, %s\n", row->name, (int)mode, blocked ? "blocked" : "not blocked");
	CHECK_EQUAL(access(test_at("file"), F_OK) < 0, row->act == test_act_unlink && WEXITSTATUS(status) == 0);
	CHECK_EQUAL(access(test_at("new"), F_OK) == 0, row->act == test_act_creat && WEXITSTATUS(status) == 0);
}

int main(void)
{
	static const es_deadline_miss_mode_t modes[] = { ES_DEADLINE_MISS_MODE_KILL, ES_DEADLINE_MISS_MODE_FAIL_OPEN,
							 ES_DEADLINE_MISS_MODE_FAIL_CLOSED };
	struct test_client *client;

	test_begin(60);
	test_daemon(NULL);
	gate = test_has_gate();
	works = test_has_task_work();
	test_tiny("tiny");
	client = test_client(answer, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		test_hold(client, rows[i].type, -1);
		for (size_t j = 0; j < ARRAY_SIZE(modes); j++)
			for (int blocked = 0; blocked < 2; blocked++)
				try(client, &rows[i], modes[j], blocked);
		REQUIRE(es_unsubscribe_all(client->client) == ES_RETURN_SUCCESS);
	}
	return test_end();
}
