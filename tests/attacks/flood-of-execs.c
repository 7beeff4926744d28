/* SPDX-License-Identifier: MIT */

/*
 * One user executes 900 programs at once. The handler takes some time for each, and more than a deadline for all. The
 * daemon doesn't kill the client, since the time for each answer counts from when the handler can begin with it. No
 * program that it denies runs.
 */

#include "attack.h"

#include <sys/mman.h>

enum { EXECS = 900, THINK_MS = 20, USER = 4712 };

struct shared {
	unsigned int ran, other;
};

static struct shared *shared;

static enum judged judge(const es_message_t *message)
{
	if (!strstr(message->event.exec.target->executable->path.data, "/denied"))
		return JUDGED_ALLOW;
	test_sleep_ms(THINK_MS);
	return JUDGED_DENY;
}

static int execute(const char *path)
{
	char *const argv[] = { "denied", "0", NULL }, *const environment[] = { NULL };

	execve(path, argv, environment);
	return errno == EPERM ? 1 : 2;
}

static int flood(void *context)
{
	int status;

	if (setuid(USER) < 0)
		return 201;
	for (int i = 0; i < EXECS; i++) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(execute(context));
		if (pid < 0)
			return 202;
	}
	while (wait(&status) > 0) {
		if (WEXITSTATUS(status) == 0)
			shared->ran++;
		else if (WEXITSTATUS(status) != 1)
			shared->other++;
	}
	return 0;
}

int main(void)
{
	struct attack *attack;
	char deadline[16];
	pid_t pid;

	test_begin(115);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	REQUIRE(shared != MAP_FAILED);
	snprintf(deadline, sizeof(deadline), "%d", EXECS * THINK_MS / 2);
	test_daemon("--deadline-ms", deadline, NULL);
	attack = attack_client(judge);
	attack_needs_lsm(attack);
	if (!test_has_gate())
		test_skip("waiting without using the processor: a gate");
	chmod(test_mnt, 0755);
	(void)test_tiny("denied");
	test_hold(attack->client, ES_AUTH(EXEC), -1);
	pid = test_fork(flood, (void *)test_at("denied"));
	CHECK_EQUAL(test_wait_ms(pid, 100000 * test_slow()), 0);
	printf("%u of %d ran, %u failed otherwise\n", shared->ran, EXECS, shared->other);
	CHECK_EQUAL(shared->ran, 0);
	CHECK_EQUAL(shared->other, 0);
	CHECK_EQUAL(attack->asked[ES_AUTH(EXEC)], EXECS);
	return test_end();
}
