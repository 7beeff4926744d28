/* SPDX-License-Identifier: MIT */

/* Reading dpkg's database, from texts as dpkg writes them, and from a tree of files. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/identity/dpkg.h"
#include "daemon/test.h"
#include "util/macro.h"

#define SUM_A "0123456789abcdef0123456789abcdef"
#define SUM_B "ffffffffffffffffffffffffffffffff"
#define SUM_C "00000000000000000000000000000001"

static const char status[] =
	"Package: plain\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1:2.3-4\n"
	"Conffiles:\n /etc/plain.conf " SUM_A "\n /etc/with a blank " SUM_B "\n /etc/old " SUM_C " obsolete\n"
	"Description: a package\n with a line " SUM_C "\n\n"
	"Package: several\nStatus: install ok installed\nMulti-Arch: same\nArchitecture: amd64\nVersion: 5\n\n"
	"Package: several\nStatus: hold ok installed\nMulti-Arch: same\nArchitecture: i386\nVersion: 6\n\n"
	"Package: removed\nStatus: deinstall ok config-files\nArchitecture: amd64\nVersion: 7\n\n"
	"Package: halfway\nStatus: install reinstreq half-installed\nArchitecture: all\nVersion: 8\n";

static struct esd_dpkg *made(void)
{
	static const char sums[] = SUM_A "  bin/plain\n" SUM_B "  usr/share/with a blank\n" SUM_C "  usr/sbin/shared\nrubbish\n"
				   SUM_A " usr/bin/one-blank\n0123  usr/bin/short\n" SUM_A "  \n";
	static const char diversions[] = "/usr/sbin/shared\n/usr/sbin/shared.moved\nseveral\n";
	static const char other[] = SUM_B "  usr/sbin/shared\n";
	struct esd_dpkg *dpkg = esd_dpkg_new();

	REQUIRE(dpkg && esd_dpkg_add_status(dpkg, status, strlen(status)) == 0);
	REQUIRE(esd_dpkg_add_diversions(dpkg, diversions, strlen(diversions)) == 0);
	REQUIRE(esd_dpkg_add_sums(dpkg, "plain", sums, strlen(sums)) == 0);
	REQUIRE(esd_dpkg_add_sums(dpkg, "several:i386", other, strlen(other)) == 0);
	REQUIRE(esd_dpkg_add_sums(dpkg, "halfway", SUM_A "  usr/bin/halfway\n", 32 + 18) == 0);
	REQUIRE(esd_dpkg_add_sums(dpkg, "unheard-of", other, strlen(other)) == 0);
	REQUIRE(esd_dpkg_finish(dpkg) == 0);
	return dpkg;
}

/* How many there are, and the last one. */
static unsigned int find(const struct esd_dpkg *dpkg, const char *path, struct esd_dpkg_file *ret)
{
	unsigned int found = 0;
	size_t cursor = 0;

	while (esd_dpkg_find(dpkg, path, &cursor, ret))
		found++;
	return found;
}

static void test_names(void)
{
	_cleanup_(esd_dpkg_freep) struct esd_dpkg *dpkg = made();
	struct esd_dpkg_file file;

	REQUIRE(esd_dpkg_packages(dpkg) == 4);
	REQUIRE(find(dpkg, "/bin/plain", &file) == 1 && find(dpkg, "/usr/bin/plain", &file) == 1);
	REQUIRE(!strcmp(file.package->name, "plain") && !strcmp(file.package->version, "1:2.3-4"));
	REQUIRE(!strcmp(file.package->architecture, "amd64") && file.package->settled);
	REQUIRE(file.md5[0] == 0x01 && file.md5[15] == 0xef);
	REQUIRE(find(dpkg, "/usr/share/with a blank", &file) == 1 && find(dpkg, "/share/with a blank", &file) == 0);
	REQUIRE(find(dpkg, "/plain", &file) == 0 && find(dpkg, "plain", &file) == 0 && find(dpkg, "", &file) == 0);
	REQUIRE(find(dpkg, "/usr/bin/one-blank", &file) == 0 && find(dpkg, "/usr/bin/short", &file) == 0);
	REQUIRE(find(dpkg, "/usr/bin/halfway", &file) == 1 && !file.package->settled);
}

static void test_conffiles(void)
{
	_cleanup_(esd_dpkg_freep) struct esd_dpkg *dpkg = made();
	struct esd_dpkg_file file;

	REQUIRE(find(dpkg, "/etc/plain.conf", &file) == 1 && file.md5[0] == 0x01);
	REQUIRE(find(dpkg, "/etc/with a blank", &file) == 1 && file.md5[0] == 0xff);
	REQUIRE(find(dpkg, "/etc/old", &file) == 1 && file.md5[15] == 1);
}

