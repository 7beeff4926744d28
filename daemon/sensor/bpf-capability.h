/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What this machine can do with each event type, as far as has been tried: refusals that the kernel has made known so far,
 * and what it is known to lack.
 */

#include "daemon/sensor/bpf.h"

/* Does this kernel's auditing take programs' messages about users? */
bool esd_bpf_told_of_users(void);

/* Finds out the capabilities of these types. */
void esd_bpf_capabilities(struct esd_bpf *s, const uint64_t types[ES_TYPE_WORDS]);
