/* SPDX-License-Identifier: MIT */

/* Identities of files of a made tree with a database of packages; and the table and the workers for these. */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/identity/digest.h"
#include "daemon/identity/examine.h"
#include "daemon/identity/identity.h"
#include "daemon/identity/place.h"
#include "daemon/identity/table.h"
#include "daemon/test.h"
#include "util/macro.h"

/* Where a version of a file is its content; /tmp need not be such a place. */
static char tree[] = "/var/tmp/es-test-identity-XXXXXX";

static const char *at(const char *name)
{
	static char paths[4][PATH_MAX];
	static unsigned int next;
	char *path = paths[next++ % ARRAY_SIZE(paths)];

	snprintf(path, sizeof(paths[0]), "%s/%s", tree, name);
	return path;
}

static void put(const char *name, const char *text)
{
	file_write(tree, name, text);
}

static void sum(FILE *sums, const char *name)
{
	_cleanup_close_ int fd = open(at(name), O_RDONLY | O_CLOEXEC);
	struct esd_digests digests;

	REQUIRE(fd >= 0 && esd_digest_fd(fd, 1 << 20, NULL, &digests) == 0);
	for (unsigned int i = 0; i < ESD_MD5; i++)
		fprintf(sums, "%02x", digests.md5[i]);
	fprintf(sums, "  %s\n", name);
}

static void plant(void)
{
	static const char *const folders[] = { "usr", "usr/bin", "var", "var/lib", "var/lib/dpkg", "var/lib/dpkg/info" };
	FILE *sums;

	REQUIRE(mkdtemp(tree));
	for (unsigned int i = 0; i < ARRAY_SIZE(folders); i++)
		REQUIRE(mkdir(at(folders[i]), 0755) == 0);
	put("usr/bin/good", "a program\n");
	put("usr/bin/changed", "another program\n");
	put("usr/bin/own", "no package's\n");
	put("usr/bin/removed", "a program that is removed\n");
	put("var/lib/dpkg/status", "Package: pack\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.5\n\n");
	sums = fopen(at("var/lib/dpkg/info/pack.md5sums"), "we");
	REQUIRE(sums);
	sum(sums, "usr/bin/good");
	sum(sums, "usr/bin/changed");
	sum(sums, "usr/bin/removed");
	fclose(sums);
	put("usr/bin/changed", "changed program\n");
}

static void version_of(int fd, struct es_file_version *ret)
{
	struct esd_place place;
	struct stat st;

	REQUIRE(fstat(fd, &st) == 0 && esd_place_of(fd, &place));
	*ret = esd_version_of(&st, place.dev);
}

static void examine(struct esd_sources *sources, const char *name, struct es_identity *ret)
{
	_cleanup_close_ int fd = open(at(name), O_RDONLY | O_CLOEXEC);
	struct es_file_version version;
	uint64_t bytes = 0;

	REQUIRE(fd >= 0);
	version_of(fd, &version);
	esd_examine_fd(sources, fd, &version, ret, &bytes);
	REQUIRE(bytes == (uint64_t)version.size);
}

static void test_packaged(struct esd_sources *sources)
{
	struct es_identity identity;

	examine(sources, "usr/bin/good", &identity);
	REQUIRE(identity.state == ES_IDENTITY_KNOWN && identity.reason == ES_IDENTITY_REASON_NONE);
	REQUIRE(identity.flags == ES_IDENTITY_PACKAGED && identity.digest_kind == ES_DIGEST_SHA256);
	REQUIRE(!strcmp(identity.signing_id, "pack/good") && !strcmp(identity.package, "pack amd64 1.5"));
	REQUIRE(!identity.team_id[0] && !identity.vendor[0]);
	/* sha256sum of "a program\n" */
	REQUIRE(identity.digest[0] == 0x8c && identity.digest[31] == 0xa8);
}

static void test_not_packaged(struct esd_sources *sources)
{
	struct es_identity identity;

	examine(sources, "usr/bin/changed", &identity);
	REQUIRE(identity.state == ES_IDENTITY_KNOWN && identity.reason == ES_IDENTITY_REASON_CHANGED);
	REQUIRE(!identity.flags && !identity.signing_id[0]);
	examine(sources, "usr/bin/own", &identity);
	REQUIRE(identity.state == ES_IDENTITY_KNOWN && identity.reason == ES_IDENTITY_REASON_NO_PACKAGE && !identity.flags);
}

/* By another name it is another file to the database, whatever is in it. */
static void test_other_names(struct esd_sources *sources)
{
	_cleanup_close_ int fd = open(at("usr/bin/removed"), O_RDONLY | O_CLOEXEC);
	struct es_file_version version;
	struct es_identity identity;
	uint64_t bytes = 0;

	REQUIRE(link(at("usr/bin/good"), at("usr/bin/link")) == 0);
	examine(sources, "usr/bin/link", &identity);
	REQUIRE(identity.reason == ES_IDENTITY_REASON_NO_PACKAGE && !identity.flags);
	REQUIRE(unlink(at("usr/bin/link")) == 0);

	REQUIRE(fd >= 0 && unlink(at("usr/bin/removed")) == 0);
	version_of(fd, &version);
	esd_examine_fd(sources, fd, &version, &identity, &bytes);
	REQUIRE(identity.state == ES_IDENTITY_KNOWN && identity.reason == ES_IDENTITY_REASON_OTHER_NAME);
}

