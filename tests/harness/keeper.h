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

/* Answers with `allowed` and cache set. */
void keeper_start(struct keeper *keeper, uint32_t allowed);

/* How many questions since the last time. */
unsigned int keeper_asked(struct keeper *keeper);

/* A number that `esctl cache` has; ends the test if there is no such thing. */
unsigned long cache_number(const char *name);

/* Ends the test, skipped, where no answers are kept. */
void cache_require(struct keeper *keeper);
