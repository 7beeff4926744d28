/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The database of dpkg: which package has a file of a certain name, and the file's MD5 when the package was built. It
 * is as trustworthy as root: a process that can change it can change the file as well.
 *
 * All of it is read, as dpkg leaves it: the status, then the journal; the sums of each package; diversions. Names are
 * kept as hashes; a collision would matter only if the MD5 were the same too.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ESD_MD5 = 16 };

struct esd_dpkg;

struct esd_dpkg_package {
	char *name;
	char *architecture;
	char *version;
	bool settled;			/* dpkg isn't unpacking or removing it just now */
};

struct esd_dpkg_file {
	const struct esd_dpkg_package *package;
	uint8_t md5[ESD_MD5];
};

/* Of a system whose root directory is `root`. 0; -ENOENT: it has no dpkg; or another negative errno. */
int esd_dpkg_read(struct esd_dpkg **ret, const char *root);
void *esd_dpkg_free(struct esd_dpkg *dpkg);

/* Has the database changed since it was read? */
bool esd_dpkg_changed(const struct esd_dpkg *dpkg);

/* Is dpkg running just now? */
bool esd_dpkg_busy(const char *root);

/*
 * Returns the files of that absolute name one by one; start with *cursor = 0. False: no more. Names that differ only by
 * the merge of /usr count as the same.
 */
bool esd_dpkg_find(const struct esd_dpkg *dpkg, const char *path, size_t *cursor, struct esd_dpkg_file *ret);

size_t esd_dpkg_files(const struct esd_dpkg *dpkg);
size_t esd_dpkg_packages(const struct esd_dpkg *dpkg);
const struct esd_dpkg_package *esd_dpkg_package(const struct esd_dpkg *dpkg, size_t index);

/* For tests and the fuzzer: reads text. Ignores malformed parts. */
struct esd_dpkg *esd_dpkg_new(void);
int esd_dpkg_add_status(struct esd_dpkg *dpkg, const char *text, size_t length);
int esd_dpkg_add_diversions(struct esd_dpkg *dpkg, const char *text, size_t length);
int esd_dpkg_add_sums(struct esd_dpkg *dpkg, const char *package, const char *text, size_t length);
int esd_dpkg_finish(struct esd_dpkg *dpkg);

static inline void esd_dpkg_freep(struct esd_dpkg **dpkg)
{
	esd_dpkg_free(*dpkg);
}
