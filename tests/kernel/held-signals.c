/* SPDX-License-Identifier: MIT */

/*
 * Signals reach a task that is held. One with a handler runs it, and the call goes on being held: the program sees
 * neither EINTR nor the kernel's own 513. SIGKILL ends it at once, and the operation isn't done.
 */

#include "es-test.h"

#include <sys/time.h>

static unsigned int alarms;

static void on_alarm(int signal)
{
	(void)signal;
	alarms++;
}

static int remove_with_alarms(void *context)
{
	const struct itimerval often = { { 0, 20000 }, { 0, 20000 } }, never = {};
	struct sigaction action = { .sa_handler = on_alarm };	/* without SA_RESTART */
	int error;

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	error = unlink(context) < 0 ? errno : 0;
	setitimer(ITIMER_REAL, &never, NULL);
	if (error)
		return error > 200 ? 200 : error;
	return alarms >= 3 ? 0 : 201;
}

static int remove_plainly(void *context)
{
	return unlink(context) < 0 ? errno : 0;
}

static void keep(struct test_client *client, const es_message_t *message)
{
	(void)client;
	(void)message;		/* main() answers */
}

int main(void)
{
	const es_event_type_t type = ES_AUTH(UNLINK);
	struct test_client *client;
	const es_message_t *message;
	uint64_t start;
	int status;
	pid_t pid;

	test_begin(60);
	test_write_file(test_at("first"), "", 0644);
	test_write_file(test_at("second"), "", 0644);
	test_daemon(NULL);
	client = test_client(keep, NULL);
	if (es_subscribe(client->client, &type, 1) != ES_RETURN_SUCCESS)
		test_skip("holding an unlink: BPF LSM programs");

	pid = test_fork(remove_with_alarms, (void *)test_at("first"));
	message = AWAIT(client, .type = type, .pid = pid);
	REQUIRE(message != NULL);
	test_sleep_ms(400);
	CHECK_EQUAL(test_wait_ms(pid, 0), -1);		/* still held */
	CHECK_EQUAL(COUNT(client, .type = type, .pid = pid), 1);	/* asked once, however often it started over */
	test_allow(client, message);
	status = test_wait(pid);
	CHECK(WIFEXITED(status));
	CHECK_EQUAL(WEXITSTATUS(status), 0);
	CHECK(access(test_at("first"), F_OK) < 0);

	pid = test_fork(remove_plainly, (void *)test_at("second"));
	message = AWAIT(client, .type = type, .pid = pid);
	REQUIRE(message != NULL);
	test_sleep_ms(100);
	start = test_now();
	kill(pid, SIGKILL);
	status = test_wait(pid);
	CHECK(test_now() - start < 100 * 1000000ull * test_slow());
	CHECK(WIFSIGNALED(status));
	CHECK_EQUAL(access(test_at("second"), F_OK), 0);
	/* Nothing waits for this answer any more. */
	CHECK(es_respond_auth_result(client->client, message, ES_AUTH_RESULT_ALLOW, false) != ES_RESPOND_RESULT_SUCCESS);
	CHECK_EQUAL(access(test_at("second"), F_OK), 0);
	return test_end();
}
