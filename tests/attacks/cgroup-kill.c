/* SPDX-License-Identifier: MIT */

/*
 * cgroup.kill ends processes, and the kernel can't ask about each of them. It counts the write as not held, and the
 * client's miss mode decides: it is denied if the client fails closed.
 */

#include "attack.h"

static char folder[4200];

static int sleep_there(void *context)
{
	int fd;

	(void)context;
	snprintf(folder, sizeof(folder), "%s/inner/cgroup.procs", getenv("ES_TEST_CGROUP"));
	fd = open(folder, O_WRONLY);
	if (write(fd, "0", 1) != 1)
		return 1;
	kill(getppid(), SIGUSR2);
	pause();
	return 0;
}

static int kill_all(void *context)
{
	int fd;

	(void)context;
	snprintf(folder, sizeof(folder), "%s/inner/cgroup.kill", getenv("ES_TEST_CGROUP"));
	fd = open(folder, O_WRONLY);
	return fd < 0 ? 201 : attack_result(write(fd, "1", 1));
}

int main(void)
{
	struct attack *attack = attack_begin(60, NULL);
	sigset_t set;
	pid_t pid;

	if (!getenv("ES_TEST_CGROUP"))
		test_skip("cgroup v2 (run by tests/harness/run)");
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	snprintf(folder, sizeof(folder), "%s/inner", getenv("ES_TEST_CGROUP"));
	REQUIRE(mkdir(folder, 0755) == 0 || errno == EEXIST);
	test_hold(attack->client, ES_AUTH(SIGNAL), -1);
	CHECK_EQUAL(es_set_deadline_miss_mode(attack->client->client, ES_DEADLINE_MISS_MODE_FAIL_CLOSED),
		    ES_RETURN_SUCCESS);
	pid = test_fork(sleep_there, NULL);
	CHECK_EQUAL(sigtimedwait(&set, NULL, &(struct timespec){ 10 * test_slow(), 0 }), SIGUSR2);
	CHECK_EQUAL(attack_status(kill_all, NULL), EPERM);
	CHECK_EQUAL(test_wait_ms(pid, 100), -1);
	CHECK_EQUAL(es_set_deadline_miss_mode(attack->client->client, ES_DEADLINE_MISS_MODE_FAIL_OPEN),
		    ES_RETURN_SUCCESS);
	CHECK_EQUAL(attack_status(kill_all, NULL), 0);
	CHECK_EQUAL(WTERMSIG(test_wait(pid)), SIGKILL);
	snprintf(folder, sizeof(folder), "%s/inner", getenv("ES_TEST_CGROUP"));
	(void)rmdir(folder);
	return test_end();
}
