/* SPDX-License-Identifier: MIT */

/*
 * A client holds operations of one user, and there are more than it has room for. The kernel still asks about another
 * user's operation, and the client denies it. The first user's further operations wait for room, and are denied then.
 */

#include "attack.h"

#include <sys/resource.h>

enum { HOLDERS = 2300, USER = 4711, ENOUGH = 200, OTHERS = 10, STACK_BYTES = 65536 };

static unsigned int done, opened;
static int other_error;		/* than EPERM */

static void *opener(void *path)
{
	int fd = open(path, O_RDONLY);

	if (fd >= 0)
		__atomic_add_fetch(&opened, 1, __ATOMIC_RELAXED);
	else if (errno != EPERM)
		__atomic_store_n(&other_error, errno, __ATOMIC_RELAXED);
	__atomic_add_fetch(&done, 1, __ATOMIC_RELEASE);
	return NULL;
}

static int open_many(void *path)
{
	const struct rlimit room = { 2 * HOLDERS, 2 * HOLDERS };	/* each open has its descriptor before it is asked about */
	pthread_attr_t attributes;
	pthread_t thread;

	if (setrlimit(RLIMIT_NOFILE, &room) < 0 || setuid(USER) < 0)
		return 201;
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	for (unsigned int i = 0; i < HOLDERS; i++) {
		if (pthread_create(&thread, &attributes, opener, path))
			return 202;
	}
	while (__atomic_load_n(&done, __ATOMIC_ACQUIRE) < HOLDERS)
		usleep(10000);
	return opened ? 203 : other_error;
}

static int open_it(void *path)
{
	return attack_result(open(path, O_RDONLY));
}

int main(void)
{
	struct attack *attack;
	int status = -1;
	uint64_t limit;
	pid_t pid;

	test_begin(110);
	test_daemon("--deadline-ms", "60000", NULL);	/* long enough for all operations */
	attack = attack_client(NULL);
	attack_needs_lsm(attack);
	if (!test_has_gate())
		test_skip("waiting without using the processor: a gate");
	chmod(test_mnt, 0755);
	test_write_file(test_at("held"), "", 0644);
	test_write_file(test_at("denied"), "", 0644);
	test_hold(attack->client, ES_AUTH(OPEN), -1);
	pid = test_fork(open_many, (void *)test_at("held"));
	attack_await_held(attack, ENOUGH);
	for (int i = 0; i < OTHERS; i++) {
		CHECK_EQUAL(attack_status(open_it, (void *)test_at("denied")), EPERM);
		test_sleep_ms(100);
	}
	limit = test_now() + 50000000000ull;
	while ((status = test_wait_ms(pid, 20)) == -1 && test_now() < limit)
		attack_release(attack, JUDGED_DENY);
	attack_release(attack, JUDGED_DENY);
	CHECK_EQUAL(status, 0);
	printf("asked about %u of %d\n", attack->asked[ES_AUTH(OPEN)], HOLDERS);
	CHECK(attack->asked[ES_AUTH(OPEN)] >= HOLDERS);
	return test_end();
}
