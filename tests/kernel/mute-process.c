/* SPDX-License-Identifier: MIT */

/*
 * A mute of a process is about one execution: it ends with an exec (fact 96) and with the process (95), it doesn't
 * cover children, and an ended process can't be muted (94). Lists return the tokens as given. Changes count from the
 * call's return on (89), also from the handler, and don't affect other clients (88). Muted events use no number (24).
 */

#include "es-test.h"

static struct test_client *client, *other;

static int open_once(void *context)
{
	int fd = open(context, O_RDONLY);

	return fd < 0 ? errno : close(fd);
}

static size_t opens(struct test_client *of, pid_t pid, const char *path)
{
	return COUNT(of, .type = ES_NOTIFY(OPEN), .pid = pid, .path = path);
}

static const audit_token_t *own_token(void)
{
	static audit_token_t token;
	const es_message_t *message;

	CHECK_EQUAL(open_once((void *)test_at("before")), 0);
	message = AWAIT(client, .type = ES_NOTIFY(OPEN), .pid = getpid(), .path = test_at("before"));
	REQUIRE(message != NULL);
	token = message->process->audit_token;
	return &token;
}

static void itself(const audit_token_t *token)
{
	CHECK_EQUAL(es_mute_process(client->client, token), ES_RETURN_SUCCESS);
	CHECK_EQUAL(open_once((void *)test_at("muted")), 0);
	CHECK_EQUAL(test_run(open_once, (void *)test_at("child")), 0);
	CHECK_EQUAL(es_unmute_process(client->client, token), ES_RETURN_SUCCESS);
	CHECK_EQUAL(open_once((void *)test_at("after")), 0);
	test_sync(client);
	test_sync(other);
	CHECK_EQUAL(opens(client, getpid(), test_at("muted")), 0);
	CHECK_EQUAL(opens(other, getpid(), test_at("muted")), 1);
	CHECK_EQUAL(COUNT(client, .type = ES_NOTIFY(OPEN), .path = test_at("child")), 1);
	CHECK_EQUAL(opens(client, getpid(), test_at("after")), 1);
}

/* Facts 92, 93, 124. */
static void sets(const audit_token_t *token)
{
	const es_event_type_t open_only[] = { ES_NOTIFY(OPEN) }, none[] = { ES_EVENT_TYPE_LAST };
	es_muted_processes_t *list;
	audit_token_t *tokens;
	size_t count = 99;

	CHECK_EQUAL(es_muted_processes(client->client, &count, &tokens), ES_RETURN_SUCCESS);
	CHECK_EQUAL(count, 0);
	CHECK(tokens == NULL);
	CHECK_EQUAL(es_unmute_process(client->client, token), ES_RETURN_SUCCESS);
	CHECK_EQUAL(es_mute_process_events(client->client, token, none, 1), ES_RETURN_SUCCESS);
	for (int i = 0; i < 2; i++)
		CHECK_EQUAL(es_mute_process_events(client->client, token, open_only, 1), ES_RETURN_SUCCESS);
	REQUIRE(es_muted_processes_events(client->client, &list) == ES_RETURN_SUCCESS);
	CHECK_EQUAL(list->count, 1);
	CHECK_EQUAL(list->processes[0].event_count, 1);
	CHECK_EQUAL(list->processes[0].events[0], ES_NOTIFY(OPEN));
	CHECK(!memcmp(&list->processes[0].audit_token, token, sizeof(*token)));
	es_release_muted_processes(list);
	REQUIRE(es_muted_processes(client->client, &count, &tokens) == ES_RETURN_SUCCESS && count == 1);
	CHECK(!memcmp(tokens, token, sizeof(*token)));
	free(tokens);
	CHECK_EQUAL(open_once((void *)test_at("opened")), 0);
	test_sync(client);
	CHECK_EQUAL(opens(client, getpid(), test_at("opened")), 0);
	CHECK_EQUAL(COUNT(client, .type = ES_NOTIFY(CLOSE), .pid = getpid(), .path = test_at("opened")), 1);
	CHECK_EQUAL(es_unmute_process_events(client->client, token, open_only, 1), ES_RETURN_SUCCESS);
	CHECK_EQUAL(open_once((void *)test_at("opened")), 0);
	test_sync(client);
	CHECK_EQUAL(opens(client, getpid(), test_at("opened")), 1);
}

static int ready[2], go[2];

static int exec_later(void *context)
{
	char byte, *argv[] = { context, "0", NULL };

	open_once((void *)test_at("first"));
	if (write(ready[1], "", 1) != 1 || read(go[0], &byte, 1) != 1)
		return 1;
	open_once((void *)test_at("second"));
	execv(context, argv);
	return 1;
}

