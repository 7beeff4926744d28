/* SPDX-License-Identifier: MIT */
#include "daemon/identity/examine.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "daemon/identity/apt.h"
#include "daemon/identity/digest.h"
#include "daemon/identity/dpkg.h"
#include "daemon/identity/place.h"
#include "daemon/identity/signature.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/macro.h"

#ifndef RESOLVE_CACHED
#define RESOLVE_CACHED 0x20
#endif

#define BYTES_MAX (UINT64_C(1) << 30)		/* longer files aren't read */

enum {
	SETTLE_MS = 24,			/* more than a step of the file systems' clock */
	SETTLE_COARSE_MS = 2100,	/* the same for a clock of whole seconds */
	UPDATE_MS = 1000,		/* the shortest time between reads of the database */
};

struct esd_sources {
	atomic_bool stopping;
	pthread_mutex_t lock;		/* of all that follows */
	char *root;
	struct esd_dpkg *dpkg;		/* NULL: not read, or there is none */
	struct esd_vendors *vendors;
	struct esd_keys *keys;
	bool looked;			/* it was read, or tried, at least once */
	uint64_t read_ns;		/* when it was read last */
	uint64_t reads;
};

int esd_sources_new(struct esd_sources **ret, const char *root)
{
	struct esd_sources *sources = calloc(1, sizeof(*sources));

	if (!sources || !(sources->root = strdup(root))) {
		free(sources);
		return -ENOMEM;
	}
	pthread_mutex_init(&sources->lock, NULL);
	*ret = sources;
	return 0;
}

void *esd_sources_free(struct esd_sources *sources)
{
	if (!sources)
		return NULL;
	esd_keys_free(sources->keys);
	esd_vendors_free(sources->vendors);
	esd_dpkg_free(sources->dpkg);
	pthread_mutex_destroy(&sources->lock);
	free(sources->root);
	free(sources);
	return NULL;
}

void esd_sources_stop(struct esd_sources *sources)
{
	atomic_store(&sources->stopping, true);
}

/* ---- the database ---- */

static void sleep_ms(uint64_t ms)
{
	const struct timespec time = { .tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000 * 1000000) };

	(void)clock_nanosleep(CLOCK_MONOTONIC, 0, &time, NULL);
}

/* A source that can't be read counts as absent, and is logged once. */
static void read_all(struct esd_sources *sources)
{
	struct esd_vendors *vendors = NULL;
	struct esd_dpkg *dpkg = NULL;
	int r = esd_dpkg_read(&dpkg, sources->root);

	if (r < 0 && r != -ENOENT)
		log_warning("can't read the database of dpkg: %s; no package vouches for anything", strerror(-r));
	if (r == 0) {
		r = esd_vendors_read(&vendors, sources->root, dpkg, sources->vendors);
		if (r < 0)
			log_warning("can't read the lists of apt: %s; packages have no vendors", strerror(-r));
	}
	esd_vendors_free(sources->vendors);
	esd_dpkg_free(sources->dpkg);
	sources->dpkg = dpkg;
	sources->vendors = vendors;
	sources->read_ns = clock_ns();
	sources->reads++;
	sources->looked = true;
}

static void update_keys(struct esd_sources *sources)
{
	_cleanup_free_ char *folder = NULL;
	struct esd_keys *keys = NULL;

	if (sources->keys && !esd_keys_changed(sources->keys))
		return;
	if (asprintf(&folder, "%s%s", sources->root, ESD_KEYS_FOLDER) < 0 || esd_keys_read(&keys, folder) < 0)
		return;
	esd_keys_free(sources->keys);
	sources->keys = keys;
}

static void update(struct esd_sources *sources)
{
	uint64_t passed;

	update_keys(sources);
	if (sources->looked && (!sources->dpkg || !esd_dpkg_changed(sources->dpkg)) &&
	    (!sources->vendors || !esd_vendors_changed(sources->vendors)))
		return;
	passed = (clock_ns() - sources->read_ns) / NS_PER_MS;
	if (sources->looked && passed < UPDATE_MS)
		sleep_ms(UPDATE_MS - passed);
	read_all(sources);
}

void esd_sources_update(struct esd_sources *sources)
{
	pthread_mutex_lock(&sources->lock);
	update(sources);
	pthread_mutex_unlock(&sources->lock);
}

void esd_sources_counts(struct esd_sources *sources, uint64_t *ret_files, uint64_t *ret_reads)
{
	pthread_mutex_lock(&sources->lock);
	*ret_files = sources->dpkg ? esd_dpkg_files(sources->dpkg) : 0;
	*ret_reads = sources->reads;
	pthread_mutex_unlock(&sources->lock);
}

/* ---- the file ---- */

static bool is_named(const char *path, const struct stat *st)
{
	struct stat named;

	return path[0] == '/' && lstat(path, &named) == 0 && named.st_dev == st->st_dev && named.st_ino == st->st_ino;
}

