/* SPDX-License-Identifier: MIT */
#pragma once

/* Finds the kernel's table of names: see bpf/record/names.bpf.h. */

#include <stdbool.h>
#include <stddef.h>

#include "abi/names.h"
#include "daemon/sensor/programs.h"

/*
 * Reads the table's address and shift from a function's code, on x86-64: the first 64-bit constant that is a kernel
 * address, and the first right shift by a constant. False: not found.
 */
bool esd_names_scan(const uint8_t *code, size_t bytes, struct es_names *ret);

/*
 * Sets names->usable if the programs can use the table. If not, they search directories instead. `names` is shared with
 * the programs.
 */
void esd_names_find(struct esd_program *look, struct es_names *names);
