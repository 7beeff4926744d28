/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdio.h>
#include <stdlib.h>

#define REQUIRE(condition)                                                                           \
	do {                                                                                         \
		if (!(condition)) {                                                                  \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);      \
			exit(1);                                                                     \
		}                                                                                    \
	} while (0)

/* A file of a tree that the test has made. */
static inline void file_write(const char *folder, const char *name, const char *text)
{
	char path[512];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "we");
	REQUIRE(file && fputs(text, file) >= 0 && fclose(file) == 0);
}

/* For what this machine, or this user, can't do. */
#define SKIP(why)                                                                                    \
	do {                                                                                         \
		fprintf(stderr, "skipped: %s\n", why);                                               \
		exit(77);                                                                            \
	} while (0)
