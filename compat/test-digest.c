/* SPDX-License-Identifier: MIT */
/* Each digest of "abc", at once and in pieces, against the published ones. */
#include <CommonCrypto/CommonDigest.h>

#include <stdio.h>
#include <string.h>

#include "lib/test.h"

static bool is(const unsigned char *digest, size_t length, const char *expected)
{
	char text[2 * CC_SHA512_DIGEST_LENGTH + 1] = "";

	for (size_t i = 0; i < length; i++)
		snprintf(text + 2 * i, 3, "%02x", digest[i]);
	return !strncmp(text, expected, strlen(expected)) && length >= strlen(expected) / 2;
}

#define TEST(name, context, length, expected) do { \
	unsigned char digest[length], pieces[length]; \
	context c, copy; \
	CHECK(name("abc", 3, digest) == digest && is(digest, sizeof(digest), expected)); \
	CHECK(name##_Init(&c) == 1 && name##_Update(&c, "a", 1) == 1); \
	copy = c; \
	CHECK(name##_Update(&c, "x", 1) == 1 && name##_Final(pieces, &c) == 1 && memcmp(pieces, digest, sizeof(digest))); \
	CHECK(name##_Update(&copy, "bc", 2) == 1 && name##_Final(pieces, &copy) == 1); \
	CHECK(!memcmp(pieces, digest, sizeof(digest))); \
} while (0)

int main(void)
{
	TEST(CC_MD5, CC_MD5_CTX, CC_MD5_DIGEST_LENGTH, "900150983cd24fb0d6963f7d28e17f72");
	TEST(CC_SHA1, CC_SHA1_CTX, CC_SHA1_DIGEST_LENGTH, "a9993e364706816aba3e25717850c26c9cd0d89d");
	TEST(CC_SHA256, CC_SHA256_CTX, CC_SHA256_DIGEST_LENGTH,
	     "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	TEST(CC_SHA384, CC_SHA512_CTX, CC_SHA384_DIGEST_LENGTH, "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded163");
	TEST(CC_SHA512, CC_SHA512_CTX, CC_SHA512_DIGEST_LENGTH, "ddaf35a193617abacc417349ae204131");
	return 0;
}
