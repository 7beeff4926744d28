/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The sensor as the daemon sees it (sensor.h), made of the parts that bpf.h lists.
 */

#include "daemon/sensor/bpf.h"

/* On failure `s` has been freed. `reason` is shown to people: why this sensor and no better one. */
int esd_bpf_init(struct esd_bpf *s, const struct esd_hold *hold, const struct esd_sensor_config *config,
		 const struct btf *btf, const char *reason);
