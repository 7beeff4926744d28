/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "abi/sensor.h"

/* Subscriptions as the kernel programs read them. `types` is all that the client in `slot` is subscribed to. */
void esd_select_client(struct es_sensor_control *control, unsigned int slot, const uint64_t types[ES_TYPE_WORDS]);

/* Is any kind of system call, or this event type, wanted by anyone? */
bool esd_select_any_kind(const struct es_sensor_control *control);
bool esd_select_any_type(const struct es_sensor_control *control, unsigned int type);
