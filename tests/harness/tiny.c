/* SPDX-License-Identifier: MIT */

/* The least program that tests can execute: static, and exits with its first argument. */

#include <stdlib.h>

int main(int argc, char **argv)
{
	return argc > 1 ? atoi(argv[1]) : 0;
}
