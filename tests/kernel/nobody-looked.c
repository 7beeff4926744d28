/* SPDX-License-Identifier: MIT */

/*
 * Without a client the kernel programs don't follow processes. If a process executes a program meanwhile, the next
 * client still sees another program, and another execution.
 */

#include "es-test.h"

static int told[2];

/* Opens the file when told; executes a shell when told, which opens the file when told. */
static int open_execute_open(void *path)
{
	char byte;

	if (dup2(told[0], 0) < 0 || read(0, &byte, 1) != 1)
		return 1;
	close(open(path, O_RDONLY));
	if (read(0, &byte, 1) != 1)
		return 1;
	execl("/bin/sh", "sh", "-c", "read line; : <\"$0\"", path, NULL);
	return 1;
}

static struct test_client *watch(void)
{
	struct test_client *client = test_client(NULL, NULL);

	test_subscribe(client, ES_NOTIFY(OPEN), -1);
	return client;
}

static const es_message_t *tell(struct test_client *client, pid_t pid, const char *path)
{
	REQUIRE(write(told[1], "\n", 1) == 1);
	return AWAIT(client, .type = ES_NOTIFY(OPEN), .pid = pid, .path = path);
}

int main(void)
{
	const es_message_t *before, *after;
	struct test_client *client;
	unsigned int pidversion;
	char self[4096] = {};
	char *file;
	pid_t pid;

	test_begin(60);
	REQUIRE(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	file = strdup(test_at("file"));
	test_write_file(file, "", 0644);
	REQUIRE(file && pipe(told) == 0);
	test_daemon_own();
	pid = test_fork(open_execute_open, file);

	client = watch();
	before = tell(client, pid, file);
	REQUIRE(before != NULL);
	CHECK_TOKEN(before->process->executable->path, self);
	pidversion = test_pidversion(before->process);
	test_client_delete(client);

	test_sleep_ms(1000);		/* what followed processes is taken away a little later */
	REQUIRE(write(told[1], "\n", 1) == 1);
	test_sleep_ms(300);

	client = watch();
	after = tell(client, pid, file);
	REQUIRE(after != NULL);
	CHECK(strcmp(after->process->executable->path.data, self) != 0);
	CHECK(strstr(after->process->executable->path.data, "sh") != NULL);
	CHECK(test_pidversion(after->process) != pidversion);
	CHECK_EQUAL(test_wait(pid), 0);
	close(told[0]);
	close(told[1]);
	free(file);
	return test_end();
}
