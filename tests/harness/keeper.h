/* SPDX-License-Identifier: MIT */
#pragma once

/* A client that gives set answers, and counts its questions. */

#include "actor.h"
#include "es-test.h"

struct keeper {
	struct test_client *client;
	uint32_t allowed;		/* the flags for opens; other types: allow if not 0 */
	bool cache;
	_Atomic unsigned int asked;
	unsigned int seen;
	void (*before)(void *context);	/* called by the handler before it answers; may be NULL */
	void *context;
};

#define KEEP_ALL UINT32_MAX

/*
 * Starts a daemon for the test's cgroup and all mounts: with a scope of mounts, the kernel keeps no answers of hooks that
 * get no mount. Skips the test if there are no cgroups.
 */
void keeper_daemon(void);

/* Answers with `allowed` and cache set. */
void keeper_start(struct keeper *keeper, uint32_t allowed);

/* How many questions came since the last call. */
unsigned int keeper_asked(struct keeper *keeper);

/* A number of `esctl cache`; fails the test if it has none of this name. */
unsigned long cache_number(const char *name);

/*
 * Makes a new object that an answer can be about: a file with attributes, a directory, a listening socket, a program, or a
 * process that runs a program (by the file `name` of its /proc).
 */
enum subject { SUBJECT_FILE, SUBJECT_DIRECTORY, SUBJECT_SOCKET, SUBJECT_PROGRAM, SUBJECT_PROCESS };

struct subject_made {
	char path[256];			/* the object that the test acts on */
	char file[256];			/* the file that the answer is kept for */
	int fd;				/* of the socket, or -1 */
	struct actor target;
	enum subject subject;
};

void subject_make(struct subject_made *ret, enum subject subject, const char *name);
void subject_end(struct subject_made *made);

/* Skips the test if the kernel keeps no answers here. */
void cache_require(struct keeper *keeper);
