/* SPDX-License-Identifier: MIT */

/* Parsing lines of /proc/self/mountinfo, and choosing which file systems to leave alone. */

#include <string.h>

#include "daemon/sensor/mounts.h"
#include "daemon/test.h"

static int parse(const char *line, struct esd_mount *ret)
{
	static char copy[512];

	snprintf(copy, sizeof(copy), "%s", line);
	return esd_mount_parse(copy, ret);
}

static void test_lines(void)
{
	struct esd_mount mount;

	REQUIRE(parse("27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard", &mount) == 0);
	REQUIRE(mount.id == 27 && !strcmp(mount.point, "/") && !strcmp(mount.root, "/") && !strcmp(mount.type, "ext4"));
	REQUIRE(parse("36 35 98:0 /mnt\\0401 /a\\134b\\012c rw shared:1 master:2 - xfs /dev/x rw", &mount) == 0);
	REQUIRE(!strcmp(mount.root, "/mnt 1") && !strcmp(mount.point, "/a\\b\nc") && !strcmp(mount.type, "xfs"));
	REQUIRE(parse("36 35 98:0 / /trailing\\04 rw - tmpfs t rw", &mount) == 0);
	REQUIRE(!strcmp(mount.point, "/trailing\\04"));
}

static void test_no_lines(void)
{
	static const char *const bad[] = { "", " ", "27", "x 1 0:0 / / rw - ext4 a b", "27 1 0:0 / / rw -",
					   "27 1 0:0 / / rw ext4 a b", "27 1 0:0 / /", "- - - - - - -" };
	struct esd_mount mount;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		REQUIRE(parse(bad[i], &mount) < 0);
}

static void test_exempt(void)
{
	REQUIRE(!esd_mount_exempt("ext4") && !esd_mount_exempt("tmpfs") && !esd_mount_exempt("overlay"));
	REQUIRE(!esd_mount_exempt("processfs"));
	REQUIRE(esd_mount_exempt("proc") && esd_mount_exempt("fuse") && esd_mount_exempt("fuse.sshfs"));
	REQUIRE(esd_mount_exempt("fuseblk") && esd_mount_exempt("nfs4") && esd_mount_exempt("devpts"));
}

static void test_own(void)
{
	struct esd_mounts mounts;
	struct esd_mount mount;
	char *cursor = NULL;
	bool root = false;

	REQUIRE(esd_mounts_open(&mounts) == 0);
	for (int round = 0; round < 2; round++) {
		REQUIRE(esd_mounts_read(&mounts) == 0);
		root = false;
		for (cursor = NULL; esd_mounts_next(&mounts, &cursor, &mount);)
			root |= !strcmp(mount.point, "/");
		REQUIRE(root);
	}
	esd_mounts_close(&mounts);
}

int main(void)
{
	test_lines();
	test_no_lines();
	test_exempt();
	test_own();
	return 0;
}
