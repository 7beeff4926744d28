/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Operations that can be held, for tests that try several. They act in the current directory, which must have "file" and
 * the folder "dir", and no "new". Each returns 0 or its errno.
 */

/* Converts the result of a system call, or of a C library function that sets errno, to 0 or the errno. */
int test_act_result(long value);

int test_act_open(void);		/* "file", to read */
int test_act_unlink(void);		/* "file" */
int test_act_rename(void);		/* "file" to "renamed" */
int test_act_creat(void);		/* "new" */
int test_act_mkdir(void);		/* "new" */
int test_act_chdir(void);		/* to "dir" */
int test_act_fcntl(void);		/* flags of standard input */
int test_act_kill(void);		/* SIGURG, which is ignored, to the parent */