/*
 * The file's path, if that still leads to it. For a file opened under another root directory, the kernel's path is
 * relative to that one, and may be another file's path here.
 */
static bool path_of(int fd, const struct stat *st, char path[PATH_MAX])
{
	char link[32];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, PATH_MAX - 1);
	if (n <= 0)
		return false;
	path[n] = '\0';
	return is_named(path, st);
}

/*
 * Makes sure that every later write changes the version. After this, the kernel notes the time of the next change, also
 * through a mapping, and that time is a new one, since the clock has advanced.
 */
static void settle(int fd, const struct es_file_version *version)
{
	bool coarse = version->ctime_ns % 1000000000 == 0 && version->mtime_ns % 1000000000 == 0;
	int64_t wait_ms = coarse ? SETTLE_COARSE_MS : SETTLE_MS, passed_ms;
	struct timespec now;

	(void)fdatasync(fd);
	clock_gettime(CLOCK_REALTIME, &now);
	passed_ms = (now.tv_sec * INT64_C(1000000000) + now.tv_nsec - version->ctime_ns) / 1000000;
	if (passed_ms < wait_ms)
		sleep_ms((uint64_t)(passed_ms < 0 ? wait_ms : wait_ms - passed_ms));
}

static bool is_version(int fd, const struct es_file_version *version, struct stat *ret_st, struct esd_place *ret_place)
{
	struct es_file_version now;

	if (fstat(fd, ret_st) < 0 || !S_ISREG(ret_st->st_mode) || !esd_place_of(fd, ret_place))
		return false;
	now = esd_version_of(ret_st, ret_place->dev);
	return es_file_version_equal(&now, version);
}

static void not_known(struct es_identity *identity, enum es_identity_reason reason)
{
	*identity = (struct es_identity){ .state = ES_IDENTITY_NOT, .reason = reason };
}

/* ---- packages ---- */

static void name_it(struct es_identity *identity, const struct esd_dpkg_package *package, const char *path)
{
	snprintf(identity->package, sizeof(identity->package), "%s %s %s", package->name, package->architecture,
		 package->version);
	/* Use no cut name: it could be the name of another program. */
	if ((size_t)snprintf(identity->signing_id, sizeof(identity->signing_id), "%s%s", package->name,
			     strrchr(path, '/')) >= sizeof(identity->signing_id))
		identity->signing_id[0] = '\0';
}

static void ask_vendor(const struct esd_sources *sources, const struct esd_dpkg_package *package, const char *path,
		       const struct esd_place *place, struct es_identity *identity)
{
	struct esd_vendor vendor;

	if (!sources->vendors || !esd_vendors_find(sources->vendors, package, &vendor) ||
	    strlen(vendor.origin) >= sizeof(identity->vendor))
		return;
	identity->flags |= ES_IDENTITY_VENDOR;
	strcpy(identity->vendor, vendor.origin);
	if (vendor.system && place->trusted && esd_place_is_roots(path))
		identity->flags |= ES_IDENTITY_PLATFORM;
	else
		snprintf(identity->team_id, sizeof(identity->team_id), "%s", vendor.origin);
}

/* The path is below `root`, like all paths in that system's database. */
static void ask_packages(const struct esd_sources *sources, const char *path, const uint8_t md5[ESD_MD5],
			 const struct esd_place *place, struct es_identity *identity)
{
	const char *name = path + strlen(sources->root);
	bool known = false, unsettled = false;
	struct esd_dpkg_file file;
	size_t cursor = 0;

	identity->reason = ES_IDENTITY_REASON_NO_PACKAGE;
	if (!sources->dpkg || strncmp(path, sources->root, strlen(sources->root)))
		return;
	while (esd_dpkg_find(sources->dpkg, name, &cursor, &file)) {
		known = true;
		unsettled |= !file.package->settled;
		if (!file.package->settled || memcmp(file.md5, md5, ESD_MD5))
			continue;
		identity->reason = ES_IDENTITY_REASON_NONE;
		identity->flags |= ES_IDENTITY_PACKAGED;
		name_it(identity, file.package, name);
		ask_vendor(sources, file.package, path, place, identity);
		return;
	}
	if (unsettled || esd_dpkg_busy(sources->root) || esd_dpkg_changed(sources->dpkg)) {
		identity->state = ES_IDENTITY_PENDING;
		identity->reason = ES_IDENTITY_REASON_BUSY;
	} else if (known) {
		identity->reason = ES_IDENTITY_REASON_CHANGED;
	}
}

/* ---- signatures ---- */

