/* SPDX-License-Identifier: MIT */
/*
 * ESPlatform.h - the types that the API borrows from Darwin, for Linux
 *
 * On macOS these come from <mach/...>, <sys/...> and <uuid/uuid.h>. Here each
 * is defined once: a compatibility header of such a name includes this file
 * and repeats nothing. Types that Linux libraries define too (acl_t of
 * libacl, uuid_t of libuuid) are spelled as those spell them, so a program
 * can include both in either order.
 *
 * What Linux has under the same name is used as it is, though it differs:
 *
 *	struct stat	Linux's, with Darwin's names for the three times
 *	mode_t, dev_t	32 and 64 bits wide (16 and 32 on Darwin)
 *	struct timeval	tv_usec is a long
 *
 * The aim is that source compiles, not that binaries are exchanged.
 */
#ifndef __ENDPOINT_SECURITY_PLATFORM_H
#define __ENDPOINT_SECURITY_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/types.h>
#include <time.h>

#ifndef OS_EXPORT
#define OS_EXPORT extern __attribute__((__visibility__("default")))
#endif

/* Every pointer in these headers has one of these; only clang can check it. */
#ifndef __clang__
#ifndef _Nonnull
#define _Nonnull
#endif
#ifndef _Nullable
#define _Nullable
#endif
#endif

/*
 * Names one execution of a program. Compare and copy it by value. The words,
 * in order: login uid (auid), euid, egid, ruid, rgid, pid, audit session id,
 * pidversion. pidversion is a counter that changes at each fork and exec, so
 * pid and pidversion together are never used twice while the system is up.
 */
typedef struct {
	unsigned int val[8];
} audit_token_t;

/* What kind of machine code an executable holds. */
typedef int cpu_type_t;
typedef int cpu_subtype_t;

#ifndef CPU_ARCH_ABI64
#define CPU_ARCH_ABI64		0x01000000
#endif
#ifndef CPU_TYPE_ANY
#define CPU_TYPE_ANY		((cpu_type_t)-1)
#define CPU_TYPE_X86		((cpu_type_t)7)
#define CPU_TYPE_I386		CPU_TYPE_X86
#define CPU_TYPE_X86_64		(CPU_TYPE_X86 | CPU_ARCH_ABI64)
#define CPU_TYPE_ARM		((cpu_type_t)12)
#define CPU_TYPE_ARM64		(CPU_TYPE_ARM | CPU_ARCH_ABI64)
#endif

/* Addresses and sizes in another process, whatever its word size. */
typedef uint64_t user_addr_t;
typedef uint64_t user_size_t;

/* Which attributes getattrlist(2) and its family are asked for; Darwin only. */
typedef uint32_t attrgroup_t;

struct attrlist {
	uint16_t bitmapcount;		/* always 5 */
	uint16_t reserved;
	attrgroup_t commonattr;
	attrgroup_t volattr;
	attrgroup_t dirattr;
	attrgroup_t fileattr;
	attrgroup_t forkattr;
};

/*
 * A mounted file system as Darwin describes it. glibc has a struct statfs of
 * its own with other members, hence the prefix; the members are Darwin's.
 */
struct es_statfs {
	uint32_t f_bsize;		/* block size, bytes */
	int32_t f_iosize;		/* best transfer size, bytes */
	uint64_t f_blocks;		/* all, in blocks of f_bsize */
	uint64_t f_bfree;
	uint64_t f_bavail;		/* free for ordinary users */
	uint64_t f_files;		/* inodes */
	uint64_t f_ffree;
	struct {
		int32_t val[2];
	} f_fsid;
	uid_t f_owner;			/* who mounted it */
	uint32_t f_type;
	uint32_t f_flags;		/* Darwin's MNT_* bits */
	uint32_t f_fssubtype;
	char f_fstypename[16];		/* "ext4", "tmpfs"; NUL-terminated, may be cut */
	char f_mntonname[1024];		/* where it is mounted */
	char f_mntfromname[1024];	/* device or other source */
	uint32_t f_flags_ext;
	uint32_t f_reserved[7];
};

#ifndef st_atimespec
#define st_atimespec st_atim
#endif
#ifndef st_mtimespec
#define st_mtimespec st_mtim
#endif
#ifndef st_ctimespec
#define st_ctimespec st_ctim
#endif

struct __acl_ext;
typedef struct __acl_ext *acl_t;	/* as in libacl's <sys/acl.h> */

typedef unsigned char uuid_t[16];	/* as in libuuid's <uuid/uuid.h> */

typedef void *xpc_object_t;		/* opaque */

/* How a file was opened: bits of fflag in es_event_open_t. */
#ifndef FREAD
#define FREAD	1
#endif
#ifndef FWRITE
#define FWRITE	2
#endif

/* What a descriptor refers to: fdtype in es_fd_t. */
#ifndef PROX_FDTYPE_ATALK
#define PROX_FDTYPE_ATALK	0
#define PROX_FDTYPE_VNODE	1	/* file, directory, device */
#define PROX_FDTYPE_SOCKET	2
#define PROX_FDTYPE_PSHM	3
#define PROX_FDTYPE_PSEM	4
#define PROX_FDTYPE_KQUEUE	5
#define PROX_FDTYPE_PIPE	6
#define PROX_FDTYPE_FSEVENTS	7
#define PROX_FDTYPE_NETPOLICY	9
#define PROX_FDTYPE_CHANNEL	10
#define PROX_FDTYPE_NEXUS	11
#endif

#endif /* __ENDPOINT_SECURITY_PLATFORM_H */
