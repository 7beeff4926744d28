/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Where a file comes from: a table in shared memory, which the daemon writes and the clients read.
 *
 * A row is about one version of a file, so it stays true whatever the name refers to later. Rows are in sets of
 * ES_IDENTITY_WAYS. A version's hash gives its set, so a reader searches one set. It needs no lock: a row's
 * `sequence` is odd while the daemon writes the row, and has changed afterwards.
 *
 * A client that finds no row sends a struct es_identity_want through a socket that all clients share. It may wait for
 * `finished` to change (a futex). A question that doesn't fit is dropped; the next message with that file asks again.
 */

#include <stddef.h>
#include <stdint.h>

enum {
	ES_IDENTITY_SETS = 1024,
	ES_IDENTITY_WAYS = 8,
	ES_IDENTITY_ROWS = ES_IDENTITY_SETS * ES_IDENTITY_WAYS,
	ES_IDENTITY_DIGEST = 64,
	ES_IDENTITY_PATH = 1024,		/* a question's path, with its NUL; one that is longer is left out */
};

/* In the kernel's words: a device is major << 20 | minor. */
struct es_file_version {
	uint64_t dev;
	uint64_t ino;
	int64_t size;
	int64_t mtime_ns;
	int64_t ctime_ns;
};

enum es_identity_state {
	ES_IDENTITY_UNASKED,		/* no row */
	ES_IDENTITY_PENDING,		/* the daemon is working on it */
	ES_IDENTITY_KNOWN,
	ES_IDENTITY_NOT,		/* it can't be known: `reason` */
};

/*
 * X(constant, name, text). Why no package or signature vouches for a file, or why nothing is known of it. esctl
 * prints the texts. The numbers are those of es_linux_identity_reason_t.
 */
#define ES_IDENTITY_REASONS(X) \
	X(NONE, "none", "a package that is unchanged, or a signature, vouches for it") \
	X(BUSY, "busy", "it, or the database of packages, is changing: it will be looked at again") \
	X(NO_PACKAGE, "no-package", "no package has a file of this name") \
	X(CHANGED, "changed", "it is not the file that its package had") \
	X(OTHER_NAME, "other-name", "its name leads to another file, or to none: from another root, or removed") \
	X(FILE_SYSTEM, "file-system", "its file system can change a file without a trace, or may never answer") \
	X(GONE, "gone", "this version of it can't be opened any more") \
	X(UNREADABLE, "unreadable", "it could not be read") \
	X(TOO_LARGE, "too-large", "it is larger than what is read") \
	X(BAD_SIGNATURE, "bad-signature", "its signature is not by a key of the administrator's, or of something else")

enum es_identity_reason {
#define X(constant, name, text) ES_IDENTITY_REASON_##constant,
	ES_IDENTITY_REASONS(X)
#undef X
	ES_IDENTITY_REASON_MAX
};

enum es_identity_kind {
	ES_DIGEST_NONE,
	ES_DIGEST_SHA256,		/* of the content */
	ES_DIGEST_VERITY_SHA256,	/* fs-verity's, which the kernel keeps true */
	ES_DIGEST_VERITY_SHA512,
};

enum {
	ES_IDENTITY_PACKAGED = 1 << 0,	/* it is as its package had it: `package` */
	ES_IDENTITY_VENDOR = 1 << 1,	/* a signed archive has that version of it: `vendor` */
	ES_IDENTITY_PLATFORM = 1 << 2,	/* that archive is the system's, and only root can change the file */
	ES_IDENTITY_SIGNED = 1 << 3,	/* by a key of the administrator's */
	ES_IDENTITY_STALE = 1 << 4,	/* the database of packages has changed since: worth another question */
};

struct es_identity {
	uint32_t state;			/* enum es_identity_state */
	uint32_t reason;		/* enum es_identity_reason */
	uint32_t flags;			/* ES_IDENTITY_* */
	uint32_t digest_kind;		/* enum es_identity_kind */
	uint8_t digest[ES_IDENTITY_DIGEST];
	char signing_id[160];
	char team_id[64];
	char package[128];		/* name, architecture, version, with blanks between them */
	char vendor[64];		/* the archive's Origin */
};

struct es_identity_row {
	uint32_t sequence;
	uint32_t used;			/* when it was written: the oldest row of a set makes room */
	struct es_file_version version;
	struct es_identity identity;
};

struct es_identity_table {
	uint32_t finished;		/* the daemon counts it up, and wakes its waiters, after writing a row */
	uint32_t known;			/* rows in these states */
	uint32_t pending;
	uint32_t not_known;
	uint64_t dropped;		/* questions for which there was no room in the daemon */
	uint64_t read_bytes;		/* how many the daemon has hashed since it started */
	uint64_t database_files;	/* of packages, 0: not read, or there is none */
	uint64_t database_reads;
	struct es_identity_row rows[ES_IDENTITY_ROWS];
};

/*
 * A signature of the administrator's, in an extended attribute of a file that has fs-verity: "ID\nHEX\n", the signing id,
 * and the signature over the statement below. The digest is the kernel's, so the daemon need not read the file.
 */
#define ES_SIGNATURE_ATTRIBUTE "user.endpointsecurity.signature"
#define ES_SIGNATURE_STATEMENT "EndpointSecurity code signature 1\nfs-verity %s %s\nsigning_id %s\n"	/* kind, hex, id */

enum {
	ES_SIGNATURE_BYTES = 2048,		/* of the attribute, at most */
	ES_SIGNATURE_TEAM = 10,			/* digits of the key's fingerprint, SHA-256 of its SubjectPublicKeyInfo */
};

