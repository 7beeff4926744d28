/* SPDX-License-Identifier: MIT */

/*
 * Any bytes as the files of dpkg: the first byte says which one. Each name of a file that the bytes have is then looked
 * for.
 *
 * With clang's fuzzer this is its entry; without, main() takes good files, changed at random.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/identity/dpkg.h"
#include "util/macro.h"

static const char good_status[] =
	"Package: one\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.0\n"
	"Conffiles:\n /etc/one 0123456789abcdef0123456789abcdef\n /etc/two 0123456789abcdef0123456789abcdef obsolete\n\n"
	"Package: two\nStatus: install ok unpacked\nArchitecture: all\nVersion: 2\n\n";
static const char good_sums[] =
	"0123456789abcdef0123456789abcdef  usr/bin/one\n"
	"fedcba9876543210fedcba9876543210  usr/share/a name with blanks\n";
static const char good_diversions[] = "/usr/bin/one\n/usr/bin/one.real\ntwo\n/usr/bin/x\n/usr/bin/y\n:\n";

static void look(const struct esd_dpkg *dpkg, const char *text, size_t length)
{
	char name[64] = "/";
	struct esd_dpkg_file file;

	for (size_t i = 0; i + 1 < length; i++) {
		size_t n = length - i < sizeof(name) - 2 ? length - i : sizeof(name) - 2, cursor = 0;

		if (text[i] != '/' && text[i] != ' ')
			continue;
		memcpy(name + 1, text + i + 1, n - 1);
		name[n] = '\0';
		name[1 + strcspn(name + 1, "\n")] = '\0';
		while (esd_dpkg_find(dpkg, name, &cursor, &file))
			if (!file.package->name || !file.package->version || !file.package->architecture)
				abort();
	}
}

static void take(uint8_t which, const char *text, size_t length)
{
	_cleanup_(esd_dpkg_freep) struct esd_dpkg *dpkg = esd_dpkg_new();

	if (!dpkg)
		return;
	if (which % 3 == 0)
		(void)esd_dpkg_add_status(dpkg, text, length);
	else
		(void)esd_dpkg_add_status(dpkg, good_status, strlen(good_status));
	(void)(which % 3 == 1 ? esd_dpkg_add_diversions(dpkg, text, length)
			      : esd_dpkg_add_diversions(dpkg, good_diversions, strlen(good_diversions)));
	(void)(which % 3 == 2 ? esd_dpkg_add_sums(dpkg, "one", text, length)
			      : esd_dpkg_add_sums(dpkg, "one", good_sums, strlen(good_sums)));
	(void)esd_dpkg_finish(dpkg);
	look(dpkg, text, length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In a block of its own size, so that a sanitizer sees a step too far. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = NULL;

	if (!size)
		return 0;
	text = malloc(size);
	if (!text)
		return 0;
	memcpy(text, data + 1, size - 1);
	take(data[0], text, size - 1);
	return 0;
}

#ifndef ES_LIBFUZZER
static void change(uint8_t *bytes, size_t *size)
{
	size_t at = (size_t)random() % *size;

	switch (random() % 4) {
	case 0:
		bytes[at] = (uint8_t)random();
		break;
	case 1:
		bytes[at] = "\n :/ab0"[random() % 7];
		break;
	case 2:
		memmove(bytes + at, bytes + at + 1, *size - at - 1);
		*size -= *size > 2;
		break;
	case 3:
		*size = at + 1;
		break;
	}
}

int main(void)
{
	static const char *const good[] = { good_status, good_diversions, good_sums };

	srandom(1);
	for (unsigned int i = 0; i < 60000; i++) {
		unsigned int which = i % ARRAY_SIZE(good);
		uint8_t bytes[1 + sizeof(good_status)] = { (uint8_t)which };
		size_t size = 1 + strlen(good[which]);

		memcpy(bytes + 1, good[which], size - 1);
		for (long changes = random() % 8; changes > 0; changes--)
			change(bytes, &size);
		LLVMFuzzerTestOneInput(bytes, size);
	}
	return 0;
}
#endif
