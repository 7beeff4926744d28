/* SPDX-License-Identifier: MIT */

/*
 * An allowed open goes on when the answer is given and not before, whichever thread gives it. The content of AUTH_OPEN
 * is right.
 */

#include "es-test.h"

enum { THINKING_MS = 100 };

static void hold(struct test_client *client, const es_message_t *message)
{
	(void)client;
	(void)message;		/* kept by the collector, answered by main() */
}

static int opens(void *context)
{
	uint64_t begin = test_now();
	int fd = open(context, O_RDWR);

	if (fd < 0)
		return errno;
	if (write(fd, "x", 1) != 1)
		return 201;
	return test_now() - begin >= THINKING_MS * 1000000ull ? 0 : 202;
}

static void check_message(const es_message_t *message, pid_t pid, const char *path)
{
	CHECK_EQUAL(message->action_type, ES_ACTION_TYPE_AUTH);
	CHECK_EQUAL(message->event.open.fflag & (FREAD | FWRITE), FREAD | FWRITE);
	CHECK_TOKEN(message->event.open.file->path, path);
	CHECK_EQUAL(test_pid(message->process), pid);
	CHECK(message->thread && message->thread->thread_id == (uint64_t)pid);
	CHECK(message->mach_time <= test_now());
	CHECK(message->deadline > message->mach_time);
	CHECK(message->deadline > test_now());
	CHECK(message->version >= 1);
	CHECK(message->time.tv_sec >= time(NULL) - 10 && message->time.tv_sec <= time(NULL) + 1);
}

int main(void)
{
	struct test_client *client;
	const es_message_t *message;
	const char *path;
	pid_t pid;

	test_begin(20);
	path = test_at("file");
	test_write_file(path, "", 0644);
	test_daemon(NULL);
	client = test_client(hold, NULL);
	test_subscribe(client, ES_AUTH(OPEN), -1);
	pid = test_fork(opens, (void *)path);
	message = AWAIT(client, .type = ES_AUTH(OPEN), .pid = pid);
	REQUIRE(message != NULL);
	check_message(message, pid, path);
	test_sleep_ms(THINKING_MS);
	CHECK_EQUAL(test_wait_ms(pid, 0), -1);		/* it waits */
	CHECK_EQUAL(es_respond_flags_result(client->client, message, FREAD | FWRITE, false),
		    ES_RESPOND_RESULT_SUCCESS);
	CHECK_EQUAL(test_wait(pid), 0);
	test_sync(client);
	CHECK_EQUAL(COUNT(client, .type = ES_AUTH(OPEN)), 1);
	CHECK_EQUAL(COUNT(client, .type = ES_NOTIFY(OPEN)), 0);	/* AUTH alone brings no NOTIFY */
	return test_end();
}
