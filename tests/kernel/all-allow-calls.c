/* SPDX-License-Identifier: MIT */

/*
 * More than a thousand system calls (tests/harness/calls.c), right and wrong ones, give the same results and leave the
 * same files when a client holds and allows each as without a client.
 */

#include "twice.h"

int main(void)
{
	twice_begin(240);
	twice((char *[]){ (char *)test_built("tests/harness/calls"), NULL });
	return test_end();
}