/* What is asked about another version isn't answered with this one. */
static void test_other_version(struct esd_sources *sources)
{
	_cleanup_close_ int fd = open(at("usr/bin/good"), O_RDONLY | O_CLOEXEC);
	struct es_file_version version;
	struct es_identity identity;
	uint64_t bytes = 0;

	REQUIRE(fd >= 0);
	version_of(fd, &version);
	version.ctime_ns++;
	esd_examine_fd(sources, fd, &version, &identity, &bytes);
	REQUIRE(identity.state == ES_IDENTITY_NOT && identity.reason == ES_IDENTITY_REASON_GONE && bytes == 0);
}

/* A change of the same length, at once after the file was looked at, makes another version. */
static void test_change_makes_version(struct esd_sources *sources)
{
	_cleanup_close_ int fd = open(at("usr/bin/own"), O_RDWR | O_CLOEXEC);
	struct es_file_version before, after;
	struct es_identity identity;
	char *mapped;
	uint64_t bytes = 0;

	mapped = mmap(NULL, 4, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	REQUIRE(mapped != MAP_FAILED);
	mapped[0] = 'A';
	version_of(fd, &before);
	esd_examine_fd(sources, fd, &before, &identity, &bytes);
	REQUIRE(identity.state == ES_IDENTITY_KNOWN);
	mapped[0] = 'B';
	version_of(fd, &after);
	REQUIRE(!es_file_version_equal(&before, &after));
	munmap(mapped, 4);
}

static void test_memory_file(struct esd_sources *sources)
{
	_cleanup_close_ int fd = memfd_create("test", MFD_CLOEXEC);
	struct es_identity_want want = { .path = "/proc/self/exe" };
	struct es_identity identity;
	uint64_t bytes = 0;
	struct stat st;

	REQUIRE(fd >= 0 && fstat(fd, &st) == 0);
	want.version = esd_version_of(&st, (uint64_t)(st.st_dev >> 8) << 20 | (st.st_dev & 0xff));
	esd_examine(sources, &want, &identity, &bytes);
	REQUIRE(identity.state == ES_IDENTITY_NOT && identity.reason == ES_IDENTITY_REASON_FILE_SYSTEM && bytes == 0);
}

/* ---- the table ---- */

static void test_table(void)
{
	static struct esd_table table;
	struct es_identity identity = { .state = ES_IDENTITY_KNOWN }, found;
	struct es_file_version version = { .dev = 1, .ino = 2, .size = 3 };
	void *mapped;

	REQUIRE(esd_table_init(&table) == 0);
	REQUIRE(!es_identity_find(table.shared, &version, &found));
	for (uint32_t i = 0; i < 3 * ES_IDENTITY_ROWS; i++) {
		version.ino = i;
		snprintf(identity.signing_id, sizeof(identity.signing_id), "%u", i);
		esd_table_set(&table, &version, &identity);
		REQUIRE(es_identity_find(table.shared, &version, &found) && (uint32_t)atoi(found.signing_id) == i);
	}
	REQUIRE(table.shared->known <= ES_IDENTITY_ROWS && table.shared->known > ES_IDENTITY_ROWS / 2);
	version.size++;
	REQUIRE(!es_identity_find(table.shared, &version, &found));
	version.size--;
	REQUIRE(!esd_table_refresh(&table, &version));
	esd_table_age(&table);
	REQUIRE(es_identity_find(table.shared, &version, &found) && found.flags == ES_IDENTITY_STALE);
	REQUIRE(esd_table_refresh(&table, &version) && !esd_table_refresh(&table, &version));

	/* A file system that has gone takes its rows along. */
	esd_table_keep(&table, &version.dev, 1);
	REQUIRE(es_identity_find(table.shared, &version, &found));
	esd_table_keep(&table, (const uint64_t[]){ 2, 3 }, 2);
	REQUIRE(!es_identity_find(table.shared, &version, &found) && table.shared->known == 0);

	/* A process with the descriptor can read the table, and not write it. */
	mapped = mmap(NULL, sizeof(*table.shared), PROT_READ | PROT_WRITE, MAP_SHARED, table.fd, 0);
	REQUIRE(mapped == MAP_FAILED && errno == EACCES);
	REQUIRE(write(table.fd, "x", 1) < 0 && ftruncate(table.fd, 0) < 0);
	esd_table_deinit(&table);
}

/* ---- the workers ---- */

static const struct es_identity_table *map_table(int fd)
{
	void *mapped = mmap(NULL, sizeof(struct es_identity_table), PROT_READ, MAP_SHARED, fd, 0);

	REQUIRE(mapped != MAP_FAILED);
	return mapped;
}

static void ask(int fd, const struct es_identity_want *want)
{
	size_t bytes = offsetof(struct es_identity_want, path) + strlen(want->path) + 1;

	REQUIRE(send(fd, want, bytes, MSG_DONTWAIT) == (ssize_t)bytes);
}

static void wait_for(const struct es_identity_table *table, const struct es_file_version *version,
		     struct es_identity *ret)
{
	for (int waited = 0; waited < 20000; waited += 10) {
		if (es_identity_find(table, version, ret) && ret->state != ES_IDENTITY_PENDING)
			return;
		poll(NULL, 0, 10);
	}
	REQUIRE(!"answered");
}

static void test_workers(void)
{
	struct esd_identity *identity;
	struct es_identity_want want = {};
	const struct es_identity_table *table;
	struct esd_identity_stats stats;
	struct es_identity found;
	int fds[ES_IDENTITY_FDS], fd;

	REQUIRE(esd_identity_new(&identity, tree) == 0 && esd_identity_start(identity) == 0);
	esd_identity_fds(identity, fds);
	table = map_table(fds[ES_IDENTITY_FD_TABLE]);
	fd = open(at("usr/bin/good"), O_RDONLY | O_CLOEXEC);
	version_of(fd, &want.version);
	snprintf(want.path, sizeof(want.path), "%s", at("usr/bin/good"));
	for (unsigned int i = 0; i < 50; i++)
		ask(fds[ES_IDENTITY_FD_WANTS], &want);
	REQUIRE(send(fds[ES_IDENTITY_FD_WANTS], &want, 20, 0) == 20);
	wait_for(table, &want.version, &found);
	REQUIRE(found.state == ES_IDENTITY_KNOWN && !strcmp(found.signing_id, "pack/good"));
	esd_identity_stats(identity, &stats);
	REQUIRE(stats.known == 1 && stats.pending == 0 && stats.read_bytes == (uint64_t)want.version.size);
	REQUIRE(stats.database_files == 3);
	close(fd);

	/* A path that leads elsewhere by now. */
	want.version.ino++;
	ask(fds[ES_IDENTITY_FD_WANTS], &want);
	wait_for(table, &want.version, &found);
	REQUIRE(found.state == ES_IDENTITY_NOT && found.reason == ES_IDENTITY_REASON_GONE);
	munmap((void *)table, sizeof(*table));
	esd_identity_free(identity);
}

/* dpkg is at work: what doesn't match may be about to, and no more is said until it does, or dpkg is done. */
static void test_upgrade(void)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	struct esd_identity *identity;
	struct es_identity_want want = {};
	const struct es_identity_table *table;
	struct es_identity found = {};
	int fds[ES_IDENTITY_FDS], fd, lock_fd;
	FILE *sums;

	put("var/lib/dpkg/lock", "");
	lock_fd = open(at("var/lib/dpkg/lock"), O_RDWR | O_CLOEXEC);
	REQUIRE(lock_fd >= 0 && fcntl(lock_fd, F_OFD_SETLK, &lock) == 0);
	REQUIRE(esd_identity_new(&identity, tree) == 0 && esd_identity_start(identity) == 0);
	esd_identity_fds(identity, fds);
	table = map_table(fds[ES_IDENTITY_FD_TABLE]);
	fd = open(at("usr/bin/changed"), O_RDONLY | O_CLOEXEC);
	version_of(fd, &want.version);
	snprintf(want.path, sizeof(want.path), "%s", at("usr/bin/changed"));
	ask(fds[ES_IDENTITY_FD_WANTS], &want);
	poll(NULL, 0, 1500);
	REQUIRE(es_identity_find(table, &want.version, &found) && found.state == ES_IDENTITY_PENDING);

	sums = fopen(at("var/lib/dpkg/info/pack.md5sums.new"), "we");
	sum(sums, "usr/bin/changed");
	fclose(sums);
	REQUIRE(rename(at("var/lib/dpkg/info/pack.md5sums.new"), at("var/lib/dpkg/info/pack.md5sums")) == 0);
	put("var/lib/dpkg/status-new", "Package: pack\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.6\n\n");
	REQUIRE(rename(at("var/lib/dpkg/status-new"), at("var/lib/dpkg/status")) == 0);
	close(lock_fd);
	wait_for(table, &want.version, &found);
	REQUIRE(found.state == ES_IDENTITY_KNOWN && !strcmp(found.package, "pack amd64 1.6"));
	close(fd);
	munmap((void *)table, sizeof(*table));
	esd_identity_free(identity);
}

int main(void)
{
	struct esd_sources *sources;
	struct esd_place place;
	char command[PATH_MAX];
	int fd;

	test_table();
	plant();
	fd = open(tree, O_RDONLY | O_CLOEXEC);
	if (!esd_place_of(fd, &place))
		SKIP("a /var/tmp on a disk: neither overlayfs nor tmpfs");
	close(fd);
	REQUIRE(esd_sources_new(&sources, tree) == 0);
	test_packaged(sources);
	test_not_packaged(sources);
	test_other_names(sources);
	test_other_version(sources);
	test_change_makes_version(sources);
	test_memory_file(sources);
	esd_sources_free(sources);
	test_workers();
	test_upgrade();
	snprintf(command, sizeof(command), "rm -r '%s'", tree);
	REQUIRE(system(command) == 0);
	return 0;
}
