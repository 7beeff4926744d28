/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The gate of the lsm sensor: the server's side of a FUSE connection with one file. A task waits by reading an
 * extended attribute of that file. Before that, the kernel program has claimed an entry of held[] and put the AUTH
 * record into the ring. Then the task's GETXATTR request arrives here, and the task sleeps until there is a reply.
 *
 * The answer is the verdict in the entry. A reply only wakes the task, which then reads the verdict. So an answer may
 * come before the request, which is then replied to at once; and a reply without an answer means "not yet". A task
 * that holds a lock (ES_HELD_SLICED) gets such a reply after ES_GATE_SLICE_NS; it lets go of the lock and comes back.
 *
 * The kernel program frees the entry when it has used the verdict, or when its task is killed.
 */

#include "gate.h"

int esl_fuse_gate_new(const struct esl_gate_source *source, struct esl_gate **ret_gate);
