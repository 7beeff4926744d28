/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A command is run twice: bare, and with every AUTH event held that can be held here, by a client that allows all. Exit
 * status, output, and the files that it leaves in its directory have to be the same.
 */

#include "es-test.h"

void twice_begin(unsigned int seconds);		/* skips the test where only exec and open can be held */
void twice(char *const argv[]);			/* its directory is empty; the time limit is the test's */

/* With SIGCONT blocked, and stopped and let go on at random. Set before twice(). */
extern bool twice_disturbed;

extern const char *twice_ignored;		/* lines that may differ, as grep -E has it: by itself none that says anything */

extern const char twice_commands[];		/* many of coreutils and util-linux, for sh -c */

/* Called before the second run. */
extern void (*twice_between)(const char *argument);
extern const char *twice_between_argument;
