/* SPDX-License-Identifier: MIT */
#pragma once

/* What the daemon and the kernel programs share about the gates of bpf/hold/follow.bpf.h. */

#include "record.h"

enum {
	ES_FOLLOW_HOOKS_MAX = 64,
	ES_FOLLOW_NAME_BYTES = 16,
};

/* control.gates, a word for each type: may a task sleep at its hooks, and how often was the gate shut? */
enum {
	ES_GATE_OPEN = 1,
	ES_GATE_STEP = 2,
	ES_GATES = 256,			/* a power of two, above ES_EVENT_TYPES */
};

enum es_follow_state {
	ES_FOLLOW_UNKNOWN,		/* the kernel is changing the hook's programs; or it was no link of ours */
	ES_FOLLOW_NOTHING,
	ES_FOLLOW_SOMETHING,
};

/* The context of follow_look (BPF_PROG_RUN). */
struct es_follow {
	int32_t link_fd;		/* in: of the program that may be followed */
	uint32_t state;			/* out: enum es_follow_state */
	uint32_t id;			/* and of the program that follows; 0: it has none */
	char name[ES_FOLLOW_NAME_BYTES];
};

struct es_follow_types {
	uint64_t word[ES_TYPE_WORDS];
};
