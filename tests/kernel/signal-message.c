/* SPDX-License-Identifier: MIT */

/*
 * NOTIFY_SIGNAL: sender, signal and target, also for signal 0. A signal to oneself, or from the kernel, gives none.
 * Stopping and continuing also give NOTIFY_PROC_SUSPEND_RESUME.
 */

#include "es-test.h"

static _Noreturn int sleeper(void *context)
{
	(void)context;
	signal(SIGUSR1, SIG_IGN);
	for (;;)
		pause();
}

static int to_oneself(void *context)
{
	(void)context;
	signal(SIGUSR2, SIG_IGN);
	raise(SIGUSR2);
	kill(getpid(), SIGUSR2);
	return 0;
}

static const es_message_t *signal_to(struct test_client *client, pid_t target, int sig)
{
	const es_message_t *message;

	for (unsigned int i = 0; (message = FIND(client, .type = ES_NOTIFY(SIGNAL), .pid = getpid(), .skip = i)); i++) {
		if (message->event.signal.sig == sig && test_pid(message->event.signal.target) == target)
			return message;
	}
	return NULL;
}

static size_t suspensions(struct test_client *client, pid_t target, es_proc_suspend_resume_type_t type)
{
	const es_message_t *message;
	size_t count = 0;

	for (unsigned int i = 0;
	     (message = FIND(client, .type = ES_NOTIFY(PROC_SUSPEND_RESUME), .pid = getpid(), .skip = i)); i++) {
		const es_process_t *process = message->event.proc_suspend_resume.target;

		count += process && test_pid(process) == target && message->event.proc_suspend_resume.type == type;
	}
	return count;
}

int main(void)
{
	struct test_client *client;
	const es_message_t *message;
	pid_t pid, own;
	int status;

	test_begin(20);
	test_daemon(NULL);
	client = test_client(NULL, NULL);
	test_subscribe(client, ES_NOTIFY(SIGNAL), ES_NOTIFY(PROC_SUSPEND_RESUME), -1);

	pid = test_fork(sleeper, NULL);
	test_sleep_ms(20);
	REQUIRE(kill(pid, 0) == 0 && kill(pid, SIGUSR1) == 0);
	test_sync(client);
	message = signal_to(client, pid, SIGUSR1);
	REQUIRE(message != NULL);
	CHECK_TOKEN(message->event.signal.target->executable->path, message->process->executable->path.data);
	CHECK(message->event.signal.instigator == NULL);
	CHECK(signal_to(client, pid, 0) != NULL);
	CHECK_EQUAL(COUNT(client, .type = ES_NOTIFY(PROC_SUSPEND_RESUME)), 0);

	REQUIRE(kill(pid, SIGSTOP) == 0 && waitpid(pid, &status, WUNTRACED) == pid);
	REQUIRE(kill(pid, SIGCONT) == 0);
	test_sync(client);
	CHECK_EQUAL(suspensions(client, pid, ES_PROC_SUSPEND_RESUME_TYPE_SUSPEND), 1);
	CHECK_EQUAL(suspensions(client, pid, ES_PROC_SUSPEND_RESUME_TYPE_RESUME), 1);

	REQUIRE(kill(pid, SIGKILL) == 0);
	CHECK_EQUAL(WTERMSIG(test_wait(pid)), SIGKILL);
	test_sync(client);
	CHECK(signal_to(client, pid, SIGKILL) != NULL);

	own = test_fork(to_oneself, NULL);
	CHECK_EQUAL(test_wait(own), 0);
	test_sync(client);
	CHECK_EQUAL(COUNT(client, .type = ES_NOTIFY(SIGNAL), .pid = own), 0);
	CHECK(signal_to(client, getpid(), SIGCHLD) == NULL);
	return test_end();
}
