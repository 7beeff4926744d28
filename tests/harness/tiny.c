/* SPDX-License-Identifier: MIT */

/* The smallest program that tests execute: static; exits with its first argument. */

#include <stdlib.h>

int main(int argc, char **argv)
{
	return argc > 1 ? atoi(argv[1]) : 0;
}
