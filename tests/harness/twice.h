/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Runs a command twice: bare, and while a client that allows all holds every AUTH event that can be held here. Checks that
 * exit status, output and the files in its directory are the same.
 */

#include "es-test.h"

void twice_begin(unsigned int seconds);		/* skips the test where only exec and open can be held */
void twice(char *const argv[]);			/* in an empty directory; the test's time limit applies */

/* Blocks SIGCONT in the command, and stops and continues it at random. Set before twice(). */
extern bool twice_disturbed;

extern const char *twice_ignored;		/* a pattern of grep -E for lines that may differ; by default no line with text */

extern const char twice_commands[];		/* many of coreutils and util-linux, for sh -c */

/* Called before the second run. */
extern void (*twice_between)(const char *argument);
extern const char *twice_between_argument;
