/* SPDX-License-Identifier: MIT */
/* proc_info.h - the structs that proc_pidinfo() fills in; PROX_FDTYPE_* are in ESPlatform.h */
#ifndef __ES_COMPAT_SYS_PROC_INFO_H
#define __ES_COMPAT_SYS_PROC_INFO_H

#include <EndpointSecurity/ESPlatform.h>

#ifndef MAXCOMLEN
#define MAXCOMLEN	16
#endif

#define PROC_PIDLISTFDS		1	/* struct proc_fdinfo, one a descriptor */
#define PROC_PIDTBSDINFO	3	/* struct proc_bsdinfo */
#define PROC_PIDVNODEPATHINFO	9	/* struct proc_vnodepathinfo */
#define PROC_PIDT_SHORTBSDINFO	13	/* struct proc_bsdshortinfo */

#define PROC_PIDLISTFD_SIZE		((int)sizeof(struct proc_fdinfo))
#define PROC_PIDTBSDINFO_SIZE		((int)sizeof(struct proc_bsdinfo))
#define PROC_PIDVNODEPATHINFO_SIZE	((int)sizeof(struct proc_vnodepathinfo))
#define PROC_PIDT_SHORTBSDINFO_SIZE	((int)sizeof(struct proc_bsdshortinfo))

/* pbi_status */
#define SIDL	1
#define SRUN	2
#define SSLEEP	3
#define SSTOP	4
#define SZOMB	5

struct proc_bsdinfo {
	uint32_t pbi_flags;		/* 0 */
	uint32_t pbi_status;
	uint32_t pbi_xstatus;		/* 0 */
	uint32_t pbi_pid;
	uint32_t pbi_ppid;
	uid_t pbi_uid;			/* effective */
	gid_t pbi_gid;
	uid_t pbi_ruid;
	gid_t pbi_rgid;
	uid_t pbi_svuid;
	gid_t pbi_svgid;
	uint32_t rfu_1;
	char pbi_comm[MAXCOMLEN];
	char pbi_name[2 * MAXCOMLEN];
	uint32_t pbi_nfiles;
	uint32_t pbi_pgid;
	uint32_t pbi_pjobc;		/* 0 */
	uint32_t e_tdev;		/* terminal; 0 if none */
	uint32_t e_tpgid;		/* its foreground process group */
	int32_t pbi_nice;
	uint64_t pbi_start_tvsec;
	uint64_t pbi_start_tvusec;
};

struct proc_bsdshortinfo {
	uint32_t pbsi_pid;
	uint32_t pbsi_ppid;
	uint32_t pbsi_pgid;
	uint32_t pbsi_status;
	char pbsi_comm[MAXCOMLEN];
	uint32_t pbsi_flags;		/* 0 */
	uid_t pbsi_uid;
	gid_t pbsi_gid;
	uid_t pbsi_ruid;
	gid_t pbsi_rgid;
	uid_t pbsi_svuid;
	gid_t pbsi_svgid;
	uint32_t pbsi_rfu;
};

/* What stat(2) returns for it, and its path as the caller sees it. */
struct vinfo_stat {
	uint32_t vst_dev;
	uint16_t vst_mode;
	uint16_t vst_nlink;
	uint64_t vst_ino;
	uid_t vst_uid;
	gid_t vst_gid;
	int64_t vst_atime, vst_atimensec;
	int64_t vst_mtime, vst_mtimensec;
	int64_t vst_ctime, vst_ctimensec;
	int64_t vst_birthtime, vst_birthtimensec;	/* 0 */
	int64_t vst_size;
	int64_t vst_blocks;
	int32_t vst_blksize;
	uint32_t vst_flags, vst_gen;			/* 0 */
	uint32_t vst_rdev;
	int64_t vst_qspare[2];
};

struct vnode_info {
	struct vinfo_stat vi_stat;
	int vi_type, vi_pad;				/* 0 */
	struct { int32_t val[2]; } vi_fsid;		/* 0 */
};

#define __ES_VIP_PATH	1024

struct vnode_info_path {
	struct vnode_info vip_vi;
	char vip_path[__ES_VIP_PATH];
};

/* Of a process: its current directory and its root. */
struct proc_vnodepathinfo {
	struct vnode_info_path pvi_cdir;
	struct vnode_info_path pvi_rdir;
};

struct proc_fdinfo {
	int32_t proc_fd;
	uint32_t proc_fdtype;		/* PROX_FDTYPE_* */
};

#endif
