/* SPDX-License-Identifier: MIT */
#include "daemon/identity/place.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "util/macro.h"

static const char *const readable[] = {
	"ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "bcachefs",
	"squashfs", "erofs", "iso9660", "cramfs", "romfs",
};

struct mount {
	uint64_t id, dev;
	bool readable, nosuid;
};

/* "ID PARENT MAJOR:MINOR ROOT POINT OPTIONS [FIELDS...] - TYPE SOURCE SUPER_OPTIONS" */
static bool take_mount(char *line, struct mount *ret)
{
	char *type = strstr(line, " - "), options[256] = "";
	unsigned int id, major, minor;

	if (!type || sscanf(line, "%u %*u %u:%u %*s %*s %255s", &id, &major, &minor, options) != 4)
		return false;
	*ret = (struct mount){ .id = id, .dev = (uint64_t)major << 20 | minor, .nosuid = strstr(options, "nosuid") };
	type += strlen(" - ");
	type[strcspn(type, " ")] = '\0';
	for (unsigned int i = 0; i < ARRAY_SIZE(readable); i++)
		ret->readable |= !strcmp(type, readable[i]);
	return true;
}

static void fclosep(FILE **file)
{
	if (*file)
		fclose(*file);
}

/* The first mount that fits. */
static bool find_mount(bool (*fits)(const struct mount *mount, uint64_t number), uint64_t number, struct mount *ret)
{
	_cleanup_(fclosep) FILE *file = fopen("/proc/self/mountinfo", "re");
	_cleanup_free_ char *line = NULL;
	size_t room = 0;

	while (file && getline(&line, &room, file) > 0)
		if (take_mount(line, ret) && fits(ret, number))
			return true;
	return false;
}

unsigned int esd_place_list(uint64_t *devs, unsigned int max)
{
	_cleanup_(fclosep) FILE *file = fopen("/proc/self/mountinfo", "re");
	_cleanup_free_ char *line = NULL;
	unsigned int count = 0;
	struct mount mount;
	size_t room = 0;

	while (file && count < max && getline(&line, &room, file) > 0)
		if (take_mount(line, &mount) && mount.readable)
			devs[count++] = mount.dev;
	return count;
}

static bool has_dev(const struct mount *mount, uint64_t dev)
{
	return mount->dev == dev;
}

static bool has_id(const struct mount *mount, uint64_t id)
{
	return mount->id == id;
}

bool esd_place_readable(uint64_t dev)
{
	struct mount mount;

	return find_mount(has_dev, dev, &mount) && mount.readable;
}

bool esd_place_of(int fd, struct esd_place *ret)
{
	struct statx st;
	struct mount mount;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &st) < 0)
		return false;
	/* If the mount is in another namespace, another mount of the same file system will do. */
	if ((!(st.stx_mask & STATX_MNT_ID) || !find_mount(has_id, st.stx_mnt_id, &mount)) &&
	    !find_mount(has_dev, (uint64_t)st.stx_dev_major << 20 | st.stx_dev_minor, &mount))
		return false;
	*ret = (struct esd_place){ .dev = mount.dev, .trusted = mount.readable && !mount.nosuid };
	return mount.readable;
}

static bool is_roots(const char *path, bool file)
{
	struct stat st;

	return lstat(path, &st) == 0 && (file ? S_ISREG(st.st_mode) : S_ISDIR(st.st_mode)) && st.st_uid == 0 &&
	       !(st.st_mode & 022);
}

/* False also if a name in the path is a link. */
bool esd_place_is_roots(const char *path)
{
	char folder[PATH_MAX];
	char *slash;

	if (path[0] != '/' || strlen(path) >= sizeof(folder) || !is_roots(path, true))
		return false;
	strcpy(folder, path);
	while ((slash = strrchr(folder, '/')) != folder) {
		*slash = '\0';
		if (!is_roots(folder, false))
			return false;
	}
	return is_roots("/", false);
}
