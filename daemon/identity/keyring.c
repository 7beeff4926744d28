/* SPDX-License-Identifier: MIT */
#include "daemon/identity/keyring.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/identity/digest.h"
#include "daemon/identity/run.h"
#include "daemon/identity/text-file.h"
#include "util/macro.h"

enum { KEYRINGS_MAX = 64 };

static void decode_freep(EVP_ENCODE_CTX **context)
{
	EVP_ENCODE_CTX_free(*context);
}

struct keyring {
	char *path;			/* a file that gpgv can read */
	int fd;				/* of the unwrapped copy; -1: none was needed */
	bool system;
};

struct esd_keyrings {
	struct keyring keyrings[KEYRINGS_MAX];
	unsigned int count;
};

void *esd_keyrings_free(struct esd_keyrings *keyrings)
{
	if (!keyrings)
		return NULL;
	for (unsigned int i = 0; i < keyrings->count; i++) {
		free(keyrings->keyrings[i].path);
		closep(&keyrings->keyrings[i].fd);
	}
	free(keyrings);
	return NULL;
}

/* An unchanged file of the package with the system's keys. */
static bool is_system(const char *root, const char *path, const char *id, const struct esd_dpkg *dpkg)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct esd_dpkg_file file;
	struct esd_digests digests;
	char names[2][128];
	size_t cursor = 0;

	if (!id[0] || fd < 0 || esd_digest_fd(fd, 1 << 20, NULL, &digests) < 0)
		return false;
	snprintf(names[0], sizeof(names[0]), "%s-archive-keyring", id);
	snprintf(names[1], sizeof(names[1]), "%s-keyring", id);
	while (esd_dpkg_find(dpkg, path + strlen(root), &cursor, &file))
		if (!memcmp(file.md5, digests.md5, sizeof(file.md5)) &&
		    (!strcmp(file.package->name, names[0]) || !strcmp(file.package->name, names[1])))
			return true;
	return false;
}

/* Decodes the text between the armour's head and its checksum into a memory file. */
static int unwrap(const char *path, int *ret_fd)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_free_ unsigned char *bytes = NULL;
	_cleanup_close_ int fd = -1;
	_cleanup_(decode_freep) EVP_ENCODE_CTX *context = EVP_ENCODE_CTX_new();
	const char *begin, *end;
	size_t length;
	int n = 0, last = 0, r;

	r = esd_text_read(path, &text, &length);
	if (r < 0)
		return r;
	begin = strstr(text, "-----BEGIN PGP PUBLIC KEY BLOCK-----");
	begin = begin ? strstr(begin, "\n\n") : NULL;
	end = begin ? strstr(begin, "\n=") ?: strstr(begin, "\n-----END") : NULL;
	if (!end || length > INT32_MAX)
		return -EBADMSG;
	bytes = malloc(length);
	if (!bytes || !context)
		return -ENOMEM;
	EVP_DecodeInit(context);
	if (EVP_DecodeUpdate(context, bytes, &n, (const unsigned char *)begin + 2, (int)(end - begin - 1)) < 0 ||
	    EVP_DecodeFinal(context, bytes + n, &last) < 0)
		return -EBADMSG;
	fd = memfd_create("keyring", MFD_CLOEXEC);
	if (fd < 0 || write(fd, bytes, (size_t)(n + last)) != n + last)
		return -EIO;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static int add(struct esd_keyrings *keyrings, const char *root, const char *path, const char *id,
	       const struct esd_dpkg *dpkg)
{
	struct keyring keyring = { .fd = -1, .system = is_system(root, path, id, dpkg) };
	size_t n = strlen(path);

	if (keyrings->count == KEYRINGS_MAX)
		return 0;
	if (n > 4 && !strcmp(path + n - 4, ".asc")) {
		if (unwrap(path, &keyring.fd) < 0)
			return 0;
		if (asprintf(&keyring.path, "/proc/%d/fd/%d", getpid(), keyring.fd) < 0)
			keyring.path = NULL;
	} else {
		keyring.path = strdup(path);
	}
	if (!keyring.path) {
		closep(&keyring.fd);
		return -ENOMEM;
	}
	keyrings->keyrings[keyrings->count++] = keyring;
	return 0;
}

