/* SPDX-License-Identifier: MIT */
#pragma once

#include "daemon/sensor/sensor.h"

/* Finds out which sensor works here, and makes it. Logs each one that failed, and what it needs. */
int esd_sensor_new(struct esd_sensor **ret, const struct esd_sensor_config *config);
