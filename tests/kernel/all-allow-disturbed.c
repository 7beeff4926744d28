/* SPDX-License-Identifier: MIT */

/*
 * The system calls of all-allow-calls.c and the commands of all-allow-commands.c give the same results when each is held
 * and allowed as when nobody looks, while the program is stopped and let go on at random, and blocks SIGCONT. What it tells
 * of its own stops is left out: each SIGCONT that comes stays pending, and takes away a SIGTSTP that is.
 */

#include "twice.h"

int main(void)
{
	twice_begin(300);
	twice_disturbed = true;
	twice_ignored = "^(pending|signalfd|caught)";
	twice((char *[]){ (char *)test_built("tests/harness/calls"), NULL });
	twice((char *[]){ (char *)"sh", (char *)"-c", (char *)twice_commands, NULL });
	return test_end();
}
