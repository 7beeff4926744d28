/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Which programs the present clients and subscriptions need, and their attaching. What isn't needed any more is detached
 * later by the loop, since the kernel then waits until no task is in a program (see reaper_ready() in bpf-sensor.c).
 */

#include "daemon/sensor/bpf.h"

/* What these types need, all objects' programs aside: those are struct esd_objects' own. */
struct esd_want esd_bpf_want(const struct esd_bpf *s, const uint64_t types[ES_TYPE_WORDS]);

/* Attaches what is needed now. */
int esd_bpf_attach(struct esd_bpf *s);

/* Detaches tracepoints' programs that aren't needed now. */
void esd_bpf_detach(struct esd_bpf *s);

/* Lets the loop clear dead slots and detach programs. */
void esd_bpf_reap_later(struct esd_bpf *s);

/* Call when the result of the hold's restarts() has changed. */
void esd_bpf_refresh(struct esd_bpf *s);
