/* SPDX-License-Identifier: MIT */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "abi/identity.h"
#include "tools/esctl/esctl.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/macro.h"

enum { WAIT_S = 60 };			/* enough for the largest file that the daemon reads */

/* ---- the question ---- */

static void fclosep(FILE **file)
{
	if (*file)
		fclose(*file);
}

/* The kernel's number of the file system, which on btrfs differs from that of stat(2). */
static bool device_of(int fd, uint64_t *ret)
{
	_cleanup_(fclosep) FILE *file = fopen("/proc/self/mountinfo", "re");
	_cleanup_free_ char *line = NULL;
	unsigned int id, major, minor;
	struct statx st;
	size_t room = 0;

	if (!file || statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &st) < 0)
		return false;
	while (getline(&line, &room, file) > 0) {
		if (sscanf(line, "%u %*u %u:%u", &id, &major, &minor) != 3 || id != st.stx_mnt_id)
			continue;
		*ret = (uint64_t)major << 20 | minor;
		return true;
	}
	return false;
}

static int64_t nanoseconds(struct timespec time)
{
	return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

/* 0, or the exit status. */
static int make_want(const char *path, struct es_identity_want *ret)
{
	_cleanup_free_ char *resolved = realpath(path, NULL);
	_cleanup_close_ int fd = resolved ? open(resolved, O_PATH | O_NOFOLLOW | O_CLOEXEC) : -1;
	struct stat st;

	*ret = (struct es_identity_want){};
	if (fd < 0 || fstat(fd, &st) < 0 || !device_of(fd, &ret->version.dev)) {
		log_error("%s: %s", path, strerror(errno));
		return EX_NOINPUT;
	}
	if (!S_ISREG(st.st_mode) || strlen(resolved) >= sizeof(ret->path)) {
		log_error("%s: not a regular file, or its path is too long", path);
		return EX_NOINPUT;
	}
	ret->version.ino = st.st_ino;
	ret->version.size = st.st_size;
	ret->version.mtime_ns = nanoseconds(st.st_mtim);
	ret->version.ctime_ns = nanoseconds(st.st_ctim);
	strcpy(ret->path, resolved);
	return 0;
}

/* Negative: see ask_failed(). */
static int ask_daemon(const struct es_identity_want *want, struct es_identity *ret)
{
	_cleanup_close_ int table_fd = -1, wants_fd = -1, fd = -1;
	const struct timespec step = { .tv_nsec = 100 * NS_PER_MS };
	uint64_t end_ns = clock_ns() + WAIT_S * NS_PER_S;
	const struct es_identity_table *table;
	int fds[ES_IDENTITY_FDS], r;
	uint32_t finished;

	r = daemon_connect(&fd);
	if (r == 0)
		r = daemon_ask_descriptors(fd, ES_REQUEST_IDENTITY, fds, ES_IDENTITY_FDS);
	if (r < 0)
		return r;
	table_fd = fds[ES_IDENTITY_FD_TABLE];
	wants_fd = fds[ES_IDENTITY_FD_WANTS];
	table = mmap(NULL, sizeof(*table), PROT_READ, MAP_SHARED, table_fd, 0);
	if (table == MAP_FAILED)
		return -errno;
	if (send(wants_fd, want, offsetof(struct es_identity_want, path) + strlen(want->path) + 1, MSG_NOSIGNAL) < 0)
		r = -errno;
	while (r == 0 && clock_ns() < end_ns) {
		finished = __atomic_load_n(&table->finished, __ATOMIC_ACQUIRE);
		if (es_identity_find(table, &want->version, ret) && ret->state != ES_IDENTITY_PENDING &&
		    !(ret->flags & ES_IDENTITY_STALE))
			break;
		(void)syscall(SYS_futex, &table->finished, FUTEX_WAIT, finished, &step, NULL, 0);
	}
	munmap((void *)table, sizeof(*table));
	return r;
}

/* ---- the answer ---- */

static const char *state_name(const struct es_identity *identity)
{
	static const char *const names[] = {
		[ES_IDENTITY_UNASKED] = "pending",
		[ES_IDENTITY_PENDING] = "pending",
		[ES_IDENTITY_KNOWN] = "known",
		[ES_IDENTITY_NOT] = "not known",
	};

	return identity->state < ARRAY_SIZE(names) ? names[identity->state] : "unknown";
}

static const struct {
	const char *name;
	const char *text;
} reasons[] = {
#define X(constant, name, text) { name, text },
	ES_IDENTITY_REASONS(X)
#undef X
};

static const char *const kinds[] = {
	[ES_DIGEST_NONE] = "none",
	[ES_DIGEST_SHA256] = "sha256",
	[ES_DIGEST_VERITY_SHA256] = "fs-verity-sha256",
	[ES_DIGEST_VERITY_SHA512] = "fs-verity-sha512",
};

static const char *hex(const uint8_t *bytes, size_t count, char text[2 * ES_IDENTITY_DIGEST + 1])
{
	for (size_t i = 0; i < count; i++)
		sprintf(text + 2 * i, "%02x", bytes[i]);
	text[2 * count] = '\0';
	return text;
}

static void print_flags(uint32_t flags)
{
	printf("flags      0x%x", flags);
#define X(constant, name, value) \
	if (flags & (value)) \
		printf(" " name);
	ES_IDENTITY_CS_FLAGS(X)
#undef X
	putchar('\n');
}

static void print_text(const char *name, const char *text, const char *none)
{
	printf("%-10s %s\n", name, text[0] ? text : none);
}

static const char *archive(const struct es_identity *identity)
{
	return identity->flags & ES_IDENTITY_PLATFORM ? ", the system's own archive, and only root can change the file"
						      : ", by an archive that is signed";
}

static void print_identity(const char *path, const struct es_identity *identity)
{
	char text[2 * ES_IDENTITY_DIGEST + 1];

	printf("file       %s\n", path);
	printf("state      %s\n", state_name(identity));
	if (identity->state < ES_IDENTITY_KNOWN)
		return;
	printf("because    %s\n", reasons[identity->reason].text);
	if (identity->state != ES_IDENTITY_KNOWN)
		return;
	print_text("package", identity->package, "none");
	printf("vendor     %s%s\n", identity->vendor[0] ? identity->vendor : "none",
	       identity->vendor[0] ? archive(identity) : "");
	printf("digest     %s %s\n", kinds[identity->digest_kind],
	       hex(identity->digest, es_identity_digest_bytes(identity), text));
	print_text("signing_id", identity->signing_id, "\"\"");
	print_text("team_id", identity->team_id, "\"\"");
	printf("platform   %s\n", identity->flags & ES_IDENTITY_PLATFORM ? "yes" : "no");
	printf("cdhash     %s\n", hex(identity->digest, 20, text));
	print_flags(es_identity_cs_flags(identity));
}

static int json_identity(const char *path, const struct es_identity *identity)
{
	char text[2 * ES_IDENTITY_DIGEST + 1];
	struct json json = {};

	json_literal(&json, "{\"file\":");
	json_text(&json, path);
	json_key(&json, "state");
	json_text(&json, state_name(identity));
	json_key(&json, "reason");
	json_text(&json, reasons[identity->reason].name);
	json_key(&json, "package");
	json_text(&json, identity->package);
	json_key(&json, "vendor");
	json_text(&json, identity->vendor);
	json_key(&json, "digest_kind");
	json_text(&json, kinds[identity->digest_kind]);
	json_key(&json, "digest");
	json_text(&json, hex(identity->digest, es_identity_digest_bytes(identity), text));
	json_key(&json, "signing_id");
	json_text(&json, identity->signing_id);
	json_key(&json, "team_id");
	json_text(&json, identity->team_id);
	json_key(&json, "is_platform_binary");
	json_boolean(&json, identity->flags & ES_IDENTITY_PLATFORM);
	json_key(&json, "codesigning_flags");
	json_unsigned(&json, es_identity_cs_flags(identity));
	json_close(&json, '}');
	return json_print(&json);
}

/* False: the answer has unknown values, perhaps from another version of the daemon. */
static bool makes_sense(struct es_identity *identity)
{
	TERMINATE(identity->signing_id);
	TERMINATE(identity->team_id);
	TERMINATE(identity->package);
	TERMINATE(identity->vendor);
	return identity->reason < ARRAY_SIZE(reasons) && identity->digest_kind < ARRAY_SIZE(kinds);
}

int command_identity(bool as_json, const char *path)
{
	struct es_identity identity = {};
	struct es_identity_want want;
	int r;

	r = make_want(path, &want);
	if (r)
		return r;
	r = ask_daemon(&want, &identity);
	if (r == -ENODATA) {
		log_error("the administrator has turned this off: identity in endpointsecurity.conf(5)");
		return EX_UNAVAILABLE;
	}
	if (r == 0 && !makes_sense(&identity))
		r = -EPROTO;
	if (r < 0)
		return ask_failed(r);
	if (as_json)
		r = json_identity(want.path, &identity);
	else
		print_identity(want.path, &identity);
	if (r)
		return r;
	return identity.state < ES_IDENTITY_KNOWN ? EX_TEMPFAIL : EX_OK;
}
