/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The database of dpkg: which package has a file of a name, and what the file was when the package was built. It has MD5
 * only, and is as true as root is: who can change it can change the file as well.
 *
 * It is read whole, as dpkg leaves it: the status with the journal behind it, the sums of each package, diversions. Names
 * are kept as hashes; a name that hashes like another would have to have its MD5 as well.
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
	bool settled;			/* not being unpacked or removed just now */
};

struct esd_dpkg_file {
	const struct esd_dpkg_package *package;
	uint8_t md5[ESD_MD5];
};

/* Of a system whose root directory is `root`. 0; -ENOENT: it has no dpkg; or another negative errno. */
int esd_dpkg_read(struct esd_dpkg **ret, const char *root);
void *esd_dpkg_free(struct esd_dpkg *dpkg);

/* Has anything been changed since it was read? */
bool esd_dpkg_changed(const struct esd_dpkg *dpkg);

/* Is dpkg at work just now? */
bool esd_dpkg_busy(const char *root);

/*
 * The files of that absolute name, one after the other, beginning with *cursor = 0; false: there is no more. Names count
 * as the same that differ in what the merge of /usr moved.
 */
bool esd_dpkg_find(const struct esd_dpkg *dpkg, const char *path, size_t *cursor, struct esd_dpkg_file *ret);

size_t esd_dpkg_files(const struct esd_dpkg *dpkg);
size_t esd_dpkg_packages(const struct esd_dpkg *dpkg);
const struct esd_dpkg_package *esd_dpkg_package(const struct esd_dpkg *dpkg, size_t index);

/* For tests, and the fuzzer: from text; what is malformed is left out. */
struct esd_dpkg *esd_dpkg_new(void);
int esd_dpkg_add_status(struct esd_dpkg *dpkg, const char *text, size_t length);
int esd_dpkg_add_diversions(struct esd_dpkg *dpkg, const char *text, size_t length);
int esd_dpkg_add_sums(struct esd_dpkg *dpkg, const char *package, const char *text, size_t length);
int esd_dpkg_finish(struct esd_dpkg *dpkg);

static inline void esd_dpkg_freep(struct esd_dpkg **dpkg)
{
	esd_dpkg_free(*dpkg);
}
