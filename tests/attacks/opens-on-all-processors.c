/* SPDX-License-Identifier: MIT */

/*
 * However many processors open files at once, the kernel asks about each open, and each denied one fails: with two
 * processors, or with 64 in a guest (tests/attacks/many-processors). ES_ATTACK_OPENS sets the number of opens.
 */

#include "attack.h"

#include <sys/mman.h>
#include <sys/sysinfo.h>

enum { OPENS = 2000, TASKS_A_PROCESSOR = 2, TASKS_MAX = 400 };

struct shared {
	uint64_t tried, opened, other;
	unsigned int go;
};

static struct shared *shared;
static unsigned int opens_each;

static int open_often(void *context)
{
	while (!__atomic_load_n(&shared->go, __ATOMIC_ACQUIRE))
		usleep(1000);
	for (unsigned int i = 0; i < opens_each; i++) {
		int fd = open(context, O_RDONLY);

		__atomic_add_fetch(&shared->tried, 1, __ATOMIC_RELAXED);
		if (fd >= 0)
			__atomic_add_fetch(&shared->opened, 1, __ATOMIC_RELAXED);
		else if (errno != EPERM)
			__atomic_add_fetch(&shared->other, 1, __ATOMIC_RELAXED);
		close(fd);
	}
	return 0;
}

int main(void)
{
	const char *wanted = getenv("ES_ATTACK_OPENS");
	unsigned int opens = wanted ? (unsigned int)atoi(wanted) : OPENS, tasks = (unsigned int)get_nprocs() * TASKS_A_PROCESSOR;
	struct attack *attack;
	pid_t pid[TASKS_MAX];

	attack = attack_begin(110, NULL);
	if (tasks > TASKS_MAX)
		tasks = TASKS_MAX;
	opens_each = (opens + tasks - 1) / tasks;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	REQUIRE(shared != MAP_FAILED);
	test_write_file(test_at("denied"), "", 0644);
	test_subscribe(attack->client, ES_AUTH(OPEN), -1);
	for (unsigned int i = 0; i < tasks; i++)
		pid[i] = test_fork(open_often, (void *)test_at("denied"));
	__atomic_store_n(&shared->go, 1, __ATOMIC_RELEASE);
	for (unsigned int i = 0; i < tasks; i++)
		CHECK_EQUAL(test_wait_ms(pid[i], 100000 * test_slow()), 0);
	test_sync(attack->client);
	printf("%u tasks: %llu opens tried, %llu done\n", tasks, (unsigned long long)shared->tried,
	       (unsigned long long)shared->opened);
	CHECK(shared->tried >= opens);
	CHECK_EQUAL(shared->opened, 0);
	CHECK_EQUAL(shared->other, 0);
	CHECK_EQUAL(attack->asked[ES_AUTH(OPEN)], shared->tried);
	return test_end();
}
