/* SPDX-License-Identifier: MIT */

#include "twice.h"

#include <limits.h>

static struct test_client *client;
static uint64_t asked;

/* What can't be started over doesn't wait for the answer, where there is no gate. */
static void allow(struct test_client *test_client, const es_message_t *message)
{
	es_respond_result_t r;

	(void)test_client;
	asked++;
	if (message->event_type == ES_AUTH(OPEN))
		r = es_respond_flags_result(client->client, message, UINT32_MAX, false);
	else
		r = es_respond_auth_result(client->client, message, ES_AUTH_RESULT_ALLOW, false);
	/* Killed while it waited, or another thread's exec ended it. */
	CHECK(r == ES_RESPOND_RESULT_SUCCESS || r == ES_RESPOND_RESULT_NOT_FOUND);
}

void twice_begin(unsigned int seconds)
{
	test_begin(seconds);
	test_daemon(NULL);
	client = test_client(allow, NULL);
	client->counting = true;
	test_hold(client, ES_AUTH(UNLINK), -1);
	REQUIRE(es_unsubscribe_all(client->client) == ES_RETURN_SUCCESS);
}

static const char *output_of(int number)
{
	static char path[2][PATH_MAX];

	snprintf(path[number], PATH_MAX, "%.4000s/output-%d", test_dir, number);
	return path[number];
}

static int in_work(void *context)
{
	char *const *argv = context;

	if (chdir(test_mnt) < 0 || chdir("work") < 0)
		return 125;
	execvp(argv[0], argv);
	return 126;
}

struct command {
	char *const *argv;
	const char *output;
};

static int run(void *context)
{
	const struct command *command = context;
	int fd = open(command->output, O_WRONLY | O_CREAT | O_APPEND, 0644);

	dup2(fd, STDOUT_FILENO);
	dup2(fd, STDERR_FILENO);
	return in_work((void *)command->argv);
}

static int shell(const char *output, const char *text)
{
	char *const argv[] = { "sh", "-c", (char *)text, NULL };
	struct command command = { argv, output };

	return test_wait_ms(test_fork(run, &command), 60000 * test_slow());
}

static uint64_t run_once(char *const argv[], int number)
{
	const char *output = output_of(number);
	struct command command = { argv, output };
	uint64_t start;
	FILE *file;
	int status;

	REQUIRE(mkdir(test_at("work"), 0755) == 0);
	start = test_now();
	status = test_wait_ms(test_fork(run, &command), INT_MAX);
	start = test_now() - start;
	file = fopen(output, "ae");
	fprintf(file, "wait status %#x\n", (unsigned int)status);
	fclose(file);
	return start;
}

static void list_and_remove(int number)
{
	CHECK_EQUAL(shell(output_of(number), "find . -printf '%p %y %m %U %G %s %l\\n' | sort; "
			  "find . -type f -print0 | sort -z | xargs -0 sha256sum"), 0);
	CHECK_EQUAL(shell(output_of(number), "chmod -R u+w . && rm -rf ../work"), 0);
}

/* Prints how the outputs differ, and fails if they do. */
static int compare(void *context)
{
	(void)context;
	execlp("sh", "sh", "-c", "diff -u \"$1\" \"$2\" | head -n 60; cmp \"$1\" \"$2\"", "sh", output_of(0), output_of(1),
	       NULL);
	return 126;
}

void twice(char *const argv[])
{
	unsigned int held_types;
	uint64_t bare, held;

	(void)unlink(output_of(0));
	(void)unlink(output_of(1));
	bare = run_once(argv, 0);
	list_and_remove(0);
	asked = 0;
	held_types = test_hold_all(client);
	CHECK(held_types >= 20);
	printf("%u types of events are held\n", held_types);
	held = run_once(argv, 1);
	REQUIRE(es_unsubscribe_all(client->client) == ES_RETURN_SUCCESS);
	list_and_remove(1);
	printf("%s: bare %llu ms, held %llu ms, asked %llu times\n", argv[0], (unsigned long long)bare / 1000000,
	       (unsigned long long)held / 1000000, (unsigned long long)asked);
	CHECK(asked > 0);
	CHECK_EQUAL(test_run(compare, NULL), 0);
}
