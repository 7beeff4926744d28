/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The part of a sensor with kernel programs (bpf.h) that a daemon leaves to the next one: descriptors of maps, programs and
 * links, which live as long as a process has one; what it has found out about programs; and the slots. The next daemon has
 * the same programs (esd_keep_stamp()) and replaces none, so they go on running.
 *
 * Not kept: state that the next change of subscriptions or death of a client can find out anew.
 *
 * Used by bpf-load.c and bpf-take-over.c, and by lsm.c for its own part.
 */

#include <stddef.h>
#include <stdint.h>

#include "util/archive.h"

struct bpf_object;

enum { ESD_KEEP_STAMP = 32 };

/* A daemon can take over from one with the same stamp. */
void esd_keep_stamp(uint8_t ret[ESD_KEEP_STAMP]);

/* Writes or reads the object's maps. To read, call it between opening the object and loading it. */
int esd_keep_maps(struct bpf_object *object, struct archive *archive);

/* Writes or reads links; -1: none. */
void esd_keep_links(struct archive *archive, int *links, size_t count);
