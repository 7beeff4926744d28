/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * One process of tests/attacks/random-attacker.c. Its threads do random operations in the current directory, and note in
 * shared memory which they have seen done. It runs until it is killed.
 */

#include "es-test.h"

enum {
	ATTACKER_USER = 4714,
	NEW_MAX = 1 << 20,
	PROTECTED_MAX = 16,
	SHARED_NAMES = 8,
	ATTACKERS = 6,
	ATTACKER_THREADS = 24,
	NAME_MAX_BYTES = 16,
};

struct attacked {
	unsigned int seed, caching;
	uint64_t protected[PROTECTED_MAX];	/* inodes that no operation may reach */
	bool readable[PROTECTED_MAX];		/* except for reading */
	pid_t victim;				/* the process that must get no signal */
	unsigned int victim_signals;
	pid_t attacker[ATTACKERS];
	pid_t thread[ATTACKER_THREADS];
	char name[SHARED_NAMES][NAME_MAX_BYTES];	/* each changes while calls use it */
	uint64_t tried, left, refused;
	uint64_t done[ES_EVENT_TYPE_LAST];	/* operations that threads have seen done */
	uint64_t asked[ES_EVENT_TYPE_LAST];
	unsigned int next_new;			/* "new-NUMBER" is the next unused name */
	unsigned int broken;			/* operations that were done although denied or not asked about; each is printed */
	unsigned char asked_new[NEW_MAX];	/* was the client asked about "new-NUMBER"? */
};

extern struct attacked *attacked;

extern const char *const attacker_files[4];	/* with which the client allows all operations */

unsigned int attacker_random(unsigned int *state);
_Noreturn void attacker_run(unsigned int seed);
