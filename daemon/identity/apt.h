/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The vendor of a package: the Origin of an archive that has this very version of the package in apt's lists, and whose
 * Release file is signed by a key that this system trusts. Debian's packages themselves don't name a vendor.
 *
 * An archive is the system's own if it is signed by a key of the system's keyring: an unchanged file of the package
 * ID-archive-keyring or ID-keyring, with os-release's ID. Another archive that has the name of such a one is ignored.
 *
 * A version leaves the lists when there is a newer one. So the vendor, once found, is kept as long as the version is
 * installed, in var/lib/endpointsecurity/vendors. That file is as trustworthy as root.
 */

#include <stdbool.h>

#include "daemon/identity/dpkg.h"

struct esd_vendors;

struct esd_vendor {
	const char *origin;
	bool system;
};

/*
 * Finds the vendors on a system whose root directory is `root`; `dpkg` lists the installed packages. Takes over from
 * `before` (or NULL) the vendors of packages that are still installed.
 */
int esd_vendors_read(struct esd_vendors **ret, const char *root, const struct esd_dpkg *dpkg,
		     const struct esd_vendors *before);
void *esd_vendors_free(struct esd_vendors *vendors);
bool esd_vendors_changed(const struct esd_vendors *vendors);

/* The vendor of this package, which is one of the `dpkg` passed before. False: no trusted archive has it. */
bool esd_vendors_find(const struct esd_vendors *vendors, const struct esd_dpkg_package *package, struct esd_vendor *ret);

static inline void esd_vendors_freep(struct esd_vendors **vendors)
{
	esd_vendors_free(*vendors);
}
