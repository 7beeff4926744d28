/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The gate of the lsm sensor: the server's side of a FUSE connection, whose one file the waiting tasks read an extended
 * attribute of. Before that the kernel program has claimed an entry of held[] and put the AUTH record into the ring; then
 * its task comes here with a GETXATTR request, and sleeps until there is a reply.
 *
 * The answer itself is the verdict in the entry. A reply only wakes the task, to look at it: so an answer may come
 * before the request does (which is then replied to at once), and a reply without an answer means "not yet". That is
 * given to those who hold a lock meanwhile (ES_HELD_SLICED), after ES_GATE_SLICE_NS; they let go of it and come back.
 *
 * The kernel program frees the entry when it has used the verdict, or when its task is killed.
 */

#include "gate.h"

int esl_fuse_gate_new(const struct esl_gate_source *source, struct esl_gate **ret_gate);
