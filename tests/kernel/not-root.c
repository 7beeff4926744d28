/* SPDX-License-Identifier: MIT */

/* A user who isn't root gets NOT_PRIVILEGED, with a daemon and without, and the library starts no daemon. */

#include "es-test.h"

static void ignore(es_client_t *client, const es_message_t *message, void *context)
{
	(void)client;
	(void)message;
	(void)context;
}

static int new_client(void *context)
{
	es_client_t *client = NULL;

	(void)context;
	if (chmod(test_dir, 0755) < 0 || setresgid(65534, 65534, 65534) < 0 || setresuid(65534, 65534, 65534) < 0)
		return 100;
	return (int)es_new_client_f(&client, ignore, NULL);
}

int main(void)
{
	test_begin(20);
	CHECK_EQUAL(WEXITSTATUS(test_run(new_client, NULL)), ES_NEW_CLIENT_RESULT_ERR_NOT_PRIVILEGED);
	CHECK_EQUAL(access(getenv("ENDPOINTSECURITY_SOCKET"), F_OK), -1);
	test_daemon(NULL);
	CHECK_EQUAL(WEXITSTATUS(test_run(new_client, NULL)), ES_NEW_CLIENT_RESULT_ERR_NOT_PRIVILEGED);
	return test_end();
}
