/* SPDX-License-Identifier: MIT */
#include "compat/sleep.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S 1000000000ull

/* The cached id. A child of fork() inherits it but has another one: see forget_thread(). */
static __thread uint32_t thread_id __attribute__((tls_model("initial-exec")));

static void forget_thread(void)
{
	thread_id = 0;
}

__attribute__((constructor)) static void prepare(void)
{
	pthread_atfork(NULL, NULL, forget_thread);
}

uint32_t esc_thread(void)
{
	if (!thread_id)
		thread_id = (uint32_t)syscall(SYS_gettid);
	return thread_id;
}

bool esc_sleep(const uint32_t *word, uint32_t value, uint64_t deadline_ns)
{
	struct timespec until = { (time_t)(deadline_ns / NS_PER_S), (long)(deadline_ns % NS_PER_S) };
	int saved = errno;
	bool in_time;

	in_time = syscall(SYS_futex, word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, value, deadline_ns ? &until : NULL, NULL,
			  FUTEX_BITSET_MATCH_ANY) == 0 || errno != ETIMEDOUT;
	errno = saved;
	return in_time;
}

void esc_wake(const uint32_t *word, int threads)
{
	int saved = errno;

	syscall(SYS_futex, word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, threads, NULL, NULL, 0);
	errno = saved;
}

uint64_t esc_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

void esc_bug(const char *text)
{
	struct iovec line[] = {
		{ program_invocation_short_name, strlen(program_invocation_short_name) },
		{ (char *)": ", 2 },
		{ (char *)(uintptr_t)text, strlen(text) },
		{ (char *)"\n", 1 },
	};

	(void)!writev(STDERR_FILENO, line, 4);
	abort();
}
