/* SPDX-License-Identifier: MIT */
#pragma once

/* What is in a file, by descriptor: read once, for both sums. And what fs-verity knows of it, for which nothing is read. */

#include <stdatomic.h>
#include <stdint.h>
#include <sys/stat.h>

#include "abi/identity.h"
#include "daemon/identity/dpkg.h"

enum { ESD_SHA256 = 32 };

struct esd_digests {
	uint8_t sha256[ESD_SHA256];
	uint8_t md5[ESD_MD5];
	uint64_t bytes;
};

/* -EFBIG: there is more than `limit`; -ECANCELED: *stop (it may be NULL) is true; or what read(2) failed with. */
int esd_digest_fd(int fd, uint64_t limit, const atomic_bool *stop, struct esd_digests *ret);

/* 0; -ENODATA: the file has none; or another negative errno. */
int esd_verity_fd(int fd, uint8_t digest[ES_IDENTITY_DIGEST], enum es_identity_kind *ret_kind);

/* Of what fstat(2) says. `dev` is the file system's, which isn't st_dev everywhere. */
struct es_file_version esd_version_of(const struct stat *st, uint64_t dev);
