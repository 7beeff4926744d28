/* SPDX-License-Identifier: MIT */

/*
 * The cost of commands that go through many files while a client is notified of their operations: find(1) and git-status(1)
 * on 4,000 files in 200 folders on tmpfs, where the files themselves cost least. Prints the processor time of the command
 * alone, in microseconds, and the time until it has ended, each the smallest of ROUNDS. With one processor only, the second
 * also has the client's time.
 *
 * In a guest that counts instructions (tests/vm/run --icount) a microsecond is a thousand instructions.
 */

#include "es-test.h"

#include <sys/resource.h>
#include <time.h>

enum { ROUNDS = 3, FOLDERS = 200, FILES = 20 };

static const struct command {
	const char *name, *script;
} commands[] = {
	{"find -size +1M", "exec find tree -size +1M"},
	{"git status", "cd tree && exec git status --short"},
	{"git status, all touched", "cd tree && find . -name 'f*' -exec touch {} + && exec git status --short"},
};

struct cost {
	double cpu, wall;
};

static void start(const char *script)
{
	int null = open("/dev/null", O_WRONLY);

	if (chdir(test_mnt) < 0 || dup2(null, 1) < 0)
		_exit(99);
	setenv("HOME", test_mnt, 1);
	execl("/bin/sh", "sh", "-c", script, NULL);
	_exit(99);
}

static struct cost run(const char *script)
{
	struct cost cost = {0, (double)test_now()};
	struct rusage usage;
	pid_t pid = fork();
	int status;

	if (pid == 0)
		start(script);
	REQUIRE(pid > 0 && wait4(pid, &status, 0, &usage) == pid);
	CHECK_EQUAL(status, 0);
	cost.wall = ((double)test_now() - cost.wall) / 1000;
	cost.cpu = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
		   (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
	return cost;
}

static struct cost best(const char *script)
{
	struct cost best = run(script);

	for (int i = 1; i < ROUNDS; i++) {
		struct cost next = run(script);

		best.cpu = next.cpu < best.cpu ? next.cpu : best.cpu;
		best.wall = next.wall < best.wall ? next.wall : best.wall;
	}
	return best;
}

static void make_tree(void)
{
	REQUIRE(mkdir(test_at("tree"), 0755) == 0);
	for (int i = 0; i < FOLDERS; i++) {
		char path[4096];

		snprintf(path, sizeof(path), "%s/tree/%d", test_mnt, i);
		REQUIRE(mkdir(path, 0755) == 0);
		for (int j = 0; j < FILES; j++) {
			snprintf(path, sizeof(path), "%s/tree/%d/f%d", test_mnt, i, j);
			test_write_file(path, "some content\n", 0644);
		}
	}
	run("cd tree && git init -q && git config user.email a@b && git config user.name a && git config gc.auto 0 && "
	    "git add . && git commit -q -m all");
	sleep(2);			/* so that files written from here on are newer than the index */
}

int main(void)
{
	struct cost bare[ARRAY_SIZE(commands)];
	struct test_client *client;

	test_begin(280);
	make_tree();
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		bare[i] = best(commands[i].script);
	test_daemon(NULL);
	client = test_client(NULL, NULL);
	client->counting = true;
	test_subscribe(client, ES_NOTIFY(STAT), ES_NOTIFY(ACCESS), ES_NOTIFY(OPEN), ES_NOTIFY(CLOSE), ES_NOTIFY(UNLINK),
		       ES_NOTIFY(RENAME), ES_NOTIFY(CREATE), -1);
	printf("%-26s %10s %10s %8s %12s %10s\n", "", "CPU, bare", "told", "messages", "until ended", "told");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		uint64_t before = client->received_all;
		struct cost told = best(commands[i].script);

		test_sync(client);
		printf("%-26s %10.0f %10.0f %8.0f %12.0f %10.0f\n", commands[i].name, bare[i].cpu, told.cpu,
		       (double)(client->received_all - before) / ROUNDS, bare[i].wall, told.wall);
		fflush(stdout);
	}
	return test_end();
}
