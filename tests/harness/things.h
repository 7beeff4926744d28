/* SPDX-License-Identifier: MIT */
#pragma once

/* Counts what a process has and could leak. */

#include <stddef.h>
#include <sys/types.h>

struct things {
	size_t descriptors, threads, mounts, children;
};

struct things things_of(pid_t pid);
struct things things_settled(pid_t pid);	/* waits until the counts stay the same */

/* Fails the test if the counts aren't those of before within five seconds: the daemon frees a client's things late. */
void things_check(const char *whose, pid_t pid, const struct things *before);

size_t things_memory_kib(pid_t pid);
