/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Where each argument and environment string of an exec begins. Made when the first one is asked for, by whichever
 * thread asks: most clients look at few execs' arguments, and those who do want any index at once. Lives with its
 * message.
 */

#include <stdint.h>

struct esl_exec_index {
	uint32_t args;
	uint32_t env;
	uint32_t starts[];		/* offsets in the record: args + 1, then env + 1; the last is the end */
};
