/* SPDX-License-Identifier: MIT */

/*
 * A client chooses what follows if it is late (facts 34, 41, 42): the daemon kills it, and the operation goes on; or
 * it lives, and the operation goes on or is denied. A late answer changes nothing, whichever thread gives it and
 * however late. The daemon's log and `esctl history` name event, path and pid.
 */

#include "es-test.h"

#include <sys/mman.h>

enum { DEADLINE_MS = 400, SPARE_MS = 100 };

struct shared {
	uint64_t done_ns;		/* when the waiting call returned */
	int error;
};

static struct shared *shared;

/* The compiler is not to know. */
static es_client_t *volatile no_client;
static const es_event_type_t *volatile no_events;
static uint32_t *volatile no_number;
static es_deadline_miss_mode_t *volatile no_mode;

static void hold(struct test_client *client, const es_message_t *message)
{
	(void)client;
	(void)message;
}

static int opens(void *context)
{
	int fd = open(context, O_RDONLY);

	shared->error = fd < 0 ? errno : 0;
	shared->done_ns = test_now();
	return 0;
}

static int executes(void *context)
{
	char *argv[] = {"tiny", NULL};

	execv(context, argv);
	shared->error = errno;
	return 100;
}

static void expect_in_time(const es_message_t *message)
{
	double late = (double)shared->done_ns / 1e6 - (double)message->deadline / 1e6;

	printf("let go %.1f ms after the deadline\n", late);
	CHECK(shared->done_ns > message->deadline);
	CHECK(late <= SPARE_MS * test_slow());
}

/* Does the output of a command contain this? */
static bool says(const char *command, const char *text)
{
	FILE *output = popen(command, "re");
	char line[2048];
	bool found = false;

	REQUIRE(output != NULL);
	while (fgets(line, sizeof(line), output))
		found |= strstr(line, text) != NULL;
	pclose(output);
	return found;
}

static bool told(const char *where, const char *type, const char *path, pid_t pid, const char *outcome)
{
	char command[4200], wanted[4200];

	if (!strcmp(where, "log"))
		snprintf(command, sizeof(command), "cat %s/daemon.log", test_dir);
	else
		snprintf(command, sizeof(command), "%s history", test_built("tools/esctl"));
	snprintf(wanted, sizeof(wanted), "the deadline of %s of %s by pid %d", type, path, pid);
	return says(command, wanted) && says(command, outcome);
}

/* It lives, and answers its next question, although it never answered this one. */
static void survives(struct test_client *client, es_deadline_miss_mode_t mode, int error)
{
	const char *path = test_at("mode-%d", (int)mode), *outcome = error ? "is denied" : "goes on";
	const es_message_t *message, *notify;
	es_deadline_miss_mode_t now;
	pid_t pid;

	test_write_file(path, "", 0644);
	CHECK_EQUAL(es_set_deadline_miss_mode(client->client, mode), ES_RETURN_SUCCESS);
	CHECK_EQUAL(es_get_deadline_miss_mode(client->client, &now), ES_RETURN_SUCCESS);
	CHECK_EQUAL(now, mode);
	for (int again = 0; again < 2; again++) {
		test_clear(client);
		pid = test_fork(opens, (void *)path);
		message = AWAIT(client, .type = ES_AUTH(OPEN), .pid = pid);	/* nothing was cached */
		REQUIRE(message != NULL);
		CHECK_EQUAL(test_wait(pid), 0);
		CHECK_EQUAL(shared->error, error);
		expect_in_time(message);
		CHECK_EQUAL(es_respond_flags_result(client->client, message, UINT32_MAX, false),
			    ES_RESPOND_RESULT_ERR_DUPLICATE_RESPONSE);
		if (again)
			test_sleep_ms(100 * test_slow());
		CHECK_EQUAL(es_respond_flags_result(client->client, message, 0, false),
			    ES_RESPOND_RESULT_ERR_DUPLICATE_RESPONSE);
		notify = AWAIT(client, .type = ES_NOTIFY(OPEN), .pid = pid, .path = path);
		REQUIRE(notify != NULL);
		CHECK_EQUAL(notify->action.notify.result.flags == 0, error != 0);
		CHECK(told("log", "AUTH_OPEN", path, pid, outcome));
		CHECK(told("history", "AUTH_OPEN", path, pid, outcome));
	}

	test_clear(client);
	pid = test_fork(opens, (void *)path);
	message = AWAIT(client, .type = ES_AUTH(OPEN), .pid = pid);
	REQUIRE(message != NULL);
	CHECK_EQUAL(es_respond_flags_result(client->client, message, error ? UINT32_MAX : 0, false),
		    ES_RESPOND_RESULT_SUCCESS);
	CHECK_EQUAL(test_wait(pid), 0);
	CHECK_EQUAL(shared->error, error ? 0 : EPERM);
}

static const es_event_type_t auth_open[] = {ES_AUTH(OPEN)}, auth_exec[] = {ES_AUTH(EXEC)};

