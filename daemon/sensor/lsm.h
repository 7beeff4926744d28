/* SPDX-License-Identifier: MIT */
#pragma once

#include "daemon/sensor/bpf.h"

/* 0; a positive errno: this machine can't, and `why` says so; negative: it should have worked, and was logged. */
int esd_sensor_lsm_new(struct esd_sensor **ret, const struct esd_sensor_config *config, const struct btf *btf,
		       char *why, size_t why_size);

/* Goes on with what another daemon kept (config->kept). Negative: that can't be, and was logged. */
int esd_sensor_lsm_go_on(struct esd_sensor **ret, const struct esd_sensor_config *config, const struct btf *btf);
