/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Do the programs that tell a type see what is done, once? The daemon does it, in a tmpfs that nobody else sees, and the
 * programs count what they would have told. Used by objects.c.
 */

#include <stddef.h>

#include "abi/sensor.h"

/* 0: they do; negative errno: they don't, or it can't be tried: `why`. */
int esd_object_probe(struct es_sensor_control *control, unsigned int type, char *why, size_t size);
