/* SPDX-License-Identifier: MIT */

/*
 * Signals reach a held task, however it waits. If it has a handler, the handler runs, and the call stays held: the
 * program sees neither EINTR nor the kernel's own 513. SIGKILL ends the task within 100 ms, and the operation isn't
 * done.
 */

#include "acts.h"
#include "es-test.h"

#include <dirent.h>
#include <sys/mman.h>
#include <sys/time.h>

enum { KILLED_MS = 100 };

struct row {
	const char *name;
	es_event_type_t type;
	int (*act)(void);		/* in test_mnt: 0, or errno */
	const char *changes;		/* exists before and not after, or the other way; NULL: nothing to see */
};

static volatile sig_atomic_t alarms;

static void on_alarm(int signal)
{
	(void)signal;
	alarms++;
}

static int list(void)
{
	DIR *directory = opendir(".");
	int error;

	errno = 0;
	(void)readdir(directory);
	error = errno;
	closedir(directory);
	return error;
}

static const struct row rows[] = {
	{ "unlink", ES_AUTH(UNLINK), test_act_unlink, "file" },
	{ "rename", ES_AUTH(RENAME), test_act_rename, "renamed" },
	{ "mkdir", ES_AUTH(CREATE), test_act_mkdir, "new" },
	{ "creat", ES_AUTH(CREATE), test_act_creat, "new" },
	{ "open", ES_AUTH(OPEN), test_act_open, NULL },
	{ "kill", ES_AUTH(SIGNAL), test_act_kill, NULL },
	{ "fcntl", ES_AUTH(FCNTL), test_act_fcntl, NULL },
	{ "readdir", ES_AUTH(READDIR), list, NULL },
};

static int act_with_alarms(void *context)
{
	const struct itimerval often = { { 0, 20000 }, { 0, 20000 } }, never = {};
	struct sigaction action = { .sa_handler = on_alarm };	/* without SA_RESTART */
	const struct row *row = context;
	int error;

	if (chdir(test_mnt) < 0)
		return 202;
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	error = row->act();
	setitimer(ITIMER_REAL, &never, NULL);
	if (error)
		return error > 200 ? 200 : error;
	return alarms >= 3 ? 0 : 201;
}

static int act_plainly(void *context)
{
	const struct row *row = context;

	return chdir(test_mnt) < 0 ? 202 : row->act();
}

static void keep(struct test_client *client, const es_message_t *message)
{
	(void)client;
	(void)message;		/* main() answers */
}

static bool exists(const struct row *row)
{
	return row->changes && access(test_at("%s", row->changes), F_OK) == 0;
}

static void reset(void)
{
	const char *const gone[] = { "new", "renamed" };

	for (size_t i = 0; i < ARRAY_SIZE(gone); i++)
		(void)(unlink(test_at("%s", gone[i])) < 0 && rmdir(test_at("%s", gone[i])));
	test_write_file(test_at("file"), "", 0644);
}

static void interrupt(struct test_client *client, const struct row *row)
{
	const es_message_t *message;
	bool before;
	int status;
	pid_t pid;

	reset();
	before = exists(row);
	pid = test_fork(act_with_alarms, (void *)row);
	message = AWAIT(client, .type = row->type, .pid = pid);
	REQUIRE(message != NULL);
	test_sleep_ms(row == rows ? 400 : 150);
	CHECK_EQUAL(test_wait_ms(pid, 0), -1);		/* still held */
	CHECK_EQUAL(COUNT(client, .type = row->type, .pid = pid), 1);	/* asked once, however often it started over */
	test_allow(client, message);
	if (row->type == ES_AUTH(READDIR)) {		/* getdents(2) is called again at the end */
		message = test_await(client, &(struct test_match){ .type = row->type, .pid = pid, .skip = 1 }, 1000);
		if (message)
			test_allow(client, message);
	}
	status = test_wait(pid);
	CHECK(WIFEXITED(status));
	CHECK_EQUAL(WEXITSTATUS(status), 0);
	CHECK(!row->changes || exists(row) != before);
}

static void kill_it(struct test_client *client, const struct row *row)
{
	const es_message_t *message;
	uint64_t start;
	bool before;
	int status;
	pid_t pid;

	reset();
	before = exists(row);
	pid = test_fork(act_plainly, (void *)row);
	message = AWAIT(client, .type = row->type, .pid = pid);
	REQUIRE(message != NULL);
	test_sleep_ms(50);
	start = test_now();
	kill(pid, SIGKILL);
	status = test_wait(pid);
	start = test_now() - start;
	printf("%s: gone %llu us after SIGKILL\n", row->name, (unsigned long long)start / 1000);
	CHECK(start < KILLED_MS * 1000000ull * test_slow());
	CHECK(WIFSIGNALED(status));
	CHECK(exists(row) == before);
	/* Nothing waits for this answer any more. */
	if (row->type == ES_AUTH(OPEN))
		CHECK(es_respond_flags_result(client->client, message, UINT32_MAX, false) != ES_RESPOND_RESULT_SUCCESS);
	else
		CHECK(es_respond_auth_result(client->client, message, ES_AUTH_RESULT_ALLOW, false) !=
		      ES_RESPOND_RESULT_SUCCESS);
	CHECK(exists(row) == before);
}

int main(void)
{
	struct test_client *client;

	test_begin(100);
	test_daemon(NULL);
	client = test_client(keep, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *row = &rows[i];

		test_hold(client, row->type, -1);
		interrupt(client, row);
		kill_it(client, row);
		REQUIRE(es_unsubscribe_all(client->client) == ES_RETURN_SUCCESS);
		test_clear(client);
	}
	return test_end();
}