/* One package's file is where the diversion says, the other's where it says itself. */
static void test_diversions(void)
{
	_cleanup_(esd_dpkg_freep) struct esd_dpkg *dpkg = made();
	struct esd_dpkg_file file;

	REQUIRE(find(dpkg, "/usr/sbin/shared", &file) == 1 && !strcmp(file.package->name, "several"));
	REQUIRE(!strcmp(file.package->architecture, "i386") && !strcmp(file.package->version, "6"));
	REQUIRE(find(dpkg, "/usr/sbin/shared.moved", &file) == 1 && !strcmp(file.package->name, "plain"));
}

/* ---- from files ---- */

static char tree[] = "/tmp/es-test-dpkg-XXXXXX";

static void put(const char *name, const char *text)
{
	char path[256];

	snprintf(path, sizeof(path), "var/lib/dpkg/%s", name);
	file_write(tree, path, text);
}

static void plant(void)
{
	static const char *const folders[] = { "/var", "/var/lib", "/var/lib/dpkg", "/var/lib/dpkg/info",
					       "/var/lib/dpkg/updates" };
	struct esd_dpkg *dpkg;

	REQUIRE(mkdtemp(tree));
	REQUIRE(esd_dpkg_read(&dpkg, tree) == -ENOENT);
	for (unsigned int i = 0; i < ARRAY_SIZE(folders); i++) {
		char path[256];

		snprintf(path, sizeof(path), "%s%s", tree, folders[i]);
		REQUIRE(mkdir(path, 0755) == 0);
	}
	put("status", status);
	put("info/plain.md5sums", SUM_A "  bin/plain\n");
	put("info/several:i386.md5sums", SUM_B "  usr/lib/several\n");
	put("info/plain.list", "/bin/plain\n");
}

static void uproot(void)
{
	char command[256];

	snprintf(command, sizeof(command), "rm -r '%s'", tree);
	REQUIRE(system(command) == 0);
}

static void test_read(void)
{
	_cleanup_(esd_dpkg_freep) struct esd_dpkg *dpkg = NULL;
	struct esd_dpkg_file file;

	REQUIRE(esd_dpkg_read(&dpkg, tree) == 0);
	REQUIRE(find(dpkg, "/bin/plain", &file) == 1 && find(dpkg, "/lib/several", &file) == 1);
	REQUIRE(esd_dpkg_files(dpkg) == 5 && !esd_dpkg_changed(dpkg));
	put("info/new.md5sums", SUM_B "  usr/bin/new\n");
	REQUIRE(esd_dpkg_changed(dpkg));
}

/* What dpkg has done so far is in its journal: a new version, one that is being unpacked. */
static void test_journal(void)
{
	_cleanup_(esd_dpkg_freep) struct esd_dpkg *dpkg = NULL;
	struct esd_dpkg_file file;

	put("updates/0000", "Package: plain\nStatus: install ok unpacked\nArchitecture: amd64\nVersion: 9\n");
	put("updates/0001", "Package: several\nStatus: install reinstreq half-installed\nArchitecture: i386\nVersion: 6\n");
	put("updates/tmp.i", "Package: plain\nVersion: 10\n");
	REQUIRE(esd_dpkg_read(&dpkg, tree) == 0);
	REQUIRE(find(dpkg, "/bin/plain", &file) == 1 && !strcmp(file.package->version, "9") && file.package->settled);
	REQUIRE(find(dpkg, "/usr/lib/several", &file) == 1 && !file.package->settled);
	REQUIRE(find(dpkg, "/etc/plain.conf", &file) == 0);
}

static void test_busy(void)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char path[256];
	int fd;

	REQUIRE(!esd_dpkg_busy(tree));
	put("lock", "");
	REQUIRE(!esd_dpkg_busy(tree));
	snprintf(path, sizeof(path), "%s/var/lib/dpkg/lock", tree);
	fd = open(path, O_RDWR | O_CLOEXEC);
	REQUIRE(fd >= 0 && fcntl(fd, F_SETLK, &lock) == 0);
	REQUIRE(esd_dpkg_busy(tree));
	close(fd);
	REQUIRE(!esd_dpkg_busy(tree));
}

int main(void)
{
	test_names();
	test_conffiles();
	test_diversions();
	plant();
	test_read();
	test_journal();
	test_busy();
	uproot();
	return 0;
}
