/* SPDX-License-Identifier: MIT */
#pragma once

#include "record.h"

/*
 * The context of the ES_CLIENT_FD_ASK program (BPF_PROG_RUN). The library's gate thread reads an event from the
 * fanotify group and runs the program, which finds the waiting task. It either puts an AUTH record with this auth_id
 * into the client's ring, or returns that the client need not be asked.
 */
struct es_ask {
	uint32_t slot;			/* in: of the client */
	uint32_t tid;			/* in: the waiting thread, from fanotify_event_metadata.pid */
	int32_t fd;			/* in: the event's descriptor, in the calling process */
	uint32_t mask;			/* in: the low bits of fanotify_event_metadata.mask */
	uint64_t auth_id;		/* in: for the record; not 0 */
	uint32_t script;		/* in: 1 if the file begins with "#!" */
	uint32_t verdict;		/* out: enum es_ask_verdict */
};

enum es_ask_verdict {
	ES_ASK_ALLOW = 0,		/* the client need not be asked: answer FAN_ALLOW at once */
	ES_ASK_ASKED = 1,		/* a record is in the ring: answer when the handler has */
	ES_ASK_LOST = 2,		/* the ring is full: the loss is counted; answer FAN_ALLOW */
	ES_ASK_DENIED = 3,		/* the second use, see below: noted */
	ES_ASK_DENY = 4,		/* like LOST, but the client's miss mode is to deny: answer FAN_DENY */
};

/*
 * With ES_ASK_NOTE_DENIED in mask the program only notes that the operation in which `tid` waits was denied. The NOTIFY
 * message that follows says so. Run it before writing the denial to the gate. The daemon may do so, too.
 */
#define ES_ASK_NOTE_DENIED 0x80000000u
