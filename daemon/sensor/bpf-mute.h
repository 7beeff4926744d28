/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Writes mutes (mute.h) where the kernel programs match them against events: bpf/select/mute.bpf.h.
 */

#include "daemon/sensor/bpf.h"
#include "daemon/sensor/mute.h"

/* These two are members of the sensor's struct esd_sensor_ops. */
int esd_bpf_mute(struct esd_sensor *sensor, unsigned int slot, const struct esd_mute *mute,
		 const uint64_t types[ES_TYPE_WORDS], const uint64_t defaults[ES_TYPE_WORDS]);
void esd_bpf_mute_summary(struct esd_sensor *sensor, unsigned int slot, const struct esd_mute_summary *summary);

/* Writes the default set's paths, by which kernel programs find what init has started: bpf/select/trust.bpf.h. */
int esd_bpf_mute_defaults(struct esd_bpf *s);
