/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Who made a package: the Origin of an archive that has this very version of it in apt's lists, and whose Release file is
 * signed by a key that this system trusts. Debian's packages don't say so themselves.
 *
 * An archive is the system's own if it is signed by a key of the system's keyring: a file, unchanged, of the package
 * ID-archive-keyring or ID-keyring, ID being os-release's. An archive that isn't, and calls itself as one that is, vouches
 * for nothing.
 *
 * A version leaves the lists when there is a newer one. What was found once is kept for as long as it is installed: in
 * var/lib/endpointsecurity/vendors, which is as true as root is.
 */

#include <stdbool.h>

#include "daemon/identity/dpkg.h"

struct esd_vendors;

struct esd_vendor {
	const char *origin;
	bool system;
};

/*
 * Of a system whose root directory is `root`; `dpkg` is what is installed there. What `before` knew (or NULL) of what is
 * still installed is taken over.
 */
int esd_vendors_read(struct esd_vendors **ret, const char *root, const struct esd_dpkg *dpkg,
		     const struct esd_vendors *before);
void *esd_vendors_free(struct esd_vendors *vendors);
bool esd_vendors_changed(const struct esd_vendors *vendors);

/* Of this package of the `dpkg` that it was read with; false: nobody vouches for it. */
bool esd_vendors_find(const struct esd_vendors *vendors, const struct esd_dpkg_package *package, struct esd_vendor *ret);

static inline void esd_vendors_freep(struct esd_vendors **vendors)
{
	esd_vendors_free(*vendors);
}
