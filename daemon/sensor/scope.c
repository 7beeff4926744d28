/* SPDX-License-Identifier: MIT */
#include "daemon/sensor/scope.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "daemon/sensor/mounts.h"
#include "util/log.h"
#include "util/macro.h"

void esd_scope_init(struct esd_scope *scope)
{
	*scope = (struct esd_scope){ .text = "everything" };
}

void esd_scope_deinit(struct esd_scope *scope)
{
	for (unsigned int i = 0; i < scope->mounts; i++)
		free(scope->mount_path[i]);
	scope->mounts = 0;
}

static void scope_say(struct esd_scope *scope, const char *what, const char *path)
{
	size_t used = scope->cgroup || scope->mounts ? strlen(scope->text) : 0;

	snprintf(scope->text + used, sizeof(scope->text) - used, "%s%s %s", used ? ", " : "", what, path);
}

/* Components of a path, "/" having none. */
static unsigned int path_depth(const char *path)
{
	unsigned int depth = 0;

	for (; *path; path++)
		if (path[0] == '/' && path[1] && path[1] != '/')
			depth++;
	return depth;
}

/* The depth of `path`, which is resolved, below the root of the hierarchy that is mounted as `mount_id`. */
static int cgroup_level(const char *path, uint64_t mount_id, uint32_t *ret_level)
{
	_cleanup_(esd_mounts_close) struct esd_mounts mounts = { .fd = -1 };
	struct esd_mount mount;
	char *cursor = NULL;
	size_t length;
	int r;

	r = esd_mounts_open(&mounts);
	if (r == 0)
		r = esd_mounts_read(&mounts);
	if (r < 0)
		return r;
	while (esd_mounts_next(&mounts, &cursor, &mount)) {
		length = strlen(mount.point);
		if ((uint64_t)mount.id != mount_id || strncmp(path, mount.point, length))
			continue;
		if (strstr(mount.root, ".."))	/* a cgroup namespace that begins above the mount */
			return -EXDEV;
		*ret_level = path_depth(mount.root) + path_depth(path + length);
		return 0;
	}
	return -ENOENT;
}

static int path_look(const char *option, const char *path, struct statx *ret)
{
	if (statx(AT_FDCWD, path, 0, STATX_TYPE | STATX_INO | STATX_MNT_ID, ret) < 0) {
		log_error("%s %s: %s", option, path, strerror(errno));
		return -errno;
	}
	if (!(ret->stx_mask & STATX_MNT_ID)) {
		log_error("%s needs statx(2) to tell mount ids: Linux 5.8 or later", option);
		return -EOPNOTSUPP;
	}
	return 0;
}

int esd_scope_set_cgroup(struct esd_scope *scope, const char *path)
{
	_cleanup_free_ char *resolved = NULL;
	struct statfs fs;
	struct statx st;
	int r;

	r = path_look("--scope-cgroup", path, &st);
	if (r < 0)
		return r;
	if (statfs(path, &fs) < 0 || fs.f_type != CGROUP2_SUPER_MAGIC || !S_ISDIR(st.stx_mode)) {
		log_error("--scope-cgroup %s: not a directory of a cgroup v2 hierarchy; these are where "
			  "'findmnt -t cgroup2' says", path);
		return -EINVAL;
	}
	resolved = realpath(path, NULL);
	if (!resolved)
		return -errno;
	r = cgroup_level(resolved, st.stx_mnt_id, &scope->cgroup_level);
	if (r < 0) {
		log_error("--scope-cgroup %s: can't tell how deep it lies: %s", path, strerror(-r));
		return r;
	}
	scope_say(scope, "cgroup", path);
	scope->cgroup = st.stx_ino;	/* the id of a cgroup is its inode number, on 64-bit machines */
	return 0;
}

int esd_scope_add_mount(struct esd_scope *scope, const char *path)
{
	struct statx st;
	char *resolved;
	int r;

	if (scope->mounts == ES_SCOPE_MOUNTS) {
		log_error("--scope-mount can be given %d times at most", ES_SCOPE_MOUNTS);
		return -E2BIG;
	}
	r = path_look("--scope-mount", path, &st);
	if (r < 0)
		return r;
	if (!(st.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) || !(st.stx_attributes & STATX_ATTR_MOUNT_ROOT)) {
		log_error("--scope-mount %s: not a mount point; give one that 'findmnt' lists, or make it one with "
			  "'mount --bind %s %s'", path, path, path);
		return -EINVAL;
	}
	resolved = realpath(path, NULL);
	if (!resolved)
		return -errno;
	scope_say(scope, "mount", path);
	scope->mount_path[scope->mounts] = resolved;
	scope->mount_id[scope->mounts++] = st.stx_mnt_id;
	return 0;
}
