/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Opens the object with the kernel programs, sets what they know from the start, and loads those that every daemon needs.
 * A sensor that goes on gets the maps and programs of the daemon before.
 */

#include "daemon/sensor/bpf.h"

int esd_bpf_load(struct esd_bpf *s, const struct esd_scope *scope, const struct btf *btf);

/*
 * Records the processes that are older than the programs. Then marks those that init has started, from parent to child:
 * this takes more passes if a child has a lower number than its parent.
 */
int esd_bpf_fill_tasks(struct esd_bpf *s);