/* Each type has its own maximum (fact 43), and the message says which. */
static void maximum(struct test_client *client)
{
	static const es_event_type_t notify[] = {ES_AUTH(OPEN), ES_NOTIFY(OPEN)};
	const char *path = test_at("maximum");
	const es_message_t *message;
	uint32_t ms = 0;
	pid_t pid;

	CHECK_EQUAL(es_get_deadline_max_milliseconds(client->client, ES_AUTH(OPEN), &ms), ES_RETURN_SUCCESS);
	CHECK_EQUAL(ms, DEADLINE_MS);
	CHECK_EQUAL(es_set_deadline_max_milliseconds(client->client, auth_open, 1, DEADLINE_MS + 1), ES_RETURN_ERROR);
	CHECK_EQUAL(es_set_deadline_max_milliseconds(client->client, auth_open, 1, 0), ES_RETURN_ERROR);
	CHECK_EQUAL(es_set_deadline_max_milliseconds(client->client, notify, 2, 100), ES_RETURN_ERROR);
	CHECK_EQUAL(es_set_deadline_max_milliseconds(client->client, no_events, 1, 100), ES_RETURN_ERROR);
	CHECK_EQUAL(es_get_deadline_max_milliseconds(client->client, ES_NOTIFY(OPEN), &ms), ES_RETURN_ERROR);
	CHECK_EQUAL(es_get_deadline_max_milliseconds(client->client, ES_AUTH(OPEN), no_number), ES_RETURN_ERROR);
	CHECK_EQUAL(es_set_deadline_max_milliseconds(client->client, auth_open, 1, 150), ES_RETURN_SUCCESS);
	CHECK_EQUAL(es_get_deadline_max_milliseconds(client->client, ES_AUTH(OPEN), &ms), ES_RETURN_SUCCESS);
	CHECK_EQUAL(ms, 150);
	CHECK_EQUAL(es_get_deadline_max_milliseconds(client->client, ES_AUTH(EXEC), &ms), ES_RETURN_SUCCESS);
	CHECK_EQUAL(ms, DEADLINE_MS);

	/* A minimum is for clients of another kind. */
	CHECK_EQUAL(es_set_deadline_min_milliseconds(client->client, auth_open, 1, 100), ES_RETURN_ERROR);
	CHECK_EQUAL(es_get_deadline_min_milliseconds(client->client, ES_AUTH(OPEN), &ms), ES_RETURN_ERROR);

	test_write_file(path, "", 0644);
	test_sync(client);		/* its handler is free; where it isn't, more is given: deadline-busy.c */
	pid = test_fork(opens, (void *)path);
	message = AWAIT(client, .type = ES_AUTH(OPEN), .pid = pid);
	REQUIRE(message != NULL);
	CHECK_EQUAL(message->deadline - message->mach_time, 150000000);
	CHECK_EQUAL(test_wait(pid), 0);
	expect_in_time(message);
	CHECK_EQUAL(es_set_deadline_max_milliseconds(client->client, auth_open, 1, DEADLINE_MS), ES_RETURN_SUCCESS);
}

/* What a client in a child does that ignores one exec. */
static _Noreturn int ignores(void *context)
{
	struct test_client *client = test_client(hold, NULL);

	test_subscribe(client, ES_AUTH(EXEC), -1);
	*(volatile int *)context = 1;
	for (;;)
		pause();
}

static void killed(void)
{
	const char *tiny = test_tiny("ignored");
	volatile int *ready = &shared->error;
	uint64_t begin, end;
	pid_t pid, client;

	*ready = 0;
	client = test_fork(ignores, (void *)ready);
	while (!*ready)
		test_sleep_ms(5);
	begin = test_now();
	pid = test_fork(executes, (void *)tiny);
	CHECK_EQUAL(WTERMSIG(test_wait(client)), SIGKILL);
	end = test_now();
	printf("killed %.1f ms after the exec began\n", (double)(end - begin) / 1e6);
	CHECK(end - begin >= DEADLINE_MS * 1000000ull);
	CHECK(end - begin <= (DEADLINE_MS + SPARE_MS * test_slow()) * 1000000ull);
	CHECK_EQUAL(test_wait(pid), 0);			/* it went on */
	CHECK(told("log", "AUTH_EXEC", tiny, pid, "killed, and the operation goes on"));
	CHECK(told("history", "AUTH_EXEC", tiny, pid, "killed, and the operation goes on"));
}

int main(void)
{
	struct test_client *client;

	test_begin(60);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	REQUIRE(shared != MAP_FAILED);
	test_daemon("--deadline-ms", "400", NULL);
	client = test_client(hold, NULL);
	CHECK_EQUAL(es_set_deadline_miss_mode(client->client, (es_deadline_miss_mode_t)3), ES_RETURN_ERROR);
	CHECK_EQUAL(es_set_deadline_miss_mode(no_client, ES_DEADLINE_MISS_MODE_KILL), ES_RETURN_ERROR);
	CHECK_EQUAL(es_get_deadline_miss_mode(client->client, no_mode), ES_RETURN_ERROR);
	test_subscribe(client, ES_AUTH(OPEN), ES_NOTIFY(OPEN), -1);
	survives(client, ES_DEADLINE_MISS_MODE_FAIL_OPEN, 0);
	survives(client, ES_DEADLINE_MISS_MODE_FAIL_CLOSED, EPERM);
	CHECK_EQUAL(es_set_deadline_miss_mode(client->client, ES_DEADLINE_MISS_MODE_FAIL_OPEN), ES_RETURN_SUCCESS);
	maximum(client);
	CHECK_EQUAL(es_set_deadline_max_milliseconds(client->client, auth_exec, 1, DEADLINE_MS), ES_RETURN_SUCCESS);
	test_client_delete(client);
	killed();
	return test_end();
}
