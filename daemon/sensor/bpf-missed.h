/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Once a second, while there are clients: counts runs of programs that the kernel left out as lost events.
 */

#include "daemon/sensor/bpf.h"

int esd_bpf_missed_start(struct esd_bpf *s);

/* Starts or stops the check. */
void esd_bpf_missed_watch(struct esd_bpf *s, bool watch);
void esd_bpf_missed_deinit(struct esd_bpf *s);
