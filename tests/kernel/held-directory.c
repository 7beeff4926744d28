/* SPDX-License-Identifier: MIT */

/*
 * While an unlink is held for two seconds, its directory isn't locked: others look up names in it that nobody has
 * looked up yet, list it, and make, rename and remove files there, each without waiting for the answer; so does the
 * client, in its handler.
 */

#include "es-test.h"

#include <dirent.h>

enum { THINK_MS = 2000, EACH_MS = 20, ROUNDS = 20 };

static uint64_t worst;
static unsigned int done_in_handler;

static void took(uint64_t start)
{
	uint64_t ns = test_now() - start;

	if (ns > worst)
		worst = ns;
}

static void use_directory(const char *who, unsigned int round)
{
	const char *name = test_at("%s-%u", who, round), *other = test_at("%s-%u-renamed", who, round);
	uint64_t start = test_now();
	DIR *directory;

	(void)access(test_at("%s-%u-nobody-knows", who, round), F_OK);
	took(start);
	start = test_now();
	directory = opendir(test_mnt);
	while (directory && readdir(directory))
		;
	closedir(directory);
	took(start);
	start = test_now();
	close(open(name, O_CREAT | O_WRONLY, 0600));
	took(start);
	start = test_now();
	(void)rename(name, other);
	took(start);
}

static int others(void *context)
{
	(void)context;
	for (unsigned int round = 0; round < ROUNDS; round++) {
		use_directory("other", round);
		test_sleep_ms(20);
	}
	printf("slowest: %llu us\n", (unsigned long long)worst / 1000);
	return worst > EACH_MS * 1000000ull * test_slow();
}

static void answer(struct test_client *client, const es_message_t *message)
{
	uint64_t end = test_now() + THINK_MS * 1000000ull;

	while (test_now() < end) {
		use_directory("client", done_in_handler++);
		test_sleep_ms(50);
	}
	test_allow(client, message);
}

static int remove_file(void *context)
{
	return unlink(context) < 0 ? errno : 0;
}

int main(void)
{
	const es_event_type_t type = ES_AUTH(UNLINK);
	struct test_client *client;
	uint64_t start;
	pid_t pid;

	test_begin(60);
	test_write_file(test_at("file"), "", 0644);
	test_daemon(NULL);
	client = test_client(answer, NULL);
	if (es_subscribe(client->client, &type, 1) != ES_RETURN_SUCCESS)
		test_skip("holding an unlink: BPF LSM programs");

	start = test_now();
	pid = test_fork(remove_file, (void *)test_at("file"));
	test_sleep_ms(200);
	CHECK_EQUAL(WEXITSTATUS(test_run(others, NULL)), 0);
	CHECK_EQUAL(test_wait_ms(pid, 0), -1);		/* held all the time */
	CHECK_EQUAL(WEXITSTATUS(test_wait(pid)), 0);
	CHECK(test_now() - start >= THINK_MS * 1000000ull);
	CHECK(done_in_handler > 3);
	printf("the handler's slowest: %llu us\n", (unsigned long long)worst / 1000);
	CHECK(worst < EACH_MS * 1000000ull * test_slow());
	return test_end();
}
