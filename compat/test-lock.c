/* SPDX-License-Identifier: MIT */
/* os_unfair_lock: it excludes, wakes who waits, knows its owner, and ends the program when it is misused. */
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <os/lock.h>

#include "lib/test.h"

enum { THREADS = 4, TURNS = 20000 };

static os_unfair_lock lock = OS_UNFAIR_LOCK_INIT;
static unsigned long counted;		/* with no atomics: the lock is all that orders it, also for the thread sanitizer */

static void *count(void *unused)
{
	(void)unused;
	for (int i = 0; i < TURNS; i++) {
		if (i % 16 || !os_unfair_lock_trylock(&lock))
			os_unfair_lock_lock(&lock);
		os_unfair_lock_assert_owner(&lock);
		counted++;
		os_unfair_lock_unlock(&lock);
		os_unfair_lock_assert_not_owner(&lock);
	}
	return NULL;
}

static void test_excludes(void)
{
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		CHECK(pthread_create(&threads[i], NULL, count, NULL) == 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	CHECK(counted == (unsigned long)THREADS * TURNS);
	CHECK(lock._os_unfair_lock_opaque == 0);
}

static void *try_other(void *ret)
{
	*(bool *)ret = os_unfair_lock_trylock(&lock);
	if (*(bool *)ret)
		os_unfair_lock_unlock(&lock);
	os_unfair_lock_assert_not_owner(&lock);
	return NULL;
}

static bool other_thread_gets_it(void)
{
	pthread_t thread;
	bool got;

	CHECK(pthread_create(&thread, NULL, try_other, &got) == 0);
	pthread_join(thread, NULL);
	return got;
}

static void test_try(void)
{
	CHECK(os_unfair_lock_trylock(&lock));
	CHECK(!other_thread_gets_it());
	CHECK(!os_unfair_lock_trylock(&lock));
	os_unfair_lock_unlock(&lock);
	CHECK(other_thread_gets_it());
}

static void lock_twice(void)
{
	os_unfair_lock_lock(&lock);
	os_unfair_lock_lock(&lock);
}

static void unlock_free(void)
{
	os_unfair_lock_unlock(&lock);
}

static void *lock_and_end(void *unused)
{
	(void)unused;
	os_unfair_lock_lock(&lock);
	return NULL;
}

static void unlock_other(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, lock_and_end, NULL);
	pthread_join(thread, NULL);
	os_unfair_lock_unlock(&lock);
}

static void claim_owner(void)
{
	os_unfair_lock_assert_owner(&lock);
}

static void deny_owner(void)
{
	os_unfair_lock_lock(&lock);
	os_unfair_lock_assert_not_owner(&lock);
}

static void use_well(void)
{
	os_unfair_lock_lock(&lock);
	os_unfair_lock_unlock(&lock);
}

/* The wait status of a child that does `what`; `text` is what it says. */
static int in_child(void (*what)(void), char *text, size_t size)
{
	const struct rlimit none = { 0, 0 };
	int ends[2], status;
	ssize_t length;
	pid_t pid;

	CHECK(pipe(ends) == 0);
	pid = fork();
	if (pid == 0) {
		setrlimit(RLIMIT_CORE, &none);
		signal(SIGABRT, SIG_DFL);
		alarm(20);
		dup2(ends[1], STDERR_FILENO);
		close(ends[0]);
		close(ends[1]);
		what();
		_exit(0);
	}
	close(ends[1]);
	length = read(ends[0], text, size - 1);
	text[length > 0 ? length : 0] = '\0';
	close(ends[0]);
	CHECK(waitpid(pid, &status, 0) == pid);
	return status;
}

static void expect_bug(void (*what)(void), const char *expected)
{
	char text[256];
	int status = in_child(what, text, sizeof(text));

	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT || !strstr(text, expected)) {
		printf("expected SIGABRT and \"%s\", but: status %#x, \"%s\"\n", expected, status, text);
		exit(1);
	}
}

static void test_misuse(void)
{
	char text[256];

	expect_bug(lock_twice, "has already");
	expect_bug(unlock_free, "doesn't have");
	expect_bug(unlock_other, "doesn't have");
	expect_bug(claim_owner, "assert_owner");
	expect_bug(deny_owner, "assert_not_owner");
	CHECK(in_child(use_well, text, sizeof(text)) == 0 && text[0] == '\0');
}

/* A child has another thread id, so what it has locked it has locked as itself. */
static void test_fork(void)
{
	int status;
	pid_t pid;

	use_well();
	pid = fork();
	if (pid == 0) {
		alarm(20);
		os_unfair_lock_lock(&lock);
		_exit((lock._os_unfair_lock_opaque & 0x7fffffff) == (uint32_t)getpid() ? 0 : 1);
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

int main(void)
{
	test_excludes();
	test_try();
	test_misuse();
	test_fork();
	return 0;
}
