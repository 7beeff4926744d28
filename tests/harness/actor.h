/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A process that executes a test's commands. Its program is a file on test_mnt, since the kernel keeps answers for an
 * executable. The program, actor.c, is static and opens nothing by itself.
 */

#include <stdint.h>
#include <sys/types.h>

enum act {
	ACT_NOTHING,
	ACT_OPEN,			/* number: flags */
	ACT_EXEC,
	ACT_LIST,			/* reads a directory once */
	ACT_CHMOD,			/* number: mode */
	ACT_MAP,
	ACT_TRUNCATE,			/* number: the file's present length */
	ACT_CHOWN,			/* number: owner */
	ACT_FLAGS,			/* chattr(1)'s: number */
	ACT_TIMES,			/* sets them to 1970 */
	ACT_GET_XATTR,			/* number: of the attribute, as in trusted.es-0 */
	ACT_LIST_XATTRS,
	ACT_CHDIR,			/* in a child; number not 0: by a descriptor */
	ACT_CHROOT,			/* in a child */
	ACT_MOUNT,			/* mounts a tmpfs, and unmounts it */
	ACT_HANDLE,			/* opens the file by its handle */
	ACT_CONNECT,
	ACT_TRACE,			/* number: the process's pid */
	ACT_BECOME,			/* executes the path, which must be another copy of this program */
	ACT_TIME,			/* number: how many opens; returns the time of one, in ns */
	ACT_RACE,			/* number: descriptor of a struct actor_race; returns when `stop` is set */
};

struct actor_command {
	uint32_t act;
	uint32_t number;
	char path[256];
};

/*
 * The file is good or bad; the client should deny opens while it is bad. `epoch` is odd while the file is bad and doesn't
 * change; it is even while it changes or is good. So an open that began and ended in the same odd epoch must have failed.
 */
struct actor_race {
	_Atomic uint64_t epoch;
	_Atomic uint64_t tries;
	_Atomic uint64_t allowed;
	_Atomic uint64_t denied;
	_Atomic uint64_t stale;		/* allowed although the file was bad */
	_Atomic uint64_t other;		/* failed with another error */
	_Atomic uint32_t stop;
};

#ifndef ACTOR_ITSELF

struct actor {
	pid_t pid;
	int fd;
};

/* Copies the program to test_mnt/NAME and runs it. It ends with the test. */
struct actor actor_start(const char *name);
struct actor actor_again(const char *name);	/* another process of a copy that exists */

void actor_stop(struct actor *actor);

/* Returns 0, or the errno. */
int actor_do(const struct actor *actor, enum act act, uint32_t number, const char *path);
void actor_begin(const struct actor *actor, enum act act, uint32_t number, const char *path);
int actor_end(const struct actor *actor);	/* waits for the act of actor_begin(): 0, or the errno */

#endif
