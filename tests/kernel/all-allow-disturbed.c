/* SPDX-License-Identifier: MIT */

/*
 * The system calls of all-allow-calls.c and the commands of all-allow-commands.c give the same results when a client
 * holds and allows each as without a client, while the test stops and continues the program at random, and the program
 * blocks SIGCONT. It ignores what the program prints of its own stops, since each SIGCONT stays pending and removes a
 * pending SIGTSTP.
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
