/* SPDX-License-Identifier: MIT */

/*
 * If es_respond_auth_result() or es_respond_flags_result() has returned success, the answer counts, even if the
 * program deletes the client just after: a denied operation is denied, in each way of waiting.
 */

#include "es-test.h"

#include <sched.h>
#include <stdatomic.h>

enum { ROUNDS = 5 };

static atomic_uint answered;
static es_respond_result_t responded;

static void deny(struct test_client *client, const es_message_t *message)
{
	const es_file_t *file = test_file(message);

	if (!file || strncmp(file->path.data, test_mnt, strlen(test_mnt))) {
		test_allow(client, message);
		return;
	}
	if (message->event_type == ES_AUTH(OPEN))
		responded = es_respond_flags_result(client->client, message, 0, false);
	else
		responded = es_respond_auth_result(client->client, message, ES_AUTH_RESULT_DENY, false);
	atomic_fetch_add(&answered, 1);
}

static int open_it(void *path)
{
	return open(path, O_RDONLY) < 0 ? errno : 0;
}

static int make_it(void *path)
{
	return open(path, O_WRONLY | O_CREAT, 0600) < 0 ? errno : 0;
}

static void try(es_event_type_t type, test_child_f *act, const char *path)
{
	struct test_client *client = test_client(deny, NULL);
	int status;
	pid_t pid;

	if (es_subscribe(client->client, &type, 1) != ES_RETURN_SUCCESS) {	/* this kernel can't hold it */
		CHECK(type != ES_AUTH(OPEN));
		test_client_delete(client);
		return;
	}
	(void)unlink(test_at("new"));
	atomic_store(&answered, 0);
	pid = test_fork(act, (void *)path);
	while (!atomic_load(&answered))
		sched_yield();
	CHECK_EQUAL(es_delete_client(client->client), ES_RETURN_SUCCESS);
	client->client = NULL;
	CHECK_EQUAL(responded, ES_RESPOND_RESULT_SUCCESS);
	status = test_wait(pid);
	CHECK(WIFEXITED(status));
	CHECK_EQUAL(WEXITSTATUS(status), EPERM);
	test_client_delete(client);
}

int main(void)
{
	test_begin(60);
	test_daemon(NULL);
	test_write_file(test_at("file"), "", 0644);
	for (int i = 0; i < ROUNDS; i++) {
		try(ES_AUTH(OPEN), open_it, test_at("file"));
		try(ES_AUTH(CREATE), make_it, test_at("new"));
	}
	CHECK(access(test_at("new"), F_OK) < 0);
	return test_end();
}
