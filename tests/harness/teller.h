/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Programs that tell the kernel's auditing of users. A test that has some calls test_teller() first: copies of the test
 * itself, with names as sshd, login, su and sudo have, then say what they are passed, and end there.
 */

#include <stddef.h>
#include <stdint.h>

void test_teller(int argc, char **argv);

/* A socket to auditing, or -1: this kernel has none. */
int test_audit(void);

/* 0: the kernel takes the message; else its errno. `claimed`: bytes that it says it has beyond its text, and hasn't. */
int test_tell(int fd, int number, const void *text, size_t bytes, uint32_t claimed);

/* A copy of the test, below test_mnt. */
const char *test_teller_at(const char *path);

/* In a child: becomes that program, which says these numbers and texts (NULL ends them), and ends with 1 if one is refused. */
int test_teller_exec(const char *program, const char *const *words);
