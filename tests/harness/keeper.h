/* SPDX-License-Identifier: MIT */
#pragma once

/* A client that answers as it is told, and counts what it was asked. */

#include "actor.h"
#include "es-test.h"

struct keeper {
	struct test_client *client;
	uint32_t allowed;		/* flags; for others: allowed if not 0 */
	bool cache;
	_Atomic unsigned int asked;
	unsigned int seen;
	void (*before)(void *context);	/* called by the handler before it answers; may be NULL */
	void *context;
};

#define KEEP_ALL UINT32_MAX

/*
 * A daemon that looks at the test's cgroup, whatever the mount: of what is limited to mounts, nothing is kept where a
 * hook gets none. Ends the test, skipped, where there are no cgroups.
 */
void keeper_daemon(void);

/* Answers with `allowed` and cache set. */
void keeper_start(struct keeper *keeper, uint32_t allowed);

/* How many questions since the last time. */
unsigned int keeper_asked(struct keeper *keeper);

/* A number that `esctl cache` has; ends the test if there is no such thing. */
unsigned long cache_number(const char *name);

/*
 * What an answer can be about, each anew: a file with attributes, a directory, a socket that listens, a program, or a
 * process that runs one (by a file of its /proc, `name`).
 */
enum subject { SUBJECT_FILE, SUBJECT_DIRECTORY, SUBJECT_SOCKET, SUBJECT_PROGRAM, SUBJECT_PROCESS };

struct subject_made {
	char path[256];			/* what is acted on */
	char file[256];			/* what it is kept for */
	int fd;				/* of the socket, or -1 */
	struct actor target;
	enum subject subject;
};

void subject_make(struct subject_made *ret, enum subject subject, const char *name);
void subject_end(struct subject_made *made);

/* Ends the test, skipped, where no answers are kept. */
void cache_require(struct keeper *keeper);
