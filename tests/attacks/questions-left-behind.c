/* SPDX-License-Identifier: MIT */

/*
 * Threads that jump out of held calls leave their questions behind. However many do so, and whether or not they make other
 * calls then, the kernel asks about further operations, and the client denies them. The daemon doesn't kill the client for
 * questions for which no task waits.
 */

#include "attack.h"

enum { LEAVERS = 1300, STACK_BYTES = 65536 };

static unsigned int left;

static void open_held(void *context)
{
	close(open(context, O_RDONLY));
}

static void *leaver(void *context)
{
	if (attack_jump_out(open_held, context, 20 * test_slow()))
		__atomic_add_fetch(&left, 1, __ATOMIC_RELEASE);
	for (;;)
		pause();
	return NULL;
}

static int leave_many(void *context)
{
	pthread_attr_t attributes;
	pthread_t thread;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	for (unsigned int i = 0; i < LEAVERS; i++) {
		if (pthread_create(&thread, &attributes, leaver, context))
			return 1;
		while (__atomic_load_n(&left, __ATOMIC_ACQUIRE) + 50 < i)
			usleep(1000);
	}
	while (__atomic_load_n(&left, __ATOMIC_ACQUIRE) < LEAVERS)
		usleep(1000);
	kill(getppid(), SIGUSR2);
	pause();
	return 0;
}

static int open_it(void *path)
{
	return attack_result(open(path, O_RDONLY));
}

int main(void)
{
	struct attack *attack = attack_begin(110, NULL);
	sigset_t set;
	pid_t pid;
	int got;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	test_write_file(test_at("held"), "", 0644);
	test_write_file(test_at("denied"), "", 0644);
	test_hold(attack->client, ES_AUTH(OPEN), ES_AUTH(UNLINK), -1);
	pid = test_fork(leave_many, (void *)test_at("held"));
	got = sigtimedwait(&set, NULL, &(struct timespec){ 90 * test_slow(), 0 });
	CHECK_EQUAL(got, SIGUSR2);
	for (int i = 0; i < 5; i++)
		CHECK_EQUAL(attack_status(open_it, (void *)test_at("denied")), EPERM);
	CHECK_EQUAL(attack->asked[ES_AUTH(OPEN)] >= LEAVERS / 2, 1);
	kill(pid, SIGKILL);
	(void)test_wait(pid);
	attack_release(attack, JUDGED_ALLOW);
	CHECK_EQUAL(attack_status(open_it, (void *)test_at("denied")), EPERM);
	return test_end();
}