int esd_keyrings_find(struct esd_keyrings **ret, const char *root, const char *id, const struct esd_dpkg *dpkg)
{
	static const char *const patterns[] = {
		"/usr/share/keyrings/*.gpg", "/usr/share/keyrings/*.asc", "/etc/apt/keyrings/*.gpg",
		"/etc/apt/keyrings/*.asc", "/etc/apt/trusted.gpg.d/*.gpg", "/etc/apt/trusted.gpg.d/*.asc",
	};
	_cleanup_(esd_keyrings_freep) struct esd_keyrings *keyrings = calloc(1, sizeof(*keyrings));
	int r = 0;

	if (!keyrings)
		return -ENOMEM;
	for (unsigned int i = 0; r == 0 && i < ARRAY_SIZE(patterns); i++) {
		_cleanup_free_ char *pattern = NULL;
		glob_t found = {};

		if (asprintf(&pattern, "%s%s", root, patterns[i]) < 0)
			return -ENOMEM;
		if (glob(pattern, 0, NULL, &found) == 0)
			for (size_t j = 0; r == 0 && j < found.gl_pathc; j++)
				if (!strstr(found.gl_pathv[j], "-removed-"))
					r = add(keyrings, root, found.gl_pathv[j], id, dpkg);
		globfree(&found);
	}
	if (r == 0)
		*ret = TAKE_POINTER(keyrings);
	return r;
}

struct text {
	char *bytes;
	size_t length;
};

static int collect(void *context, char *line)
{
	struct text *text = context;
	size_t n = strlen(line);
	char *grown = realloc(text->bytes, text->length + n + 2);

	if (!grown)
		return -ENOMEM;
	memcpy(grown + text->length, line, n);
	memcpy(grown + text->length + n, "\n", 2);
	text->bytes = grown;
	text->length += n + 1;
	return 0;
}

struct verdict {
	bool good, bad;
};

static int read_status(void *context, char *line)
{
	struct verdict *verdict = context;

	verdict->good |= !strncmp(line, "[GNUPG:] GOODSIG ", strlen("[GNUPG:] GOODSIG "));
	verdict->bad |= !strncmp(line, "[GNUPG:] BADSIG ", strlen("[GNUPG:] BADSIG "));
	return 0;
}

/*
 * Release files have several signatures, and gpgv fails if it lacks the key of one. As apt does, we require one good
 * signature and no bad one. Use only the text that gpgv prints as signed: the file may have other text beside it.
 */
static int verify(const struct esd_keyrings *keyrings, bool system, const char *path, struct text *ret)
{
	const char *arguments[2 * KEYRINGS_MAX + 6] = { "/usr/bin/gpgv", "--status-fd", "1" };
	struct verdict verdict = {};
	unsigned int n = 3;
	int r;

	for (unsigned int i = 0; i < keyrings->count; i++) {
		if (keyrings->keyrings[i].system != system)
			continue;
		arguments[n++] = "--keyring";
		arguments[n++] = keyrings->keyrings[i].path;
	}
	if (n == 3)
		return -ENOKEY;
	arguments[n++] = path;
	r = esd_run_lines(arguments, read_status, &verdict);
	if ((r < 0 && r != -EPROTO) || !verdict.good || verdict.bad)
		return r < 0 && r != -EPROTO ? r : -EKEYREJECTED;
	arguments[1] = "--output";
	arguments[2] = "-";
	r = esd_run_lines(arguments, collect, ret);
	return r == -EPROTO && ret->bytes ? 0 : r;
}

int esd_keyrings_check(const struct esd_keyrings *keyrings, const char *path, char **ret_text, size_t *ret_length,
		       enum esd_signer *ret_signer)
{
	struct text text = {};
	int r = verify(keyrings, true, path, &text);

	*ret_signer = r == 0 ? ESD_SIGNER_SYSTEM : ESD_SIGNER_NONE;
	if (r < 0 && r != -ENOMEM) {
		r = verify(keyrings, false, path, &text);
		*ret_signer = r == 0 ? ESD_SIGNER_OTHER : ESD_SIGNER_NONE;
	}
	if (r < 0 || !text.bytes) {
		free(text.bytes);
		return r < 0 ? r : -EBADMSG;
	}
	*ret_text = text.bytes;
	*ret_length = text.length;
	return 0;
}
