/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "abi/sensor.h"

/* Subscriptions as the kernel programs read them. `types` is all that the client in `slot` is subscribed to. */
void esd_select_client(struct es_sensor_control *control, unsigned int slot, const uint64_t types[ES_TYPE_WORDS]);

bool esd_select_any_type(const struct es_sensor_control *control, unsigned int type);

/* The types that any client is subscribed to. */
void esd_select_types(const struct es_sensor_control *control, uint64_t ret[ES_TYPE_WORDS]);

/* A bit for each kind of system call (1 << ES_KIND_x) that these types need. `lsm`: as in the control struct. */
uint64_t esd_select_kinds(const uint64_t types[ES_TYPE_WORDS], bool lsm);
