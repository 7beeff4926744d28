/* SPDX-License-Identifier: MIT */

/* Two clients are asked about one open: it needs both to allow; one denial, of either, denies it. */

#include "es-test.h"

static int opens(void *context)
{
	int fd = open(context, O_RDONLY);

	return fd < 0 ? errno : 0;
}

static void first_denies(struct test_client *client, const es_message_t *message)
{
	bool deny = strstr(message->event.open.file->path.data, client->context) != NULL;

	(deny ? test_deny : test_allow)(client, message);
}

int main(void)
{
	static const char *const names[] = {"first", "second", "both-first-second", "neither"};
	static const int expected[] = {EPERM, EPERM, EPERM, 0};
	struct test_client *one, *two;

	test_begin(20);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		test_write_file(test_at("%s", names[i]), "", 0644);
	test_daemon(NULL);
	one = test_client(first_denies, "first");
	two = test_client(first_denies, "second");
	test_subscribe(one, ES_AUTH(OPEN), -1);
	test_subscribe(two, ES_AUTH(OPEN), -1);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		CHECK_EQUAL(WEXITSTATUS(test_run(opens, (void *)test_at("%s", names[i]))), expected[i]);
	test_sync(one);
	test_sync(two);
	CHECK_EQUAL(COUNT(one, .type = ES_AUTH(OPEN), .path = test_at("neither")), 1);
	CHECK_EQUAL(COUNT(two, .type = ES_AUTH(OPEN), .path = test_at("neither")), 1);

	/* With the one that denies gone, the other alone decides. */
	test_client_delete(one);
	CHECK_EQUAL(test_run(opens, (void *)test_at("first")), 0);
	CHECK_EQUAL(WEXITSTATUS(test_run(opens, (void *)test_at("second"))), EPERM);
	return test_end();
}
