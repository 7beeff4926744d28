/* SPDX-License-Identifier: MIT */
/*
 * mount.h - Darwin's struct statfs and its MNT_* flags
 *
 * glibc has a struct statfs with other members. This includes its headers
 * first, and then redefines the name, so that mount events point to a "struct
 * statfs". MNT_FORCE and umount2(2)'s other flags stay Linux's.
 */
#ifndef __ES_COMPAT_MOUNT_H
#define __ES_COMPAT_MOUNT_H

#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>

#include <EndpointSecurity/ESPlatform.h>

/* Bits of f_flags. The first six are all that Linux's mounts have. */
#define MNT_RDONLY		0x00000001
#define MNT_SYNCHRONOUS		0x00000002
#define MNT_NOEXEC		0x00000004
#define MNT_NOSUID		0x00000008
#define MNT_NODEV		0x00000010
#define MNT_NOATIME		0x10000000
#define MNT_UNION		0x00000020
#define MNT_ASYNC		0x00000040
#define MNT_CPROTECT		0x00000080
#define MNT_EXPORTED		0x00000100
#define MNT_REMOVABLE		0x00000200
#define MNT_QUARANTINE		0x00000400
#define MNT_LOCAL		0x00001000
#define MNT_QUOTA		0x00002000
#define MNT_ROOTFS		0x00004000
#define MNT_DOVOLFS		0x00008000
#define MNT_DONTBROWSE		0x00100000
#define MNT_IGNORE_OWNERSHIP	0x00200000
#define MNT_AUTOMOUNTED		0x00400000
#define MNT_JOURNALED		0x00800000
#define MNT_NOUSERXATTR		0x01000000
#define MNT_DEFWRITE		0x02000000
#define MNT_MULTILABEL		0x04000000
#define MNT_SNAPSHOT		0x40000000

#ifdef __cplusplus
extern "C" {
#endif

/* statfs(2) as Darwin's: 0, or -1 with errno. */
OS_EXPORT int es_statfs(const char *path, struct es_statfs *to);

#ifdef __cplusplus
}
#endif

#define statfs es_statfs	/* renames the struct, the function and the members of event payloads */

#endif /* __ES_COMPAT_MOUNT_H */
