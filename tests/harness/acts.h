/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Operations that can be held, in the current directory, where "file" and the folder "dir" are there and "new" is not. Each
 * gives 0, or the errno it ended with. For tests that try a row of them.
 */

/* What a system call returned, or a function of the C library that sets errno. */
int test_act_result(long value);

int test_act_open(void);		/* "file", to read */
int test_act_unlink(void);		/* "file" */
int test_act_rename(void);		/* "file" to "renamed" */
int test_act_creat(void);		/* "new" */
int test_act_mkdir(void);		/* "new" */
int test_act_chdir(void);		/* to "dir" */
int test_act_fcntl(void);		/* flags of standard input */
int test_act_kill(void);		/* SIGURG, which is ignored, to the parent */
