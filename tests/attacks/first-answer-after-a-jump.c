/* SPDX-License-Identifier: MIT */

/*
 * The kernel asks about an exchange of two names twice, as an exchange and as a rename. When the first is allowed and the
 * second held, the thread jumps out of the call, and makes it again with no other call in between. The kernel asks about
 * the exchange anew, and the client denies it.
 */

#include "attack.h"

#include <setjmp.h>
#include <sys/mman.h>
#include <sys/syscall.h>

struct shared {
	unsigned int left, again;
};

static struct shared *shared;
static bool second;
static sigjmp_buf way_out;

static void jump(int signal)
{
	(void)signal;
	siglongjmp(way_out, 1);
}

/* Makes both calls by the same instruction, with the same registers, and leaves the signal mask alone. */
static int exchange(void *context)
{
	const struct sigaction action = { .sa_handler = jump, .sa_flags = SA_NODEFER };
	const char *one = test_at("one"), *two = test_at("two");

	(void)context;
	sigaction(SIGUSR1, &action, NULL);
	if (sigsetjmp(way_out, 0)) {
		__atomic_store_n(&shared->left, 1, __ATOMIC_RELEASE);
		while (!__atomic_load_n(&shared->again, __ATOMIC_ACQUIRE))
			;
	}
	return attack_result(syscall(SYS_renameat2, AT_FDCWD, one, AT_FDCWD, two, RENAME_EXCHANGE));
}

static enum judged judge(const es_message_t *message)
{
	bool again = __atomic_load_n(&second, __ATOMIC_ACQUIRE);

	switch (message->event_type) {
	case ES_AUTH(EXCHANGEDATA):
		return again ? JUDGED_DENY : JUDGED_ALLOW;
	case ES_AUTH(RENAME):
		return again ? JUDGED_ALLOW : JUDGED_HOLD;
	default:
		return JUDGED_ALLOW;
	}
}

int main(void)
{
	struct attack *attack = attack_begin(60, judge);
	pid_t pid;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	REQUIRE(shared != MAP_FAILED);
	test_write_file(test_at("one"), "one", 0644);
	test_write_file(test_at("two"), "two", 0644);
	test_hold(attack->client, ES_AUTH(EXCHANGEDATA), ES_AUTH(RENAME), -1);
	pid = test_fork(exchange, NULL);
	attack_await_held(attack, 1);
	kill(pid, SIGUSR1);
	while (!__atomic_load_n(&shared->left, __ATOMIC_ACQUIRE) && test_wait_ms(pid, 0) == -1)
		test_sleep_ms(1);
	__atomic_store_n(&second, true, __ATOMIC_RELEASE);
	attack_release(attack, JUDGED_ALLOW);
	__atomic_store_n(&shared->again, 1, __ATOMIC_RELEASE);
	CHECK_EQUAL(WEXITSTATUS(test_wait(pid)), EPERM);
	CHECK(attack_has_content(test_at("one"), "one"));
	CHECK_EQUAL(attack->allowed[ES_AUTH(EXCHANGEDATA)], 1);
	CHECK_EQUAL(attack->asked[ES_AUTH(EXCHANGEDATA)], 1);
	return test_end();
}
