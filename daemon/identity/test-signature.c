/* SPDX-License-Identifier: MIT */

/* The administrator's signatures: valid ones, of other content, by another key, malformed; and which keys count. */

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/identity/signature.h"
#include "daemon/test.h"
#include "util/macro.h"

static char folder[] = "/tmp/es-test-signature-XXXXXX";

static const char *at(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static EVP_PKEY *make_key(const char *name, mode_t mode)
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	FILE *file = fopen(at(name), "we");

	REQUIRE(key && file && PEM_write_PUBKEY(file, key) && fclose(file) == 0 && chmod(at(name), mode) == 0);
	return key;
}

static struct es_identity sealed(uint8_t first)
{
	return (struct es_identity){ .digest_kind = ES_DIGEST_VERITY_SHA256, .digest = { first, 2, 3 } };
}

/* What esctl sign writes, word by word. */
static size_t sign(EVP_PKEY *key, const char *id, char text[ES_SIGNATURE_BYTES])
{
	static const char digest[] = "0102030000000000000000000000000000000000000000000000000000000000";
	unsigned char bytes[64];
	size_t length = sizeof(bytes);
	char said[512];
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	int n = sprintf(said, "EndpointSecurity code signature 1\nfs-verity sha256 %s\nsigning_id %s\n", digest, id);

	REQUIRE(EVP_DigestSignInit(context, NULL, NULL, NULL, key) == 1);
	REQUIRE(EVP_DigestSign(context, bytes, &length, (unsigned char *)said, (size_t)n) == 1 && length == 64);
	EVP_MD_CTX_free(context);
	n = sprintf(text, "%s\n", id);
	for (unsigned int i = 0; i < length; i++)
		n += sprintf(text + n, "%02x", bytes[i]);
	n += sprintf(text + n, "\n");
	return (size_t)n;
}

static void test_good(const struct esd_keys *keys, EVP_PKEY *key)
{
	struct es_identity identity = sealed(1);
	char text[ES_SIGNATURE_BYTES];
	size_t length = sign(key, "our/tool", text);

	REQUIRE(esd_keys_check(keys, text, length, &identity));
	REQUIRE(!strcmp(identity.signing_id, "our/tool") && strlen(identity.team_id) == ES_SIGNATURE_TEAM);
	REQUIRE(strspn(identity.team_id, "0123456789ABCDEF") == ES_SIGNATURE_TEAM);
}

static void test_bad(const struct esd_keys *keys, EVP_PKEY *key, EVP_PKEY *stranger)
{
	struct es_identity identity = sealed(9);
	char text[ES_SIGNATURE_BYTES];
	size_t length = sign(key, "our/tool", text);

	REQUIRE(!esd_keys_check(keys, text, length, &identity));	/* another file's */
	identity = sealed(1);
	text[0] = 'O';
	REQUIRE(!esd_keys_check(keys, text, length, &identity));	/* another id */
	text[0] = 'o';
	identity.digest_kind = ES_DIGEST_SHA256;
	REQUIRE(!esd_keys_check(keys, text, length, &identity));	/* a digest that nobody keeps true */
	identity = sealed(1);
	for (size_t cut = 0; cut < length; cut++)
		REQUIRE(!esd_keys_check(keys, text, cut, &identity));
	REQUIRE(!identity.signing_id[0] && !identity.team_id[0]);
	length = sign(stranger, "our/tool", text);
	REQUIRE(!esd_keys_check(keys, text, length, &identity));
}

int main(void)
{
	_cleanup_(esd_keys_freep) struct esd_keys *keys = NULL;
	EVP_PKEY *key, *stranger;

	REQUIRE(mkdtemp(folder) && chmod(folder, 0755) == 0);
	key = make_key("ours.pem", 0644);
	stranger = make_key("writable.pem", 0666);
	EVP_PKEY_free(make_key("ignored.txt", 0644));
	REQUIRE(esd_keys_read(&keys, folder) == 0 && esd_keys_count(keys) == 1 && !esd_keys_changed(keys));
	test_good(keys, key);
	test_bad(keys, key, stranger);
	REQUIRE(unlink(at("ignored.txt")) == 0 && esd_keys_changed(keys));
	REQUIRE(unlink(at("ours.pem")) == 0 && unlink(at("writable.pem")) == 0 && rmdir(folder) == 0);
	EVP_PKEY_free(key);
	EVP_PKEY_free(stranger);
	return 0;
}
