/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Records that the daemon makes: who acted is taken from one that the kernel programs have made, and the rest is put behind
 * it. What doesn't fit is left out.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/sensor.h"

/* Who acted according to `seen`, a whole record; false: it isn't in order. `to` has ES_REPORT_BYTES bytes. */
bool esd_told_begin(struct es_record *to, uint32_t type, const struct es_record *seen);

void esd_told_string(struct es_record *to, unsigned int number, const char *text);

/* Strings with their NULs, one behind the other. */
void esd_told_values(struct es_record *to, const char *values, size_t bytes);

/* Who wanted which type to be told, as event_report() in bpf/select/event.bpf.h has put it in; NULL: it hasn't. */
const struct es_reported *esd_told_reported(const struct es_record *seen);

/* The path of a file of the record, for what is done at once; NULL: it has none, or another than the initial namespace's. */
const char *esd_told_path(const struct es_record *seen, unsigned int file);

/* A string of the record; NULL: none. */
const char *esd_told_text(const struct es_record *seen, unsigned int number);
