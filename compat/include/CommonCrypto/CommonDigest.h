/* SPDX-License-Identifier: MIT */
/* CommonDigest.h - digests, made by the system's libcrypto */
#ifndef __ES_COMPAT_COMMON_DIGEST_H
#define __ES_COMPAT_COMMON_DIGEST_H

#include <os/base.h>
#include <stdint.h>

typedef uint32_t CC_LONG;

#define CC_MD5_DIGEST_LENGTH	16
#define CC_SHA1_DIGEST_LENGTH	20
#define CC_SHA256_DIGEST_LENGTH	32
#define CC_SHA384_DIGEST_LENGTH	48
#define CC_SHA512_DIGEST_LENGTH	64

/* Holds nothing to free: a program may copy it, and drop it without Final. */
typedef struct {
	uint64_t state[32];
} CC_MD5_CTX, CC_SHA1_CTX, CC_SHA256_CTX, CC_SHA512_CTX;

#ifdef __cplusplus
extern "C" {
#endif

/* These return 1. */
#define __ES_CC_DIGEST(name, context) \
	OS_EXPORT int name##_Init(context *c); \
	OS_EXPORT int name##_Update(context *c, const void *data, CC_LONG length); \
	OS_EXPORT int name##_Final(unsigned char *digest, context *c); \
	OS_EXPORT unsigned char *name(const void *data, CC_LONG length, unsigned char *digest);	/* all at once: digest */
__ES_CC_DIGEST(CC_MD5, CC_MD5_CTX)
__ES_CC_DIGEST(CC_SHA1, CC_SHA1_CTX)
__ES_CC_DIGEST(CC_SHA256, CC_SHA256_CTX)
__ES_CC_DIGEST(CC_SHA384, CC_SHA512_CTX)
__ES_CC_DIGEST(CC_SHA512, CC_SHA512_CTX)
#undef __ES_CC_DIGEST

#ifdef __cplusplus
}
#endif

#endif /* __ES_COMPAT_COMMON_DIGEST_H */
