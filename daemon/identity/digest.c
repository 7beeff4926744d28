/* SPDX-License-Identifier: MIT */
#include "daemon/identity/digest.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fsverity.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "util/macro.h"

enum { CHUNK = 256 * 1024 };

static void EVP_MD_CTX_freep(EVP_MD_CTX **context)
{
	EVP_MD_CTX_free(*context);
}

static int update(EVP_MD_CTX *sha256, EVP_MD_CTX *md5, int fd, uint64_t limit, const atomic_bool *stop,
		  uint64_t *ret_bytes)
{
	_cleanup_free_ char *chunk = malloc(CHUNK);
	ssize_t n;

	if (!chunk)
		return -ENOMEM;
	*ret_bytes = 0;
	while ((n = pread(fd, chunk, CHUNK, (off_t)*ret_bytes)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		*ret_bytes += (uint64_t)n;
		if (*ret_bytes > limit)
			return -EFBIG;
		if (stop && atomic_load_explicit(stop, memory_order_relaxed))
			return -ECANCELED;
		if (!EVP_DigestUpdate(sha256, chunk, (size_t)n) || !EVP_DigestUpdate(md5, chunk, (size_t)n))
			return -EIO;
	}
	return 0;
}

int esd_digest_fd(int fd, uint64_t limit, const atomic_bool *stop, struct esd_digests *ret)
{
	_cleanup_(EVP_MD_CTX_freep) EVP_MD_CTX *sha256 = EVP_MD_CTX_new();
	_cleanup_(EVP_MD_CTX_freep) EVP_MD_CTX *md5 = EVP_MD_CTX_new();
	int r;

	if (!sha256 || !md5)
		return -ENOMEM;
	if (!EVP_DigestInit_ex(sha256, EVP_sha256(), NULL) || !EVP_DigestInit_ex(md5, EVP_md5(), NULL))
		return -EOPNOTSUPP;
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	r = update(sha256, md5, fd, limit, stop, &ret->bytes);
	if (r < 0)
		return r;
	return EVP_DigestFinal_ex(sha256, ret->sha256, NULL) && EVP_DigestFinal_ex(md5, ret->md5, NULL) ? 0 : -EIO;
}

int esd_verity_fd(int fd, uint8_t digest[ES_IDENTITY_DIGEST], enum es_identity_kind *ret_kind)
{
	union {
		struct fsverity_digest head;
		char room[sizeof(struct fsverity_digest) + ES_IDENTITY_DIGEST];
	} answer = { .head.digest_size = ES_IDENTITY_DIGEST };

	if (ioctl(fd, FS_IOC_MEASURE_VERITY, &answer.head) < 0)
		return errno == ENOTTY || errno == EOPNOTSUPP ? -ENODATA : -errno;
	switch (answer.head.digest_algorithm) {
	case FS_VERITY_HASH_ALG_SHA256:
		*ret_kind = ES_DIGEST_VERITY_SHA256;
		break;
	case FS_VERITY_HASH_ALG_SHA512:
		*ret_kind = ES_DIGEST_VERITY_SHA512;
		break;
	default:
		return -ENODATA;
	}
	memcpy(digest, answer.room + sizeof(answer.head), answer.head.digest_size);
	return 0;
}

static int64_t nanoseconds(struct timespec time)
{
	return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

struct es_file_version esd_version_of(const struct stat *st, uint64_t dev)
{
	return (struct es_file_version){
		.dev = dev,
		.ino = st->st_ino,
		.size = st->st_size,
		.mtime_ns = nanoseconds(st->st_mtim),
		.ctime_ns = nanoseconds(st->st_ctim),
	};
}
