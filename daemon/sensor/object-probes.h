/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Tries whether the programs that report a type see its operation. The daemon does the operation once, in a private
 * tmpfs, and the programs count the events that they would have reported. Used by objects.c.
 */

#include <stddef.h>

#include "abi/sensor.h"

/* 0: they do; negative errno: they don't, or it can't be tried; `why` has the reason. */
int esd_object_probe(struct es_sensor_control *control, unsigned int type, char *why, size_t size);
