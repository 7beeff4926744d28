/* SPDX-License-Identifier: MIT */
#pragma once

/* Which kernel programs a daemon has loaded, by the kernel's own word: their names are cut to 15 characters. */

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
 * From now on the kernel refuses these to daemons that the test starts, separated by commas: a library that is put
 * before the C library says so in the kernel's place.
 */
void loaded_refuse(const char *names);
