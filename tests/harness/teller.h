/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Programs that report users to the kernel's auditing. They are copies of the test itself, named sshd, login, su or sudo.
 * Such a test calls test_teller() first: in a copy, that reports what the arguments say, and ends the process.
 */

#include <stddef.h>
#include <stdint.h>

void test_teller(int argc, char **argv);

/* A socket to auditing, or -1: this kernel has none. */
int test_audit(void);

/* Sends a message: 0, or the kernel's errno. `claimed`: how many bytes more than its text the message claims to have. */
int test_tell(int fd, int number, const void *text, size_t bytes, uint32_t claimed);

/* A copy of the test, below test_mnt. */
const char *test_teller_at(const char *path);

/* In a child: executes the program, which sends these numbers and texts, up to NULL. It exits with 1 if one is refused. */
int test_teller_exec(const char *program, const char *const *words);
