/* SPDX-License-Identifier: MIT */
#pragma once

/* Where the kernel's table of names is: bpf/record/names.bpf.h. */

#include <stdbool.h>
#include <stddef.h>

#include "abi/names.h"
#include "daemon/sensor/programs.h"

/*
 * The address and the shift out of a function's code, on x86-64: the first number of 64 bits that is an address of the
 * kernel's, and the first shift to the right by a number. False: there are none.
 */
bool esd_names_scan(const uint8_t *code, size_t bytes, struct es_names *ret);

/*
 * Whether names can be looked for is then in names->usable; where not, directories are looked through. `names` is shared
 * with the programs.
 */
void esd_names_find(struct esd_program *look, struct es_names *names);
