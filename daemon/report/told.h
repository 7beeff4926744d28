/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Records that the daemon makes. The acting process is copied from a record of the kernel programs, and the rest is
 * appended. What doesn't fit is left out.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/sensor.h"

/* Copies the acting process from `seen`, a whole record; false: it is malformed. `to` has ES_REPORT_BYTES bytes. */
bool esd_told_begin(struct es_record *to, uint32_t type, const struct es_record *seen);

void esd_told_string(struct es_record *to, unsigned int number, const char *text);

/* Strings with their NULs, one behind the other. */
void esd_told_values(struct es_record *to, const char *values, size_t bytes);

/* The slots that want each type, from event_report() in bpf/select/event.bpf.h; NULL: not in this record. */
const struct es_reported *esd_told_reported(const struct es_record *seen);

/* The path of a file of the record, valid as long as that; NULL: none, or it isn't of the initial namespace. */
const char *esd_told_path(const struct es_record *seen, unsigned int file);

/* A string of the record; NULL: none. */
const char *esd_told_text(const struct es_record *seen, unsigned int number);
