/* SPDX-License-Identifier: MIT */

/*
 * A script's message has the interpreter as target, and the script: denying that script stops it with EPERM, and
 * neither the interpreter nor other scripts.
 */

#include "es-test.h"

static void answer(struct test_client *client, const es_message_t *message)
{
	const es_file_t *script = message->event.exec.script;

	if (script && !strcmp(script->path.data, test_at("bad-script")))
		test_deny(client, message);
	else
		test_allow(client, message);
}

int main(void)
{
	char *argv[] = {"program", NULL};
	struct test_client *client;
	const es_message_t *message;
	const char *bad, *good, *interpreter;
	char line[4200];

	test_begin(20);
	interpreter = test_tiny("interpreter");
	bad = test_at("bad-script");
	good = test_at("good-script");
	snprintf(line, sizeof(line), "#!%s 0\n", interpreter);
	test_write_file(bad, line, 0755);
	test_write_file(good, line, 0755);
	test_daemon(NULL);
	client = test_client(answer, NULL);
	test_subscribe(client, ES_AUTH(EXEC), -1);

	CHECK_EQUAL(test_exec(good, argv, NULL), 0);
	CHECK_EQUAL(test_exec(bad, argv, NULL), EPERM);
	CHECK_EQUAL(test_exec(interpreter, argv, NULL), 0);
	test_sync(client);
	CHECK_EQUAL(COUNT(client, .type = ES_AUTH(EXEC)), 3);
	CHECK_EQUAL(COUNT(client, .type = ES_AUTH(EXEC), .path = interpreter), 3);
	message = FIND(client, .type = ES_AUTH(EXEC));
	REQUIRE(message && message->event.exec.script);
	CHECK_TOKEN(message->event.exec.script->path, good);
	message = FIND(client, .type = ES_AUTH(EXEC), .skip = 2);
	CHECK(message && message->event.exec.script == NULL);
	return test_end();
}
