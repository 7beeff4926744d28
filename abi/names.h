/* SPDX-License-Identifier: MIT */
#pragma once

/* What the daemon and look_names (bpf/record/names.bpf.h) share about the kernel's table of names. */

#include "record.h"

enum {
	ES_NAMES_CODE_BYTES = 512,
	ES_NAMES_CHECKED = 3,		/* of the daemon's own program: its name, and those of two directories above */
};

struct es_names {
	uint64_t table;			/* address of the array of chains; 0: not known */
	uint32_t shift;			/* of a hash, for the index in it */
	uint32_t usable;		/* the daemon has seen that names are found there */
	uint32_t known;			/* out: of those that were looked for, how many have names that are looked for in this table */
	uint32_t found;			/* out: and how many were there */
	uint32_t code_bytes;		/* out: of __d_lookup(), where the address isn't to be had otherwise */
	uint8_t code[ES_NAMES_CODE_BYTES];
};
