/* SPDX-License-Identifier: MIT */
/*
 * darwin.h - what a program for macOS gets without its own #include
 *
 * There each system header includes many others, and programs use exit(),
 * strcmp(), open(), PATH_MAX, SIGINT, audit_token_to_pid() with no #include of
 * their own. Headers of this folder include this one to the same end.
 */
#ifndef __ES_COMPAT_DARWIN_H
#define __ES_COMPAT_DARWIN_H

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include <Availability.h>
#include <TargetConditionals.h>
#include <bsm/libbsm.h>
#include <kern/cs_blobs.h>
#include <mach/mach.h>
#include <os/base.h>
#include <sys/attr.h>

typedef time_t __darwin_time_t;

#endif /* __ES_COMPAT_DARWIN_H */
