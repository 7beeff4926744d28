/* SPDX-License-Identifier: MIT */

/*
 * esctl sign: gives a file the administrator's signature, over its fs-verity digest. Enables fs-verity if the file
 * doesn't have it; after that, the file can't be written any more. Needs no daemon.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/fsverity.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <sysexits.h>

#include "abi/identity.h"
#include "tools/esctl/esctl.h"
#include "util/log.h"
#include "util/macro.h"

struct sign_options sign_options;

enum { BLOCK_BYTES = 4096 };

struct digest {
	const char *kind;
	char hex[2 * ES_IDENTITY_DIGEST + 1];
};

static int measure(int fd, struct digest *ret)
{
	union {
		struct fsverity_digest head;
		unsigned char room[sizeof(struct fsverity_digest) + ES_IDENTITY_DIGEST];
	} answer = { .head.digest_size = ES_IDENTITY_DIGEST };

	if (ioctl(fd, FS_IOC_MEASURE_VERITY, &answer.head) < 0)
		return -errno;
	ret->kind = answer.head.digest_algorithm == FS_VERITY_HASH_ALG_SHA512 ? "sha512" : "sha256";
	for (unsigned int i = 0; i < answer.head.digest_size; i++)
		sprintf(ret->hex + 2 * i, "%02x", answer.room[sizeof(answer.head) + i]);
	return 0;
}

static int seal(int fd, struct digest *ret)
{
	struct fsverity_enable_arg enable = {
		.version = 1, .hash_algorithm = FS_VERITY_HASH_ALG_SHA256, .block_size = BLOCK_BYTES,
	};
	int r = measure(fd, ret);
	struct stat st;

	if (r != -ENODATA)
		return r;
	/* A block of fs-verity can't be larger than the file system's. */
	if (fstat(fd, &st) == 0 && st.st_blksize < BLOCK_BYTES)
		enable.block_size = (uint32_t)st.st_blksize;
	return ioctl(fd, FS_IOC_ENABLE_VERITY, &enable) < 0 ? -errno : measure(fd, ret);
}

static const char *why_not_sealed(int error)
{
	switch (error) {
	case -ENOTTY:
	case -EOPNOTSUPP:
		return "this file system, or this kernel, has no fs-verity (ext4: tune2fs -O verity)";
	case -ETXTBSY:
		return "somebody has it open for writing";
	default:
		return strerror(-error);
	}
}

static EVP_PKEY *read_key(const char *path)
{
	FILE *file = fopen(path, "re");
	EVP_PKEY *key = file ? PEM_read_PrivateKey(file, NULL, NULL, NULL) : NULL;

	if (file)
		fclose(file);
	if (!key)
		log_error("%s: not a private key (PEM) that can be read", path);
	return key;
}

/* "ID\nHEX\n" into `text`; 0 if it doesn't fit. */
static size_t make(EVP_PKEY *key, const struct digest *digest, const char *id, char text[ES_SIGNATURE_BYTES])
{
	unsigned char bytes[ES_SIGNATURE_BYTES / 2];
	size_t length = sizeof(bytes);
	char said[512];
	int said_length = snprintf(said, sizeof(said), ES_SIGNATURE_STATEMENT, digest->kind, digest->hex, id), n;
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool done = context && said_length < (int)sizeof(said) &&
		    EVP_DigestSignInit(context, NULL, NULL, NULL, key) == 1 &&
		    EVP_DigestSign(context, bytes, &length, (unsigned char *)said, (size_t)said_length) == 1;

	EVP_MD_CTX_free(context);
	if (!done || strlen(id) + 2 * length + 3 > ES_SIGNATURE_BYTES)
		return 0;
	n = sprintf(text, "%s\n", id);
	for (size_t i = 0; i < length; i++)
		n += sprintf(text + n, "%02x", bytes[i]);
	n += sprintf(text + n, "\n");
	return (size_t)n;
}

static void print_team(EVP_PKEY *key)
{
	unsigned char *der = NULL, sum[SHA256_DIGEST_LENGTH];
	int length = i2d_PUBKEY(key, &der);

	if (length <= 0)
		return;
	SHA256(der, (size_t)length, sum);
	OPENSSL_free(der);
	for (unsigned int i = 0; i < ES_SIGNATURE_TEAM / 2; i++)
		printf("%02X", sum[i]);
}

static int sign(EVP_PKEY *key, int fd, const char *path, const char *id)
{
	char text[ES_SIGNATURE_BYTES];
	struct digest digest;
	size_t length;
	int r = seal(fd, &digest);

	if (r < 0) {
		log_error("%s: %s", path, why_not_sealed(r));
		return EX_UNAVAILABLE;
	}
	length = make(key, &digest, id, text);
	if (!length) {
		log_error("can't sign with this key");
		return EX_SOFTWARE;
	}
	if (fsetxattr(fd, ES_SIGNATURE_ATTRIBUTE, text, length, 0) < 0) {
		log_error("%s: can't set its attribute %s: %s", path, ES_SIGNATURE_ATTRIBUTE, strerror(errno));
		return EX_IOERR;
	}
	printf("%s: signing_id %s, team_id ", path, id);
	print_team(key);
	putchar('\n');
	return EX_OK;
}

static bool is_id(const char *id)
{
	size_t length = strlen(id);

	for (const char *at = id; *at; at++)
		if ((unsigned char)*at < ' ' || *at == 127)
			return false;
	return length && length < sizeof(((struct es_identity *)NULL)->signing_id);
}

int command_sign(__attribute__((unused)) bool as_json, const char *path)
{
	const char *slash = strrchr(path, '/'), *id = sign_options.id ?: slash ? slash + 1 : path;
	_cleanup_close_ int fd = -1;
	EVP_PKEY *key;
	int r;

	if (!sign_options.key || !is_id(id)) {
		log_error("sign takes --key FILE, and an --id of less than 160 bytes without control characters");
		return EX_USAGE;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0) {
		log_error("%s: %s", path, strerror(errno));
		return EX_NOINPUT;
	}
	key = read_key(sign_options.key);
	if (!key)
		return EX_NOINPUT;
	r = sign(key, fd, path, id);
	EVP_PKEY_free(key);
	return r;
}
