/* SPDX-License-Identifier: MIT */
/* What macOS's C library has besides: strl*, strnstr, FREAD, Darwin's statfs. */
#include <string.h>
#include <sys/mount.h>

#include <stdio.h>
#include <sys/statvfs.h>

#include <es-compat/darwin.h>

#include "lib/test.h"

static void test_copy(void)
{
	char to[4];

	CHECK(strlcpy(to, "ab", sizeof(to)) == 2 && strcmp(to, "ab") == 0);
	CHECK(strlcpy(to, "abc", sizeof(to)) == 3 && strcmp(to, "abc") == 0);
	CHECK(strlcpy(to, "abcd", sizeof(to)) == 4 && strcmp(to, "abc") == 0);
	CHECK(strlcpy(to, "xyz", 1) == 3 && to[0] == '\0');
	to[0] = 'q';
	CHECK(strlcpy(to, "xyz", 0) == 3 && to[0] == 'q');
}

static void test_append(void)
{
	char to[6] = "ab";

	CHECK(strlcat(to, "cd", sizeof(to)) == 4 && strcmp(to, "abcd") == 0);
	CHECK(strlcat(to, "efg", sizeof(to)) == 7 && strcmp(to, "abcde") == 0);
	CHECK(strlcat(to, "x", sizeof(to)) == 6 && strcmp(to, "abcde") == 0);
	CHECK(strlcat(to, "xyz", 3) == 6 && strcmp(to, "abcde") == 0);	/* no NUL in the first three */
}

static void test_find(void)
{
	const char text[] = "one two three";

	CHECK(strnstr(text, "two", sizeof(text)) == text + 4);
	CHECK(strnstr(text, "two", 7) == text + 4 && !strnstr(text, "two", 6));
	CHECK(strnstr(text, "", 0) == text && !strnstr(text, "four", 1000));
	CHECK(strnstr(text, "three", 1000) == text + 8 && !strnstr("", "x", 10));
}

static void test_statfs(void)
{
	struct statfs fs;		/* Darwin's */
	struct statvfs linux_fs;

	CHECK(statfs("/proc/self", &fs) == 0);
	CHECK(strcmp(fs.f_mntonname, "/proc") == 0 && strcmp(fs.f_fstypename, "proc") == 0 && fs.f_mntfromname[0]);
	CHECK(statfs("/", &fs) == 0 && statvfs("/", &linux_fs) == 0);
	CHECK(strcmp(fs.f_mntonname, "/") == 0 && fs.f_blocks == linux_fs.f_blocks && fs.f_bsize == linux_fs.f_bsize);
	CHECK(!(fs.f_flags & MNT_RDONLY) == !(linux_fs.f_flag & ST_RDONLY));
	CHECK(statfs("/no/such/place", &fs) == -1 && errno == ENOENT);
}

int main(void)
{
	test_copy();
	test_append();
	test_find();
	test_statfs();
	CHECK(FREAD == 1 && FWRITE == 2);
	return 0;
}