static void executions(void)
{
	const es_message_t *message;
	audit_token_t token;
	char byte;
	pid_t pid;

	REQUIRE(!pipe2(ready, O_CLOEXEC) && !pipe2(go, O_CLOEXEC));
	pid = test_fork(exec_later, (void *)test_tiny("tiny"));
	REQUIRE(read(ready[0], &byte, 1) == 1);
	message = AWAIT(client, .type = ES_NOTIFY(OPEN), .pid = pid, .path = test_at("first"));
	REQUIRE(message != NULL);
	token = message->process->audit_token;
	token.val[7]++;			/* an execution that there is not */
	CHECK_EQUAL(es_mute_process(client->client, &token), ES_RETURN_ERROR);
	token.val[7]--;
	CHECK_EQUAL(es_mute_process(client->client, &token), ES_RETURN_SUCCESS);
	REQUIRE(write(go[1], "", 1) == 1);
	CHECK_EQUAL(test_wait_ms(pid, 5000), 0);
	test_sync(client);
	CHECK_EQUAL(opens(client, pid, test_at("second")), 0);
	CHECK_EQUAL(COUNT(client, .type = ES_NOTIFY(EXEC), .pid = pid), 0);	/* done by the former execution */
	CHECK_EQUAL(COUNT(client, .type = ES_NOTIFY(EXIT), .pid = pid), 1);
	CHECK_EQUAL(COUNT(other, .type = ES_NOTIFY(EXEC), .pid = pid), 1);
	CHECK_EQUAL(es_mute_process(client->client, &token), ES_RETURN_ERROR);
	for (int i = 0; i < 2; i++) {
		close(ready[i]);
		close(go[i]);
	}
}

static int sleep_long(void *context)
{
	open_once(context);
	pause();
	return 0;
}

static size_t muted_now(void)
{
	audit_token_t *tokens;
	size_t count;

	REQUIRE(es_muted_processes(client->client, &count, &tokens) == ES_RETURN_SUCCESS);
	free(tokens);
	return count;
}

/* A zombie has ended, though its number isn't free. */
static void ends(void)
{
	const es_message_t *message;
	siginfo_t info;
	pid_t pid = test_fork(sleep_long, (void *)test_at("sleeper"));

	message = AWAIT(client, .type = ES_NOTIFY(OPEN), .pid = pid, .path = test_at("sleeper"));
	REQUIRE(message != NULL);
	CHECK_EQUAL(es_mute_process(client->client, &message->process->audit_token), ES_RETURN_SUCCESS);
	CHECK_EQUAL(muted_now(), 1);
	kill(pid, SIGKILL);
	REQUIRE(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) == 0);
	CHECK_EQUAL(muted_now(), 0);
	CHECK_EQUAL(es_mute_process(client->client, &message->process->audit_token), ES_RETURN_ERROR);
	test_wait(pid);
	CHECK_EQUAL(es_mute_process(client->client, &message->process->audit_token), ES_RETURN_ERROR);
	CHECK_EQUAL(es_unmute_process(client->client, &message->process->audit_token), ES_RETURN_SUCCESS);
	CHECK_EQUAL(muted_now(), 0);
}

static void mute_in_handler(es_client_t *from, const es_message_t *message, void *context)
{
	unsigned int *seen = context;

	__atomic_fetch_add(seen, 1, __ATOMIC_RELEASE);
	CHECK_EQUAL(es_mute_process(from, &message->process->audit_token), ES_RETURN_SUCCESS);
}

static void from_handler(void)
{
	const es_event_type_t types[] = { ES_NOTIFY(OPEN) };
	unsigned int seen = 0;
	es_client_t *third;
	struct timespec moment = { .tv_nsec = 100000000 };

	REQUIRE(es_new_client_f(&third, mute_in_handler, &seen) == ES_NEW_CLIENT_RESULT_SUCCESS);
	REQUIRE(es_subscribe(third, types, 1) == ES_RETURN_SUCCESS);
	CHECK_EQUAL(open_once((void *)test_at("handler")), 0);
	for (int i = 0; i < 50 * (int)test_slow() && !__atomic_load_n(&seen, __ATOMIC_ACQUIRE); i++)
		nanosleep(&moment, NULL);
	nanosleep(&moment, NULL);
	CHECK_EQUAL(open_once((void *)test_at("handler")), 0);
	REQUIRE(es_delete_client(third) == ES_RETURN_SUCCESS);
	CHECK_EQUAL(seen, 1);
}

static void bad_input(void)
{
	void *volatile nothing = NULL;		/* or the compiler would object */
	audit_token_t token = {};
	size_t count;

	CHECK_EQUAL(es_mute_process(client->client, nothing), ES_RETURN_ERROR);
	CHECK_EQUAL(es_mute_process(client->client, &token), ES_RETURN_ERROR);
	CHECK_EQUAL(es_mute_process_events(client->client, &token, nothing, 1), ES_RETURN_ERROR);
	CHECK_EQUAL(es_muted_processes(client->client, &count, nothing), ES_RETURN_ERROR);
	CHECK_EQUAL(es_muted_processes_events(client->client, nothing), ES_RETURN_ERROR);
	CHECK_EQUAL(es_mute_process((es_client_t *)&token, &token), ES_RETURN_ERROR);
}

int main(void)
{
	static const char *const names[] = { "before", "muted", "child", "after", "opened", "first", "second", "sleeper",
					     "handler" };
	const audit_token_t *token;

	test_begin(60);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		test_write_file(test_at("%s", names[i]), "", 0644);
	test_daemon(NULL);
	client = test_client(NULL, NULL);
	other = test_client(NULL, NULL);
	test_subscribe(client, ES_NOTIFY(OPEN), ES_NOTIFY(CLOSE), ES_NOTIFY(EXEC), ES_NOTIFY(EXIT), -1);
	test_subscribe(other, ES_NOTIFY(OPEN), ES_NOTIFY(EXEC), -1);

	token = own_token();
	itself(token);
	sets(token);
	executions();
	ends();
	from_handler();
	bad_input();
	test_sync(client);
	CHECK_EQUAL(client->next_global, client->received_all);	/* nothing counts as lost */
	CHECK_EQUAL(client->disorder, false);
	return test_end();
}
