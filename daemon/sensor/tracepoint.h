/* SPDX-License-Identifier: MIT */
#pragma once

#include "daemon/sensor/bpf.h"

/* `reason` is shown to people: why there is no better sensor. A negative errno has been logged. */
int esd_sensor_tracepoint_new(struct esd_sensor **ret, const struct esd_sensor_config *config, const struct btf *btf,
			      const char *reason);
