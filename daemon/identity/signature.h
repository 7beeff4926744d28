/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The administrator's signatures (abi/identity.h), and their signers: public keys, a PEM file each, in a folder that
 * belongs to root.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/identity.h"

#define ESD_KEYS_FOLDER "/etc/endpointsecurity/keys.d"

struct esd_keys;

/* Logs and ignores a key that can't be read, or that others than root could have written. */
int esd_keys_read(struct esd_keys **ret, const char *folder);
void *esd_keys_free(struct esd_keys *keys);
bool esd_keys_changed(const struct esd_keys *keys);
unsigned int esd_keys_count(const struct esd_keys *keys);

/*
 * Checks the attribute's text against the digest in *identity. True: the signature is valid, and signing_id and team_id
 * are set.
 */
bool esd_keys_check(const struct esd_keys *keys, const char *text, size_t length, struct es_identity *identity);

static inline void esd_keys_freep(struct esd_keys **keys)
{
	esd_keys_free(*keys);
}
