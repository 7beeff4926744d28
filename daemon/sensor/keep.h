/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What a daemon leaves to the next one of a sensor with kernel programs (bpf.c): descriptors of maps, programs and links,
 * which live as long as anybody has one; what was found out about programs; and the slots. The next daemon has the same
 * programs (esd_keep_stamp()), and puts no other in their place: nothing that runs in the kernel notices.
 *
 * Not kept: what a client's death or a change of subscriptions would need next, and can be found out anew.
 *
 * Used by bpf.c, and by lsm.c for what is its own.
 */

#include <stddef.h>
#include <stdint.h>

#include "util/archive.h"

struct bpf_object;

enum { ESD_KEEP_STAMP = 32 };

/* Daemons with the same stamp can go on where the other has ended. */
void esd_keep_stamp(uint8_t ret[ESD_KEEP_STAMP]);

/* Of the object's maps. A reader calls it between opening the object and loading it. */
int esd_keep_maps(struct bpf_object *object, struct archive *archive);

/* Links, -1 for none. */
void esd_keep_links(struct archive *archive, int *links, size_t count);
