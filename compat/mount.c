/* SPDX-License-Identifier: MIT */
/* Darwin's statfs(2): numbers from Linux's, names from the mount table. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>

#include <EndpointSecurity/ESPlatform.h>

#include "compat/sleep.h"
#include "lib/unseen.h"
#include "util/macro.h"

EXPORT int es_statfs(const char *path, struct es_statfs *to);

static void fclosep(FILE **file)
{
	if (*file)
		fclose(*file);
}

static uint32_t flags(long linux_flags)
{
	static const struct {
		long from;
		uint32_t to;
	} map[] = {
		{ ST_RDONLY, 0x1 }, { ST_SYNCHRONOUS, 0x2 }, { ST_NOEXEC, 0x4 },
		{ ST_NOSUID, 0x8 }, { ST_NODEV, 0x10 },	     { ST_NOATIME, 0x10000000 },
	};
	uint32_t darwin = 0;

	for (size_t i = 0; i < ARRAY_SIZE(map); i++)
		if (linux_flags & map[i].from)
			darwin |= map[i].to;
	return darwin;
}

/* Decodes a word of the mount table, which has blanks and backslashes as \ooo. */
static void put_name(char *to, size_t size, const char *word)
{
	size_t length = 0;
	unsigned int c;

	while (*word && length + 1 < size) {
		if (sscanf(word, "\\%3o", &c) == 1) {
			to[length++] = (char)c;
			word += 4;
		} else {
			to[length++] = *word++;
		}
	}
	to[length] = '\0';
}

/* "36 35 98:0 /root /mounted/on options tags - type source more" */
static int put_names(struct es_statfs *to, uint64_t mount_id)
{
	UNSEEN();
	_cleanup_(fclosep) FILE *table = fopen("/proc/self/mountinfo", "re");
	_cleanup_free_ char *line = NULL;
	size_t room = 0;

	if (!table)
		return -errno;
	while (getline(&line, &room, table) > 0) {
		char *rest = strstr(line, " - "), *save = NULL, *on, *type, *from;

		if (!rest || strtoull(line, NULL, 10) != mount_id)
			continue;
		*rest = '\0';
		on = strtok_r(line, " ", &save);
		for (int i = 0; on && i < 4; i++)
			on = strtok_r(NULL, " ", &save);
		type = strtok_r(rest + 3, " \n", &save);
		from = strtok_r(NULL, " \n", &save);
		put_name(to->f_mntonname, sizeof(to->f_mntonname), on ? on : "");
		put_name(to->f_fstypename, sizeof(to->f_fstypename), type ? type : "");
		put_name(to->f_mntfromname, sizeof(to->f_mntfromname), from ? from : "");
		return 0;
	}
	return -ENOENT;
}

static uid_t owner_of(const char *mounted_on)
{
	struct stat st;

	return stat(mounted_on, &st) == 0 ? st.st_uid : 0;
}

int es_statfs(const char *path, struct es_statfs *to)
{
	struct statfs fs;
	struct statx stx;
	int r;

	if (statfs(path, &fs) || statx(AT_FDCWD, path, 0, STATX_MNT_ID, &stx))
		return -1;
	memset(to, 0, sizeof(*to));
	r = put_names(to, stx.stx_mnt_id);
	if (r < 0) {
		errno = -r;
		return -1;
	}
	to->f_bsize = (uint32_t)fs.f_bsize;
	to->f_iosize = (int32_t)fs.f_bsize;
	to->f_blocks = fs.f_blocks;
	to->f_bfree = fs.f_bfree;
	to->f_bavail = fs.f_bavail;
	to->f_files = fs.f_files;
	to->f_ffree = fs.f_ffree;
	memcpy(&to->f_fsid, &fs.f_fsid, sizeof(to->f_fsid));
	to->f_owner = owner_of(to->f_mntonname);
	to->f_type = (uint32_t)fs.f_type;
	to->f_flags = flags(fs.f_flags);
	return 0;
}
