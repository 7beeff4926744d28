/* SPDX-License-Identifier: MIT */
#pragma once

/* The kernel programs that a daemon has loaded, as the kernel lists them: it cuts names to 15 characters. */

#include <stdbool.h>
#include <sys/types.h>

enum { LOADED_MAX = 256 };

struct loaded {
	unsigned int count;
	char name[LOADED_MAX][16];
};

struct loaded loaded_read(pid_t daemon);
bool loaded_has(const struct loaded *loaded, const char *name);
void loaded_print(const struct loaded *loaded);

/*
 * From now on daemons that the test starts can't load these programs, separated by commas. A preloaded library refuses
 * them in the kernel's place: refuse.c.
 */
void loaded_refuse(const char *names);
