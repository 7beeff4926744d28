/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A process that does what it is told, and whose program is a file on test_mnt: what is kept of answers is kept for an
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
	ACT_TRUNCATE,			/* to the length it has: number */
	ACT_CHOWN,			/* number: owner */
	ACT_FLAGS,			/* chattr(1)'s: number */
	ACT_TIMES,			/* sets them to 1970 */
	ACT_GET_XATTR,			/* trusted.es-0, or whatever number */
	ACT_LIST_XATTRS,
	ACT_CHDIR,			/* in a child; number: by a descriptor */
	ACT_CHROOT,			/* in a child */
	ACT_MOUNT,			/* a tmpfs, and away with it */
	ACT_HANDLE,			/* opens the file by its handle */
	ACT_CONNECT,
	ACT_TRACE,			/* number: of a process */
	ACT_BECOME,			/* executes the program, which has to be another copy of this one */
	ACT_TIME,			/* number: of opens; returns what one took, in ns */
	ACT_RACE,			/* number: descriptor of a struct actor_race; returns when told to stop */
};

struct actor_command {
	uint32_t act;
	uint32_t number;
	char path[256];
};

/*
 * The file is good or bad, and should be denied while it is bad. `epoch` is odd while it is bad, and nothing changes;
 * even while it is being changed, or good. So an open that began and ended in the same odd epoch must have failed.
 */
struct actor_race {
	_Atomic uint64_t epoch;
	_Atomic uint64_t tries;
	_Atomic uint64_t allowed;
	_Atomic uint64_t denied;
	_Atomic uint64_t stale;		/* allowed all the same */
	_Atomic uint64_t other;		/* failed with another error */
	_Atomic uint32_t stop;
};

#ifndef ACTOR_ITSELF

struct actor {
	pid_t pid;
	int fd;
};

/* A copy of the program at test_mnt/NAME, which runs on return. It ends with the test. */
struct actor actor_start(const char *name);
struct actor actor_again(const char *name);	/* another process of a program that was started before */

void actor_stop(struct actor *actor);

/* Returns 0, or the errno. */
int actor_do(const struct actor *actor, enum act act, uint32_t number, const char *path);
void actor_begin(const struct actor *actor, enum act act, uint32_t number, const char *path);
int actor_end(const struct actor *actor);	/* of what actor_begin() began */

#endif
