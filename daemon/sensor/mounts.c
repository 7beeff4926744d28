/* SPDX-License-Identifier: MIT */
#include "daemon/sensor/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/macro.h"

enum {
	MOUNTS_BYTES_FIRST = 64 * 1024,
	MOUNTS_BYTES_MAX = 64 * 1024 * 1024,
};

static const char kernel_interface[] = "an interface of the kernel, no stored files";
static const char device_files[] = "opening a device does something to it, and we would open it to ask";
static const char remote_files[] = "an open there can wait for another machine";
static const char user_served[] = "it is served by a process that can itself be waiting for an answer";

/* File systems whose opens aren't held. A type that ends in '*' is a prefix. */
static const struct {
	const char *type;
	const char *why;
} exempt_types[] = {
	{ "proc", kernel_interface }, { "sysfs", kernel_interface }, { "cgroup", kernel_interface },
	{ "cgroup2", kernel_interface }, { "bpf", kernel_interface }, { "tracefs", kernel_interface },
	{ "debugfs", kernel_interface }, { "securityfs", kernel_interface }, { "selinuxfs", kernel_interface },
	{ "smackfs", kernel_interface }, { "configfs", kernel_interface }, { "pstore", kernel_interface },
	{ "efivarfs", kernel_interface }, { "fusectl", kernel_interface }, { "binfmt_misc", kernel_interface },
	{ "mqueue", kernel_interface }, { "hugetlbfs", kernel_interface }, { "nsfs", kernel_interface },
	{ "rpc_pipefs", kernel_interface }, { "nfsd", kernel_interface }, { "resctrl", kernel_interface },
	{ "devpts", device_files }, { "devtmpfs", device_files }, { "functionfs", device_files },
	{ "autofs", user_served }, { "fuse*", user_served },
	{ "nfs*", remote_files }, { "cifs", remote_files }, { "smb*", remote_files }, { "9p", remote_files },
	{ "ceph", remote_files }, { "afs", remote_files }, { "coda", remote_files }, { "lustre", remote_files },
};

const char *esd_mount_exempt(const char *type)
{
	for (size_t i = 0; i < ARRAY_SIZE(exempt_types); i++) {
		const char *pattern = exempt_types[i].type;
		size_t length = strlen(pattern);

		if (pattern[length - 1] == '*' ? !strncmp(type, pattern, length - 1) : !strcmp(type, pattern))
			return exempt_types[i].why;
	}
	return NULL;
}

/* Space, tab, newline and backslash are written as \ and three octal digits. */
static void unescape(char *text)
{
	char *out = text;

	for (; *text; text++) {
		if (text[0] == '\\' && strspn(text + 1, "01234567") >= 3) {
			*out++ = (text[1] - '0') << 6 | (text[2] - '0') << 3 | (text[3] - '0');
			text += 3;
		} else {
			*out++ = *text;
		}
	}
	*out = 0;
}

/* "27 1 254:0 / /mnt rw,relatime shared:1 - ext4 /dev/vda rw": id, parent, device, root, mount point, ..., "-", type */
int esd_mount_parse(char *line, struct esd_mount *ret)
{
	struct esd_mount mount = {};
	char *save = NULL, *field, *end;

	for (int i = 0; (field = strtok_r(i ? NULL : line, " ", &save)); i++) {
		if (i == 0) {
			mount.id = strtol(field, &end, 10);
			if (*end)
				return -EINVAL;
		}
		if (i == 3)
			mount.root = field;
		if (i == 4)
			mount.point = field;
		if (i > 5 && !strcmp(field, "-"))
			break;
	}
	mount.type = strtok_r(NULL, " ", &save);
	if (!field || !mount.point || !mount.type)
		return -EINVAL;
	unescape(mount.root);
	unescape(mount.point);
	*ret = mount;
	return 0;
}

int esd_mounts_open(struct esd_mounts *mounts)
{
	*mounts = (struct esd_mounts){ .fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC) };
	return mounts->fd < 0 ? -errno : 0;
}

void esd_mounts_close(struct esd_mounts *mounts)
{
	closep(&mounts->fd);
	mounts->fd = -1;
	free(TAKE_POINTER(mounts->text));
	mounts->size = 0;
}

static int mounts_grow(struct esd_mounts *mounts)
{
	size_t size = mounts->size ? mounts->size * 2 : MOUNTS_BYTES_FIRST;
	char *text;

	if (size > MOUNTS_BYTES_MAX)
		return -EFBIG;
	text = realloc(mounts->text, size);
	if (!text)
		return -ENOMEM;
	mounts->text = text;
	mounts->size = size;
	return 0;
}

int esd_mounts_read(struct esd_mounts *mounts)
{
	size_t used = 0;
	ssize_t n;
	int r;

	if (lseek(mounts->fd, 0, SEEK_SET) < 0)
		return -errno;
	for (;;) {
		if (used + 1 >= mounts->size) {
			r = mounts_grow(mounts);
			if (r < 0)
				return r;
		}
		n = read(mounts->fd, mounts->text + used, mounts->size - used - 1);
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		used += n;
	}
	mounts->text[used] = 0;
	return 0;
}

bool esd_mounts_next(struct esd_mounts *mounts, char **cursor, struct esd_mount *ret)
{
	char *line = *cursor ? *cursor : mounts->text;

	while (line && *line) {
		char *end = strchrnul(line, '\n'), *next = *end ? end + 1 : end;

		*end = 0;
		*cursor = next;
		if (esd_mount_parse(line, ret) == 0)
			return true;
		line = next;
	}
	return false;
}
