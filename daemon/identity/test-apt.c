/* SPDX-License-Identifier: MIT */

/*
 * Vendors, on a made tree with archives and keys of its own: the system's key, another one that the system trusts, and
 * one that it doesn't trust.
 */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/identity/apt.h"
#include "daemon/test.h"
#include "util/macro.h"

static char tree[] = "/tmp/es-test-apt-XXXXXX";

/* In the tree. */
static int run(const char *format, ...) __attribute__((format(printf, 1, 2)));

static int run(const char *format, ...)
{
	char command[2048], line[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	snprintf(command, sizeof(command), "cd '%s' && export GNUPGHOME='%s/gnupg' && { %s; } >/dev/null 2>&1", tree, tree, line);
	return system(command);
}

static void put(const char *name, const char *text)
{
	file_write(tree, name, text);
}

#define STANZA(name, version) "Package: " name "\nArchitecture: amd64\nVersion: " version "\nSize: 1\n\n"
#define INSTALLED(name, version) \
	"Package: " name "\nStatus: install ok installed\nArchitecture: amd64\nVersion: " version "\n\n"

static void sign(const char *archive, const char *origin, const char *key)
{
	REQUIRE(run("printf 'Origin: %s\\nSuite: test\\n' | gpg --batch --yes --pinentry-mode loopback --passphrase '' "
		    "-u %s --clearsign -o var/lib/apt/lists/%s_InRelease", origin, key, archive) == 0);
}

static void plant(void)
{
	REQUIRE(mkdtemp(tree));
	REQUIRE(run("mkdir -p gnupg var/lib/dpkg/info var/lib/apt/lists etc/apt/keyrings usr/share/keyrings && chmod 700 gnupg") == 0);
	put("etc/os-release", "NAME=\"Test System\"\nID=\"testos\"\nID_LIKE=other\n");
	for (const char *const *name = (const char *const[]){ "system", "other", "stranger", NULL }; *name; name++)
		REQUIRE(run("gpg --batch --pinentry-mode loopback --passphrase '' --quick-gen-key '%s@example' ed25519 sign never",
			    *name) == 0);
	REQUIRE(run("gpg --export system@example >usr/share/keyrings/testos-archive.gpg") == 0);
	REQUIRE(run("gpg --armor --export other@example >etc/apt/keyrings/other.asc") == 0);
	REQUIRE(run("md5sum usr/share/keyrings/testos-archive.gpg >var/lib/dpkg/info/testos-archive-keyring.md5sums") == 0);
	put("var/lib/dpkg/status", INSTALLED("testos-archive-keyring", "1") INSTALLED("base", "1.0") INSTALLED("tool", "2.0")
	    INSTALLED("local", "3.0") INSTALLED("strange", "4.0") INSTALLED("fake", "5.0"));
	put("var/lib/apt/lists/sys_main_Packages", STANZA("base", "1.0") STANZA("tool", "1.9"));
	put("var/lib/apt/lists/oth_main_Packages", STANZA("tool", "2.0") STANZA("base", "1.0"));
	put("var/lib/apt/lists/str_main_Packages", STANZA("strange", "4.0"));
	put("var/lib/apt/lists/fak_main_Packages", STANZA("fake", "5.0"));
	sign("sys", "Test System", "system@example");
	sign("oth", "Other Vendor", "other@example");
	sign("str", "Stranger", "stranger@example");
	sign("fak", "test system", "other@example");
}

static bool vendor_of(const struct esd_vendors *vendors, const struct esd_dpkg *dpkg, const char *name,
		      struct esd_vendor *ret)
{
	for (size_t i = 0; i < esd_dpkg_packages(dpkg); i++)
		if (!strcmp(esd_dpkg_package(dpkg, i)->name, name))
			return esd_vendors_find(vendors, esd_dpkg_package(dpkg, i), ret);
	REQUIRE(!"installed");
	return false;
}

static void test_vendors(const struct esd_dpkg *dpkg)
{
	_cleanup_(esd_vendors_freep) struct esd_vendors *vendors = NULL;
	struct esd_vendor vendor;

	REQUIRE(esd_vendors_read(&vendors, tree, dpkg, NULL) == 0);
	REQUIRE(vendor_of(vendors, dpkg, "base", &vendor) && !strcmp(vendor.origin, "Test System") && vendor.system);
	REQUIRE(vendor_of(vendors, dpkg, "tool", &vendor) && !strcmp(vendor.origin, "Other Vendor") && !vendor.system);
	REQUIRE(!vendor_of(vendors, dpkg, "local", &vendor));
	REQUIRE(!vendor_of(vendors, dpkg, "strange", &vendor));
	REQUIRE(!vendor_of(vendors, dpkg, "fake", &vendor));
	REQUIRE(!esd_vendors_changed(vendors));
}

/* A newer version pushes that which is installed out of the lists; it stays what it was. */
static void test_superseded(const struct esd_dpkg *dpkg)
{
	_cleanup_(esd_vendors_freep) struct esd_vendors *before = NULL, *vendors = NULL, *fresh = NULL;
	struct esd_vendor vendor;

	REQUIRE(esd_vendors_read(&before, tree, dpkg, NULL) == 0);
	put("var/lib/apt/lists/sys_main_Packages.new", STANZA("base", "1.1"));
	REQUIRE(run("mv var/lib/apt/lists/sys_main_Packages.new var/lib/apt/lists/sys_main_Packages") == 0);
	put("var/lib/apt/lists/oth_main_Packages", "");
	REQUIRE(esd_vendors_changed(before));
	REQUIRE(esd_vendors_read(&vendors, tree, dpkg, before) == 0);
	REQUIRE(vendor_of(vendors, dpkg, "base", &vendor) && vendor.system && !strcmp(vendor.origin, "Test System"));
	/* The next daemon has it from a file. */
	REQUIRE(esd_vendors_read(&fresh, tree, dpkg, NULL) == 0);
	REQUIRE(vendor_of(fresh, dpkg, "base", &vendor) && vendor.system && !strcmp(vendor.origin, "Test System"));
	REQUIRE(vendor_of(fresh, dpkg, "tool", &vendor) && !vendor.system && !vendor_of(fresh, dpkg, "local", &vendor));
	fresh = esd_vendors_free(fresh);
	REQUIRE(run("chmod g+w var/lib/endpointsecurity/vendors") == 0);
	REQUIRE(esd_vendors_read(&fresh, tree, dpkg, NULL) == 0 && !vendor_of(fresh, dpkg, "base", &vendor));
}

/* A word of the signed text changed: nobody's, if it wasn't before. */
static void test_forged(const struct esd_dpkg *dpkg)
{
	_cleanup_(esd_vendors_freep) struct esd_vendors *vendors = NULL;
	struct esd_vendor vendor;

	put("var/lib/apt/lists/sys_main_Packages", STANZA("base", "1.0"));
	REQUIRE(run("rm var/lib/endpointsecurity/vendors") == 0);
	REQUIRE(run("sed -i s/^Suite:.test/Suite:.best/ var/lib/apt/lists/sys_InRelease") == 0);
	REQUIRE(esd_vendors_read(&vendors, tree, dpkg, NULL) == 0);
	REQUIRE(!vendor_of(vendors, dpkg, "base", &vendor));
}

/* The system's keyring isn't as its package had it: its archive is one like others. */
static void test_keyring_changed(void)
{
	_cleanup_(esd_vendors_freep) struct esd_vendors *vendors = NULL;
	_cleanup_(esd_dpkg_freep) struct esd_dpkg *dpkg = NULL;
	struct esd_vendor vendor;

	sign("sys", "Test System", "system@example");
	REQUIRE(run("rm -f var/lib/endpointsecurity/vendors") == 0);
	REQUIRE(run("sed -i s/^./0/ var/lib/dpkg/info/testos-archive-keyring.md5sums && "
		    "sed -i s/^.././ var/lib/dpkg/info/testos-archive-keyring.md5sums && "
		    "sed -i s/^/f/ var/lib/dpkg/info/testos-archive-keyring.md5sums") == 0);
	REQUIRE(esd_dpkg_read(&dpkg, tree) == 0);
	REQUIRE(esd_vendors_read(&vendors, tree, dpkg, NULL) == 0);
	REQUIRE(vendor_of(vendors, dpkg, "base", &vendor) && !vendor.system);
}

int main(void)
{
	_cleanup_(esd_dpkg_freep) struct esd_dpkg *dpkg = NULL;

	if (access("/usr/bin/gpgv", X_OK) || access("/usr/bin/gpg", X_OK))
		SKIP("gpg and gpgv");
	plant();
	REQUIRE(esd_dpkg_read(&dpkg, tree) == 0);
	test_vendors(dpkg);
	test_superseded(dpkg);
	test_forged(dpkg);
	test_keyring_changed();
	(void)run("gpgconf --kill all");
	REQUIRE(chdir("/") == 0 && run("rm -rf '%s'", tree) == 0);
	return 0;
}
