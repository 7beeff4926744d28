/* SPDX-License-Identifier: MIT */

/*
 * es_linux_find_process() finds the execution that a token names: executable, arguments, working directory and parent.
 * It finds nothing if that has ended, or the process has executed another program. While a process executes one
 * program after the other, the result is always about the execution that was asked for.
 */

#include "es-test.h"

#include <sys/prctl.h>

static es_client_t *client;

static int wait_in(void *context)
{
	char *argv[] = { "first name", "", "-x\ny", NULL };

	(void)context;
	REQUIRE(!chdir(test_at("dir")));
	execv("/proc/self/exe", argv);
	return 1;
}

/* The program again, and again, until it is killed; its first argument says how often. */
static int run_on(const char *count)
{
	char next[16];
	char *argv[] = { "again", next, NULL };

	snprintf(next, sizeof(next), "%d", atoi(count) + 1);
	test_sleep_ms(1);
	execv("/proc/self/exe", argv);
	return 1;
}

static int begin_running(void *context)
{
	char *argv[] = { "again", "0", NULL };

	(void)context;
	execv("/proc/self/exe", argv);
	return 1;
}

static void check_one(struct test_client *watcher)
{
	const es_message_t *message;
	es_linux_process_t *found = NULL;
	audit_token_t token;
	pid_t pid = test_fork(wait_in, NULL);

	message = AWAIT(watcher, .type = ES_NOTIFY(EXEC), .pid = pid);
	REQUIRE(message);
	token = message->event.exec.target->audit_token;
	REQUIRE(es_linux_find_process(client, &token, &found) == ES_RETURN_SUCCESS);
	CHECK_EQUAL(es_linux_token_pid(found->audit_token), pid);
	CHECK_EQUAL(found->ppid, getpid());
	CHECK_STRING(found->executable.data, message->event.exec.target->executable->path.data);
	CHECK_STRING(found->cwd.data, test_at("dir"));
	CHECK_EQUAL(found->arg_count, 3);
	CHECK_STRING(found->args[0].data, "first name");
	CHECK_STRING(found->args[1].data, "");
	CHECK_STRING(found->args[2].data, "-x\ny");
	es_linux_free_process(found);

	token.val[7]--;					/* what it was before its exec, or another */
	CHECK_EQUAL(es_linux_find_process(client, &token, &found), ES_RETURN_ERROR);
	CHECK(found == NULL);
	token.val[7]++;
	kill(pid, SIGKILL);
	test_wait(pid);
	CHECK_EQUAL(es_linux_find_process(client, &token, &found), ES_RETURN_ERROR);
}

/* The number in its arguments goes up with each exec, and so does the pidversion. */
static void check_race(struct test_client *watcher)
{
	pid_t pid = test_fork(begin_running, NULL);
	unsigned int found_count = 0;

	for (unsigned int i = 0; i < 200; i++) {
		const es_message_t *message = AWAIT(watcher, .type = ES_NOTIFY(EXEC), .pid = pid, .skip = i);
		es_linux_process_t *found;
		audit_token_t token;

		REQUIRE(message);
		token = message->event.exec.target->audit_token;
		if (es_linux_find_process(client, &token, &found) != ES_RETURN_SUCCESS)
			continue;
		found_count++;
		CHECK_EQUAL(found->arg_count, 2);
		if (found->arg_count == 2)
			CHECK_STRING(found->args[1].data, es_exec_arg(&message->event.exec, 1).data);
		es_linux_free_process(found);
	}
	CHECK(found_count > 0);
	kill(pid, SIGKILL);
	test_wait(pid);
}

static void check_wrong(void)
{
	es_linux_process_t *found, **no_place = NULL;
	const audit_token_t *no_token = NULL;
	audit_token_t token;

	REQUIRE(es_linux_own_token(&token) == ES_RETURN_SUCCESS);
	CHECK_EQUAL(es_linux_find_process(client, &token, &found), ES_RETURN_SUCCESS);
	es_linux_free_process(found);
	es_linux_free_process(NULL);
	CHECK_EQUAL(es_linux_find_process(client, no_token, &found), ES_RETURN_ERROR);
	CHECK_EQUAL(es_linux_find_process(client, &token, no_place), ES_RETURN_ERROR);
	CHECK_EQUAL(es_linux_find_process((es_client_t *)&token, &token, &found), ES_RETURN_ERROR);
}

int main(int argc, char **argv)
{
	struct test_client *watcher;

	if (argc == 3)
		return pause();
	if (argc == 2 && !strcmp(argv[0], "again")) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		return run_on(argv[1]);
	}
	test_begin(60);
	REQUIRE(!mkdir(test_at("dir"), 0755));
	test_daemon(NULL);
	watcher = test_client(NULL, NULL);
	client = watcher->client;
	test_subscribe(watcher, ES_NOTIFY(EXEC), -1);
	check_one(watcher);
	check_race(watcher);
	check_wrong();
	return test_end();
}