/* The administrator's signature takes precedence over packages. */
static void ask_signature(const struct esd_sources *sources, int fd, struct es_identity *identity)
{
	char text[ES_SIGNATURE_BYTES];
	ssize_t n = identity->digest_kind > ES_DIGEST_SHA256 ? fgetxattr(fd, ES_SIGNATURE_ATTRIBUTE, text, sizeof(text)) : -1;

	if (n < 0 || !sources->keys)
		return;
	if (esd_keys_check(sources->keys, text, (size_t)n, identity)) {
		identity->flags = (identity->flags & ~(uint32_t)ES_IDENTITY_PLATFORM) | ES_IDENTITY_SIGNED;
		identity->reason = ES_IDENTITY_REASON_NONE;
		identity->state = ES_IDENTITY_KNOWN;
	} else if (identity->state == ES_IDENTITY_KNOWN && !(identity->flags & ES_IDENTITY_PACKAGED)) {
		identity->reason = ES_IDENTITY_REASON_BAD_SIGNATURE;
	}
}

/* ---- together ---- */

static void take_digest(int fd, const struct esd_digests *digests, struct es_identity *identity)
{
	enum es_identity_kind kind;

	identity->digest_kind = ES_DIGEST_SHA256;
	memcpy(identity->digest, digests->sha256, sizeof(digests->sha256));
	if (esd_verity_fd(fd, identity->digest, &kind) == 0)
		identity->digest_kind = kind;
}

void esd_examine_fd(struct esd_sources *sources, int fd, const struct es_file_version *version, struct es_identity *ret,
		    uint64_t *read_bytes)
{
	struct esd_digests digests;
	struct esd_place place;
	char path[PATH_MAX];
	struct stat st;
	bool named;
	int r;

	if (!is_version(fd, version, &st, &place))
		return not_known(ret, ES_IDENTITY_REASON_GONE);
	settle(fd, version);
	r = esd_digest_fd(fd, BYTES_MAX, &sources->stopping, &digests);
	if (r < 0)
		return not_known(ret, r == -EFBIG ? ES_IDENTITY_REASON_TOO_LARGE : ES_IDENTITY_REASON_UNREADABLE);
	*read_bytes += digests.bytes;
	*ret = (struct es_identity){ .state = ES_IDENTITY_KNOWN, .reason = ES_IDENTITY_REASON_OTHER_NAME };
	take_digest(fd, &digests, ret);
	named = path_of(fd, &st, path);
	pthread_mutex_lock(&sources->lock);
	update(sources);
	if (named)
		ask_packages(sources, path, digests.md5, &place, ret);
	ask_signature(sources, fd, ret);
	pthread_mutex_unlock(&sources->lock);
	if (!is_version(fd, version, &st, &place))
		not_known(ret, ES_IDENTITY_REASON_GONE);
}

/*
 * Never waits for a file system that may not answer. Until we know the file system, we open only an O_PATH descriptor,
 * and follow the path only as far as the kernel has it in memory.
 */
static int open_readable(int by)
{
	char link[32];
	struct statx st;

	if (statx(by, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, 0, &st) < 0)
		return -errno;
	if (!esd_place_readable((uint64_t)st.stx_dev_major << 20 | st.stx_dev_minor)) {
		struct esd_place place;

		if (!esd_place_of(by, &place))		/* btrfs: st_dev differs */
			return -EXDEV;
	}
	snprintf(link, sizeof(link), "/proc/self/fd/%d", by);
	by = open(link, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOATIME);
	if (by < 0 && errno == EPERM)		/* O_NOATIME needs the owner or CAP_FOWNER, which the service lacks */
		by = open(link, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	return by < 0 ? -errno : by;
}

static int open_executable(pid_t pid)
{
	_cleanup_close_ int fd = -1;
	char link[32];

	snprintf(link, sizeof(link), "/proc/%d/exe", pid);
	fd = open(link, O_PATH | O_CLOEXEC);
	return fd < 0 ? -errno : open_readable(fd);
}

static int open_path(const char *path)
{
	const struct open_how how = {
		.flags = O_PATH | O_CLOEXEC | O_NOFOLLOW,
		.resolve = RESOLVE_CACHED | RESOLVE_NO_MAGICLINKS,
	};
	_cleanup_close_ int fd = (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));

	return fd < 0 ? -errno : open_readable(fd);
}

void esd_examine(struct esd_sources *sources, const struct es_identity_want *want, struct es_identity *ret,
		 uint64_t *read_bytes)
{
	struct esd_place place;
	struct stat st;

	if (!esd_place_readable(want->version.dev))
		return not_known(ret, ES_IDENTITY_REASON_FILE_SYSTEM);
	for (int way = want->pid > 0 ? 0 : 1; way < 2; way++) {
		_cleanup_close_ int fd = way == 0 ? open_executable(want->pid) : open_path(want->path);

		if (fd >= 0 && is_version(fd, &want->version, &st, &place))
			return esd_examine_fd(sources, fd, &want->version, ret, read_bytes);
	}
	not_known(ret, ES_IDENTITY_REASON_GONE);
}
