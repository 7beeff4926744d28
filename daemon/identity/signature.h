/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Signatures of the administrator's (abi/identity.h), and whose they are: public keys, a PEM file each, in a folder that
 * belongs to root.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/identity.h"

#define ESD_KEYS_FOLDER "/etc/endpointsecurity/keys.d"

struct esd_keys;

/* A key that can't be read, or that others than root could have written, is left out, and the log says so. */
int esd_keys_read(struct esd_keys **ret, const char *folder);
void *esd_keys_free(struct esd_keys *keys);
bool esd_keys_changed(const struct esd_keys *keys);
unsigned int esd_keys_count(const struct esd_keys *keys);

/*
 * The attribute's text, over what *identity has for a digest. True: it is in order, and signing_id and team_id are there
 * now.
 */
bool esd_keys_check(const struct esd_keys *keys, const char *text, size_t length, struct es_identity *identity);

static inline void esd_keys_freep(struct esd_keys **keys)
{
	esd_keys_free(*keys);
}
