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
	uint32_t usable;		/* the daemon has checked that names are found there */
	uint32_t known;			/* out: how many of the checked names belong in this table */
	uint32_t found;			/* out: and how many of them were there */
	uint32_t code_bytes;		/* out: of __d_lookup(), for a daemon that has no other way to the address */
	uint8_t code[ES_NAMES_CODE_BYTES];
};
