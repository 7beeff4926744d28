/* SPDX-License-Identifier: MIT */
/*
 * proc_signal_with_audittoken() signals the execution whose token a message had, and no other: not the next one of the
 * same process after an exec, although it has the same pid, and none that has ended.
 */
#include <dlfcn.h>

#include "es-test.h"

static int (*signal_by_token)(audit_token_t *token, int signal);

/* Executes twice: what runs at the end waits to be killed. */
static int wait_for_signal(void *context)
{
	(void)context;
	execl("/bin/sh", "sh", "-c", "exec sleep 100", NULL);
	return 99;
}

static audit_token_t token_of(struct test_client *client, pid_t pid, unsigned int number)
{
	const es_message_t *message = AWAIT(client, .type = ES_NOTIFY(EXEC), .pid = pid, .skip = number);

	REQUIRE(message);
	return message->event.exec.target->audit_token;
}

int main(void)
{
	audit_token_t first, second;
	struct test_client *client;
	void *library;
	pid_t child;

	test_begin(60);
	library = dlopen(test_built("compat/libEndpointSecurity-compat.so.1"), RTLD_NOW);
	signal_by_token = library ? (int (*)(audit_token_t *, int))dlsym(library, "proc_signal_with_audittoken") : NULL;
	if (!signal_by_token)
		test_skip("the library for programs for macOS (libblocksruntime-dev)");
	test_daemon(NULL);
	client = test_client(NULL, NULL);
	test_subscribe(client, ES_NOTIFY(EXEC), -1);
	child = test_fork(wait_for_signal, NULL);
	first = token_of(client, child, 0);
	second = token_of(client, child, 1);
	CHECK(first.val[5] == second.val[5] && first.val[7] != second.val[7]);
	CHECK_EQUAL(signal_by_token(&first, SIGTERM), ESRCH);
	CHECK_EQUAL(test_wait_ms(child, 200), -1);
	CHECK_EQUAL(signal_by_token(&second, 0), 0);
	CHECK_EQUAL(signal_by_token(&second, SIGTERM), 0);
	CHECK_EQUAL(WTERMSIG(test_wait(child)), SIGTERM);
	CHECK_EQUAL(signal_by_token(&second, SIGTERM), ESRCH);
	CHECK_EQUAL(signal_by_token(NULL, SIGTERM), EINVAL);
	return test_end();
}
