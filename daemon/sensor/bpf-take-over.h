/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The sensor's state that a daemon leaves to the next one (keep.h), and how that one goes on.
 */

#include "daemon/sensor/bpf.h"
#include "util/archive.h"

/* Member of the sensor's struct esd_sensor_ops: writes everything. */
void esd_bpf_keep(struct esd_sensor *sensor, struct archive *archive);

/* Reads, or writes, what isn't needed to load the programs. */
void esd_bpf_keep_rest(struct esd_bpf *s, struct archive *archive);

/* Call when all is read. Does what the daemon before may have left half done. */
int esd_bpf_go_on(struct esd_bpf *s);
