/* SPDX-License-Identifier: MIT */
/* CommonCrypto's digests, by libcrypto's older functions: these too keep their state in the caller's memory. */
#define OPENSSL_API_COMPAT 10101
#define OPENSSL_SUPPRESS_DEPRECATED

#include <CommonCrypto/CommonDigest.h>
#include <openssl/md5.h>
#include <openssl/sha.h>

#include "compat/sleep.h"

#define DIGEST(name, context, theirs, function) \
	_Static_assert(sizeof(context) >= sizeof(theirs), "the state fits"); \
	EXPORT int name##_Init(context *c) \
	{ \
		return function##_Init((theirs *)c->state); \
	} \
	EXPORT int name##_Update(context *c, const void *data, CC_LONG length) \
	{ \
		return function##_Update((theirs *)c->state, data, length); \
	} \
	EXPORT int name##_Final(unsigned char *digest, context *c) \
	{ \
		return function##_Final(digest, (theirs *)c->state); \
	} \
	EXPORT unsigned char *name(const void *data, CC_LONG length, unsigned char *digest) \
	{ \
		context c; \
\
		if (!digest) \
			return NULL; \
		name##_Init(&c); \
		name##_Update(&c, data, length); \
		name##_Final(digest, &c); \
		return digest; \
	}

DIGEST(CC_MD5, CC_MD5_CTX, MD5_CTX, MD5)
DIGEST(CC_SHA1, CC_SHA1_CTX, SHA_CTX, SHA1)
DIGEST(CC_SHA256, CC_SHA256_CTX, SHA256_CTX, SHA256)
DIGEST(CC_SHA384, CC_SHA512_CTX, SHA512_CTX, SHA384)
DIGEST(CC_SHA512, CC_SHA512_CTX, SHA512_CTX, SHA512)