enum {
	ES_WANT_AUTH = 1 << 0,		/* an operation waits for it */
};

struct es_identity_want {
	struct es_file_version version;
	int32_t pid;			/* of a process that may be executing the file; 0: look for the path only */
	uint32_t flags;			/* ES_WANT_* */
	char path[ES_IDENTITY_PATH];	/* the packet ends behind its NUL */
};

enum es_identity_fd {
	ES_IDENTITY_FD_TABLE,
	ES_IDENTITY_FD_WANTS,
	ES_IDENTITY_FDS,
};

/* The flags of macOS's kern/cs_blobs.h that have a meaning here. X(constant, name, value) */
#define ES_IDENTITY_CS_FLAGS(X) \
	X(VALID, "CS_VALID", 0x1) \
	X(ADHOC, "CS_ADHOC", 0x2) \
	X(HARD, "CS_HARD", 0x100) \
	X(KILL, "CS_KILL", 0x200) \
	X(PLATFORM_BINARY, "CS_PLATFORM_BINARY", 0x4000000) \
	X(SIGNED, "CS_SIGNED", 0x20000000) \
	X(DEV_CODE, "CS_DEV_CODE", 0x40000000)

enum {
#define X(constant, name, value) ES_IDENTITY_CS_##constant = value,
	ES_IDENTITY_CS_FLAGS(X)
#undef X
};

/* es_process_t.codesigning_flags, as the public header explains them. */
static inline uint32_t es_identity_cs_flags(const struct es_identity *identity)
{
	uint32_t flags = ES_IDENTITY_CS_ADHOC;

	if (identity->state != ES_IDENTITY_KNOWN)
		return 0;
	if (identity->flags & (ES_IDENTITY_VENDOR | ES_IDENTITY_SIGNED))
		flags = ES_IDENTITY_CS_VALID | ES_IDENTITY_CS_SIGNED;
	else if (identity->flags & ES_IDENTITY_PACKAGED)
		flags |= ES_IDENTITY_CS_VALID | ES_IDENTITY_CS_SIGNED;
	if (identity->flags & ES_IDENTITY_PLATFORM)
		flags |= ES_IDENTITY_CS_PLATFORM_BINARY;
	if (identity->flags & ES_IDENTITY_SIGNED)
		flags |= ES_IDENTITY_CS_DEV_CODE;
	if (identity->digest_kind > ES_DIGEST_SHA256)
		flags |= ES_IDENTITY_CS_HARD | ES_IDENTITY_CS_KILL;
	return flags;
}

static inline uint32_t es_identity_digest_bytes(const struct es_identity *identity)
{
	switch (identity->digest_kind) {
	case ES_DIGEST_NONE:
		return 0;
	case ES_DIGEST_VERITY_SHA512:
		return 64;
	default:
		return 32;
	}
}

static inline uint32_t es_identity_set(const struct es_file_version *version)
{
	uint64_t hash = version->ino * UINT64_C(0x9e3779b97f4a7c15);

	hash ^= (version->dev + (uint64_t)version->ctime_ns) * UINT64_C(0xc2b2ae3d27d4eb4f);
	hash ^= hash >> 29;
	hash *= UINT64_C(0xbf58476d1ce4e5b9);
	return (uint32_t)(hash >> 40) % ES_IDENTITY_SETS;
}

static inline int es_file_version_equal(const struct es_file_version *one, const struct es_file_version *other)
{
	return one->ino == other->ino && one->ctime_ns == other->ctime_ns && one->dev == other->dev &&
	       one->mtime_ns == other->mtime_ns && one->size == other->size;
}

/* Word by word, since another thread may write meanwhile. The reader finds that out by the row's sequence. */
static inline void es_words_load(void *to, const void *from, size_t bytes)
{
	for (size_t i = 0; i < bytes / sizeof(uint64_t); i++)
		((uint64_t *)to)[i] = __atomic_load_n((const uint64_t *)from + i, __ATOMIC_RELAXED);
}

static inline void es_words_store(void *to, const void *from, size_t bytes)
{
	for (size_t i = 0; i < bytes / sizeof(uint64_t); i++)
		__atomic_store_n((uint64_t *)to + i, ((const uint64_t *)from)[i], __ATOMIC_RELAXED);
}

_Static_assert(sizeof(struct es_file_version) % sizeof(uint64_t) == 0, "it is copied in words");
_Static_assert(sizeof(struct es_identity) % sizeof(uint64_t) == 0, "it is copied in words");

/* Copies the row of a version; 0: there is none. Any number of readers may run beside the one writer. */
static inline int es_identity_find(const struct es_identity_table *table, const struct es_file_version *version,
				   struct es_identity *ret)
{
	const struct es_identity_row *row = &table->rows[es_identity_set(version) * ES_IDENTITY_WAYS];

	for (unsigned int way = 0; way < ES_IDENTITY_WAYS; way++, row++) {
		struct es_file_version found;
		uint32_t before;

		/* If the sequence stays odd, the daemon died while it wrote the row: give up after this many. */
		for (unsigned int attempt = 0; attempt < 1000; attempt++) {
			before = __atomic_load_n(&row->sequence, __ATOMIC_ACQUIRE);
			if (before & 1)
				continue;
			es_words_load(&found, &row->version, sizeof(found));
			if (!es_file_version_equal(&found, version))
				break;
			es_words_load(ret, &row->identity, sizeof(*ret));
			__atomic_thread_fence(__ATOMIC_ACQUIRE);
			if (__atomic_load_n(&row->sequence, __ATOMIC_RELAXED) == before)
				return ret->state != ES_IDENTITY_UNASKED;
		}
	}
	return 0;
}
