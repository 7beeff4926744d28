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

/* For what this machine, or this user, can't do. */
#define SKIP(why)                                                                                    \
	do {                                                                                         \
		fprintf(stderr, "skipped: %s\n", why);                                               \
		exit(77);                                                                            \
	} while (0)
