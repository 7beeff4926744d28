/* SPDX-License-Identifier: MIT */
#pragma once

/* What a process has that it could leave behind. */

#include <stddef.h>
#include <sys/types.h>

struct things {
	size_t descriptors, threads, mounts, children;
};

struct things things_of(pid_t pid);
struct things things_settled(pid_t pid);	/* when nothing comes or goes any more */

/* Fails the test if it isn't again as it was, within five seconds: the daemon takes a client's away in its own time. */
void things_check(const char *whose, pid_t pid, const struct things *before);

size_t things_memory_kib(pid_t pid);
