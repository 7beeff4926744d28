/* SPDX-License-Identifier: MIT */
#include "acts.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

int test_act_result(long value)
{
	return value < 0 ? errno : 0;
}

int test_act_open(void) { return test_act_result(open("file", O_RDONLY)); }
int test_act_unlink(void) { return test_act_result(unlink("file")); }
int test_act_rename(void) { return test_act_result(rename("file", "renamed")); }
int test_act_creat(void) { return test_act_result(open("new", O_WRONLY | O_CREAT, 0600)); }
int test_act_mkdir(void) { return test_act_result(mkdir("new", 0700)); }
int test_act_chdir(void) { return test_act_result(chdir("dir")); }
int test_act_fcntl(void) { return test_act_result(fcntl(STDIN_FILENO, F_SETFD, 0)); }
int test_act_kill(void) { return test_act_result(kill(getppid(), SIGURG)); }
