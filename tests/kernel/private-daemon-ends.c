/* SPDX-License-Identifier: MIT */

/*
 * A program that makes a client while another's private daemon ends gets one, whichever moment that is: even if the
 * daemon that the library starts for it finds the old one still listening, and ends.
 */

#include "es-test.h"

enum { CLIENTS = 6, ROUNDS = 4, STEP_MS = 15 };

static void ignore(es_client_t *client, const es_message_t *message, void *context)
{
	(void)client;
	(void)message;
	(void)context;
}

/* Makes a client after a while, and deletes it at once: with it the daemon ends, if it is the last. */
static int come_and_go(void *delay_ms)
{
	es_client_t *client;

	for (int round = 0; round < ROUNDS; round++) {
		test_sleep_ms(*(unsigned int *)delay_ms);
		if (es_new_client_f(&client, ignore, NULL) != ES_NEW_CLIENT_RESULT_SUCCESS)
			return 1;
		es_delete_client(client);
	}
	return 0;
}

static void many_at_once(void)
{
	unsigned int delay[CLIENTS];
	pid_t child[CLIENTS];

	for (unsigned int i = 0; i < CLIENTS; i++) {
		delay[i] = i * STEP_MS;
		child[i] = test_fork(come_and_go, &delay[i]);
	}
	for (unsigned int i = 0; i < CLIENTS; i++)
		CHECK_EQUAL(test_wait(child[i]), 0);
}

/* In place of the daemon: says that it is ready, as one does that yields to another, and is none; the next one is. */
static void yielded_to_nobody(void)
{
	const char *program = test_at("daemon");
	char text[8192];
	unsigned int none = 0;

	snprintf(text, sizeof(text), "#!/bin/sh\nif mkdir '%s' 2>/dev/null; then printf x >&3; exit 0; fi\nexec '%s' \"$@\" --identity no\n",
		 test_at("once"), test_built("daemon/endpointsecurityd"));
	test_write_file(program, text, 0755);
	setenv("ENDPOINTSECURITYD", program, 1);
	CHECK_EQUAL(test_run(come_and_go, &none), 0);
	CHECK_EQUAL(access(test_at("once"), F_OK), 0);
	unsetenv("ENDPOINTSECURITYD");
}

/* Reading all packages is not what is waited for here. */
static void without_identity(void)
{
	const char *program = test_at("daemon-plain");
	char text[4200];

	snprintf(text, sizeof(text), "#!/bin/sh\nexec '%s' \"$@\" --identity no\n", test_built("daemon/endpointsecurityd"));
	test_write_file(program, text, 0755);
	setenv("ENDPOINTSECURITYD", program, 1);
}

int main(void)
{
	test_begin(60);
	yielded_to_nobody();
	without_identity();
	many_at_once();
	return test_end();
}
