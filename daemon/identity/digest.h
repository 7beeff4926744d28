/* SPDX-License-Identifier: MIT */
#pragma once

/* Digests of an open file's content, both from reading it once; and its fs-verity digest, without reading. */

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

/* -EFBIG: the file is longer than `limit`; -ECANCELED: *stop (it may be NULL) is true; or the error of read(2). */
int esd_digest_fd(int fd, uint64_t limit, const atomic_bool *stop, struct esd_digests *ret);

/* 0; -ENODATA: the file has none; or another negative errno. */
int esd_verity_fd(int fd, uint8_t digest[ES_IDENTITY_DIGEST], enum es_identity_kind *ret_kind);

/* The version according to fstat(2). `dev` is the file system's number, which can differ from st_dev. */
struct es_file_version esd_version_of(const struct stat *st, uint64_t dev);
