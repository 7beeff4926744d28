/* SPDX-License-Identifier: MIT */
#include "daemon/identity/signature.h"

#include <errno.h>
#include <glob.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/log.h"
#include "util/macro.h"

enum { KEYS_MAX = 64 };

struct key {
	EVP_PKEY *public;
	char team[ES_SIGNATURE_TEAM + 1];
};

struct esd_keys {
	char *folder;
	int64_t stamp_s, stamp_ns;
	struct key keys[KEYS_MAX];
	unsigned int count;
};

void *esd_keys_free(struct esd_keys *keys)
{
	if (!keys)
		return NULL;
	for (unsigned int i = 0; i < keys->count; i++)
		EVP_PKEY_free(keys->keys[i].public);
	free(keys->folder);
	free(keys);
	return NULL;
}

unsigned int esd_keys_count(const struct esd_keys *keys)
{
	return keys->count;
}

static void stamp_take(const char *folder, int64_t *s, int64_t *ns)
{
	struct stat st;

	if (stat(folder, &st) < 0)
		st = (struct stat){};
	*s = st.st_mtim.tv_sec;
	*ns = st.st_mtim.tv_nsec;
}

bool esd_keys_changed(const struct esd_keys *keys)
{
	int64_t s, ns;

	stamp_take(keys->folder, &s, &ns);
	return s != keys->stamp_s || ns != keys->stamp_ns;
}

/* ---- keys ---- */

static bool fingerprint(EVP_PKEY *public, char team[ES_SIGNATURE_TEAM + 1])
{
	unsigned char *der = NULL, sum[SHA256_DIGEST_LENGTH];
	int length = i2d_PUBKEY(public, &der);

	if (length <= 0)
		return false;
	SHA256(der, (size_t)length, sum);
	OPENSSL_free(der);
	for (unsigned int i = 0; i < ES_SIGNATURE_TEAM / 2; i++)
		sprintf(team + 2 * i, "%02X", sum[i]);
	return true;
}

static void add_key(struct esd_keys *keys, const char *path)
{
	FILE *file = fopen(path, "re");
	struct key key = {};
	struct stat st;

	if (file && fstat(fileno(file), &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() && !(st.st_mode & 022))
		key.public = PEM_read_PUBKEY(file, NULL, NULL, NULL);
	if (file)
		fclose(file);
	if (key.public && fingerprint(key.public, key.team)) {
		keys->keys[keys->count++] = key;
		return;
	}
	EVP_PKEY_free(key.public);
	log_warning("%s: left out: not a public key (PEM) in a file that belongs to root and that nobody else can write", path);
}

int esd_keys_read(struct esd_keys **ret, const char *folder)
{
	_cleanup_(esd_keys_freep) struct esd_keys *keys = calloc(1, sizeof(*keys));
	_cleanup_free_ char *pattern = NULL;
	glob_t found = {};

	if (!keys || !(keys->folder = strdup(folder)) || asprintf(&pattern, "%s/*.pem", folder) < 0)
		return -ENOMEM;
	stamp_take(folder, &keys->stamp_s, &keys->stamp_ns);
	if (glob(pattern, 0, NULL, &found) == 0)
		for (size_t i = 0; i < found.gl_pathc && keys->count < KEYS_MAX; i++)
			add_key(keys, found.gl_pathv[i]);
	globfree(&found);
	*ret = TAKE_POINTER(keys);
	return 0;
}

/* ---- signatures ---- */

struct signature {
	char id[sizeof(((struct es_identity *)NULL)->signing_id)];
	unsigned char bytes[ES_SIGNATURE_BYTES / 2];
	size_t length;
};

/* "ID\nHEX\n" */
static bool take_signature(const char *text, size_t length, struct signature *ret)
{
	const char *newline = memchr(text, '\n', length);
	size_t id = newline ? (size_t)(newline - text) : 0, digits = newline ? length - id - 2 : 0;
	unsigned int byte;

	if (!id || length > ES_SIGNATURE_BYTES || length < id + 4 || id >= sizeof(ret->id) || text[length - 1] != '\n' ||
	    digits % 2)
		return false;
	for (size_t i = 0; i < id; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 127)
			return false;
	memcpy(ret->id, text, id);
	ret->id[id] = '\0';
	ret->length = digits / 2;
	for (size_t i = 0; i < ret->length; i++) {
		const char pair[] = { newline[1 + 2 * i], newline[2 + 2 * i], '\0' };

		if (strspn(pair, "0123456789abcdef") != 2 || sscanf(pair, "%2x", &byte) != 1)
			return false;
		ret->bytes[i] = (unsigned char)byte;
	}
	return true;
}

static int statement(const struct es_identity *identity, const char *id, char *text, size_t size)
{
	char hex[2 * ES_IDENTITY_DIGEST + 1] = "";

	for (uint32_t i = 0; i < es_identity_digest_bytes(identity); i++)
		sprintf(hex + 2 * i, "%02x", identity->digest[i]);
	return snprintf(text, size, ES_SIGNATURE_STATEMENT,
			identity->digest_kind == ES_DIGEST_VERITY_SHA512 ? "sha512" : "sha256", hex, id);
}

static bool is_by(EVP_PKEY *public, const struct signature *signature, const char *text, size_t length)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool is = context && EVP_DigestVerifyInit(context, NULL, NULL, NULL, public) == 1 &&
		  EVP_DigestVerify(context, signature->bytes, signature->length, (const unsigned char *)text, length) == 1;

	EVP_MD_CTX_free(context);
	return is;
}

bool esd_keys_check(const struct esd_keys *keys, const char *text, size_t length, struct es_identity *identity)
{
	struct signature signature;
	char said[512];
	int n;

	if (identity->digest_kind <= ES_DIGEST_SHA256 || !take_signature(text, length, &signature))
		return false;
	n = statement(identity, signature.id, said, sizeof(said));
	if (n < 0 || n >= (int)sizeof(said))
		return false;
	for (unsigned int i = 0; i < keys->count; i++) {
		if (!is_by(keys->keys[i].public, &signature, said, (size_t)n))
			continue;
		strcpy(identity->signing_id, signature.id);
		strcpy(identity->team_id, keys->keys[i].team);
		return true;
	}
	return false;
}
