/* SPDX-License-Identifier: MIT */

/*
 * A thread jumps out of a held call, and the client allows that call. The test rewrites the file, and the thread makes the
 * same call again: the kernel asks about it anew, and the client denies it. For an open, an exec and an unlink.
 */

#include "attack.h"

#include <sys/mman.h>

struct shared {
	unsigned int left, again;
};

static struct shared *shared;
static bool second;

static void open_it(void *path)
{
	int fd = open(path, O_RDONLY);

	if (fd >= 0)
		close(fd);
}

static void unlink_it(void *path)
{
	(void)unlink(path);
}

static void exec_it(void *path)
{
	char *const argv[] = { "tiny", "77", NULL }, *const environment[] = { NULL };

	execve(path, argv, environment);
}

typedef void call_f(void *path);

static call_f *const calls[] = { open_it, unlink_it, exec_it };
static const es_event_type_t types[] = { ES_AUTH(OPEN), ES_AUTH(UNLINK), ES_AUTH(EXEC) };
static unsigned int row;

static int again(void *path)
{
	/* Both calls come from one place in a loop, so that they have the same registers. */
	for (int i = 0; i < 2; i++) {
		errno = 0;
		if (attack_jump_out(calls[row], path, 100 * test_slow()) == 0)
			return errno;
		__atomic_store_n(&shared->left, 1, __ATOMIC_RELEASE);
		while (!__atomic_load_n(&shared->again, __ATOMIC_ACQUIRE))
			usleep(1000);
	}
	return 99;
}

static enum judged judge(const es_message_t *message)
{
	const es_file_t *file = test_file(message);

	if (!file || !strstr(file->path.data, "/victim"))
		return JUDGED_ALLOW;
	if (message->event_type != types[row])
		return JUDGED_ALLOW;
	return __atomic_load_n(&second, __ATOMIC_ACQUIRE) ? JUDGED_DENY : JUDGED_HOLD;
}

static void try(struct attack *attack)
{
	const char *path = test_at("victim-%u", row);
	pid_t pid;

	printf("%s\n", es_linux_event_name(types[row]));
	(void)test_tiny(strrchr(path, '/') + 1);
	memset(shared, 0, sizeof(*shared));
	second = false;
	test_hold(attack->client, types[row], -1);
	pid = test_fork(again, (void *)path);
	attack_await_held(attack, 1);
	while (!__atomic_load_n(&shared->left, __ATOMIC_ACQUIRE))
		test_sleep_ms(1);
	attack_release(attack, JUDGED_ALLOW);
	__atomic_store_n(&second, true, __ATOMIC_RELEASE);
	__atomic_store_n(&shared->again, 1, __ATOMIC_RELEASE);
	CHECK_EQUAL(WEXITSTATUS(test_wait(pid)), EPERM);
	CHECK(access(path, F_OK) == 0);
	CHECK_EQUAL(attack->asked[types[row]], 2);
	REQUIRE(es_unsubscribe_all(attack->client->client) == ES_RETURN_SUCCESS);
}

int main(void)
{
	struct attack *attack = attack_begin(60, judge);

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	REQUIRE(shared != MAP_FAILED);
	for (row = 0; row < ARRAY_SIZE(types); row++)
		try(attack);
	return test_end();
}
