/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Where each argument and environment string of an exec begins. The first thread that asks for one makes the index:
 * most clients look at the arguments of few execs, but then by any number. It lives as long as its message.
 */

#include <stdint.h>

struct esl_exec_index {
	uint32_t args;
	uint32_t env;
	uint32_t starts[];		/* offsets in the record: args + 1, then env + 1; the last is the end */
};
