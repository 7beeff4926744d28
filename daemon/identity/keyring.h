/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The keys that a system trusts for archives of packages. Checks whether one of them has signed a cleartext, by gpgv,
 * as apt does.
 */

#include <stddef.h>

#include "daemon/identity/dpkg.h"

enum esd_signer {
	ESD_SIGNER_NONE,
	ESD_SIGNER_OTHER,		/* a key that is trusted here */
	ESD_SIGNER_SYSTEM,		/* a key of the system's own keyring: see apt.h */
};

struct esd_keyrings;

/* `id` is os-release's, from which the system keyring has its name; empty: there is none. */
int esd_keyrings_find(struct esd_keyrings **ret, const char *root, const char *id, const struct esd_dpkg *dpkg);
void *esd_keyrings_free(struct esd_keyrings *keyrings);

/* The signed text, for free(), and the signer. */
int esd_keyrings_check(const struct esd_keyrings *keyrings, const char *path, char **ret_text, size_t *ret_length,
		       enum esd_signer *ret_signer);

static inline void esd_keyrings_freep(struct esd_keyrings **keyrings)
{
	esd_keyrings_free(*keyrings);
}
