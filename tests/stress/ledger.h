/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What really happened: each worker notes each of its operations here, in memory that the stress program shares with
 * it. An operation has a name that nothing else has: before it opens or executes a file, the worker renames it to the
 * operation's number. So a message's path says which operation it is about.
 */

#include <stdint.h>

enum {
	WORKERS = 3,
	OPS_MAX = 1 << 21,		/* of one worker; untouched pages cost nothing */
};

enum op_kind {
	OP_OPEN,			/* rename in wN, open */
	OP_EXEC,			/* rename in xN, execute */
};

struct op {
	uint64_t begin_ns;		/* CLOCK_MONOTONIC; 0: not begun */
	uint64_t end_ns;		/* 0: not ended */
	uint8_t kind;			/* enum op_kind */
	uint8_t error;			/* errno of the open or exec */
	uint8_t denies;			/* answers that the library took; the stress program's part */
	uint8_t unsure;			/* the denial came while its subscription was being made */
	uint32_t allows;
};

struct ledger {
	uint32_t stop;
	uint32_t pause_us;		/* the longest pause between two operations */
	uint32_t count[WORKERS];	/* operations that have begun */
	struct op ops[WORKERS][OPS_MAX];
};
