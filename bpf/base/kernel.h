/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The kernel's structures, as far as the programs look at them: only the members that are used, in any order. The
 * loader finds the real offsets in the running kernel's BTF (CO-RE), so the build needs no kernel headers and doesn't
 * depend on the machine it runs on. A name with ___ is an older (or newer) shape of the same structure.
 */

#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#include "bpf/base/constants.h"

typedef __u8 uint8_t;
typedef __u16 uint16_t;
typedef __u32 uint32_t;
typedef __u64 uint64_t;
typedef __s32 int32_t;
typedef __s64 int64_t;
typedef _Bool bool;
#define true 1
#define false 0
#define NULL ((void *)0)

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct list_head {
	struct list_head *next, *prev;
};

struct hlist_node {
	struct hlist_node *next;
};

struct hlist_head {
	struct hlist_node *first;
};

struct hlist_bl_node {
	struct hlist_bl_node *next, **pprev;
};

struct qstr {
	uint64_t hash_len;
	uint32_t len;
	const unsigned char *name;
};

typedef struct {
	uint32_t val;
} kuid_t;

typedef struct {
	uint32_t val;
} kgid_t;

struct timespec64 {
	int64_t tv_sec;
	long tv_nsec;
};

struct file_system_type {
	const char *name;
};

struct super_block {
	uint32_t s_dev;
	unsigned long s_blocksize;
	unsigned long s_magic;
	unsigned long s_flags;
	struct file_system_type *s_type;
	struct dentry *s_root;
	struct user_namespace *s_user_ns;
	struct list_head s_mounts;
};

/* 6.17 and later */
struct super_block___chained {
	struct mount___chained *s_mounts;
};

typedef struct {
	int counter;
} atomic_t;

typedef struct {
	int64_t counter;
} atomic64_t;

struct rw_semaphore {
	atomic64_t count;
	atomic64_t owner;
};

struct inode {
	uint16_t i_mode;
	kuid_t i_uid;
	kgid_t i_gid;
	struct super_block *i_sb;
	struct hlist_head i_dentry;
	struct address_space *i_mapping;
	unsigned long i_ino;
	unsigned int i_nlink;
	uint32_t i_rdev;
	int64_t i_size;
	uint8_t i_blkbits;
	uint64_t i_blocks;
	uint32_t i_generation;
	char *i_link;
	atomic_t i_count;
	atomic_t i_writecount;
	struct rw_semaphore i_rwsem;
	/* 6.11 and later */
	int64_t i_atime_sec, i_mtime_sec, i_ctime_sec;
	uint32_t i_atime_nsec, i_mtime_nsec, i_ctime_nsec;
};

/* 6.7 to 6.10 */
struct inode___times_private {
	struct timespec64 __i_atime, __i_mtime, __i_ctime;
};

/* up to 6.5, and 6.6 but for the change time */
struct inode___times_plain {
	struct timespec64 i_atime, i_mtime, i_ctime, __i_ctime;
};

struct dentry_operations {
	void *d_dname;
};

struct dentry {
	unsigned int d_flags;
	struct hlist_bl_node d_hash;
	struct dentry *d_parent;
	struct qstr d_name;
	struct inode *d_inode;
	const struct dentry_operations *d_op;
	struct super_block *d_sb;
	struct hlist_node d_sib;
	struct hlist_head d_children;
	struct hlist_node d_alias;	/* since 7.3: of a union without a name */
};

/* before */
struct dentry___union {
	union {
		struct hlist_node d_alias;
	} d_u;
};

/* up to 6.7 */
struct dentry___lists {
	struct list_head d_child;
	struct list_head d_subdirs;
};

enum dentry_flags___new {
	DCACHE_MOUNTED = 1 << 16,
};

struct vfsmount {
	struct dentry *mnt_root;
	struct super_block *mnt_sb;
	int mnt_flags;
};

struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
	struct list_head mnt_mounts;
	struct list_head mnt_child;
	struct list_head mnt_instance;
	const char *mnt_devname;
	struct mnt_namespace *mnt_ns;
	int mnt_id;
};

/* 6.17 and later */
struct mount___chained {
	struct mount___chained *mnt_next_for_sb;
};

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

struct file {
	unsigned int f_mode;
	unsigned int f_flags;
	struct inode *f_inode;
	struct path f_path;
	int64_t f_pos;
	void *private_data;
};

struct iattr {
	unsigned int ia_valid;
	struct timespec64 ia_atime;
	struct timespec64 ia_mtime;
};

struct vm_area_struct {
	unsigned long vm_start;
	unsigned long vm_flags;
	struct file *vm_file;
};

struct kstat {
	uint16_t mode;
	unsigned int nlink;
	uint32_t blksize;
	uint64_t ino;
	uint32_t dev;
	uint32_t rdev;
	kuid_t uid;
	kgid_t gid;
	int64_t size;
	struct timespec64 atime, mtime, ctime;
	uint64_t blocks;
};

struct __kernel_timex {
	unsigned int modes;
};

struct renamedata {
	struct dentry *old_dentry;
	struct dentry *new_dentry;
	unsigned int flags;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
	unsigned long *close_on_exec;
};

struct files_struct {
	atomic_t count;
	struct fdtable *fdt;
};

struct fs_struct {
	struct path root;
	struct path pwd;
};

struct user_namespace {
	struct user_namespace *parent;
	int level;
	kuid_t owner;
};

struct cred {
	kuid_t uid;
	kgid_t gid;
	kuid_t suid;
	kuid_t euid;
	kgid_t egid;
	struct user_namespace *user_ns;
};

struct upid {
	int nr;
	struct pid_namespace *ns;
};

struct pid {
	unsigned int level;
	struct hlist_head tasks[4];
	struct upid numbers[1];
};

struct proc_inode {
	struct pid *pid;
	struct inode vfs_inode;
};

struct ns_common {
	unsigned int inum;
};

struct mnt_namespace {
	struct ns_common ns;
};

struct xarray {
	void *xa_head;
};

struct xa_node {
	unsigned char shift;
	void *slots[64];
};

struct idr {
	struct xarray idr_rt;
};

struct pid_namespace {
	struct idr idr;
	struct ns_common ns;
};

struct nsproxy {
	struct mnt_namespace *mnt_ns;
};

struct tty_file_private {
	struct tty_struct *tty;
	struct file *file;
	struct list_head list;
};

struct tty_driver {
	int major;
	int minor_start;
};

struct tty_struct {
	int index;
	struct tty_driver *driver;
	struct tty_struct *link;
	char name[64];
	struct list_head tty_files;
};

struct mm_struct {
	unsigned long arg_start, arg_end, env_start, env_end;
	struct file *exe_file;
};

struct kernfs_node {
	uint64_t id;
};

struct cgroup {
	int level;
	struct cgroup *ancestors[1];
	struct kernfs_node *kn;
};

struct css_set {
	struct cgroup *dfl_cgrp;
};

struct thread_info {
	uint32_t status;
};

typedef struct {
	unsigned long sig[1];
} sigset_t;

struct sigaction {
	void *sa_handler;
};

struct k_sigaction {
	struct sigaction sa;
};

struct sighand_struct {
	struct k_sigaction action[64];
};

struct sigpending {
	sigset_t signal;
};

struct signal_struct {
	atomic_t live;
	struct sigpending shared_pending;
	int group_exit_code;
	unsigned int flags;
	struct pid *pids[4];
	struct tty_struct *tty;
};

struct task_struct {
	struct sigpending pending;
	struct sighand_struct *sighand;
	sigset_t blocked;
	struct thread_info thread_info;
	unsigned int flags;
	unsigned int ptrace;
	unsigned long jobctl;
	struct callback_head *task_works;
	int pid;
	int tgid;
	int exit_code;
	struct mm_struct *mm;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	uint64_t start_boottime;
	struct pid *thread_pid;
	struct hlist_node pid_links[4];
	struct list_head ptraced;
	struct list_head ptrace_entry;
	const struct cred *cred;
	const struct cred *real_cred;
	struct fs_struct *fs;
	struct files_struct *files;
	struct nsproxy *nsproxy;
	struct signal_struct *signal;
	struct css_set *cgroups;
	kuid_t loginuid;
	unsigned int sessionid;
	uint64_t timer_slack_ns;
};

struct file_kattr {
	uint32_t fsx_xflags;
};

struct linux_binprm {
	char buf[256];
	struct file *file;
	const char *filename;
	const char *interp;
};

struct kernel_siginfo {
	int si_code;
};

struct module {
	char name[56];
};

struct pt_regs {
	unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di, orig_ax, ip, cs, sp;
};

struct bpf_iter__task {
	struct task_struct *task;
};

#pragma clang attribute pop

/* BPF_CORE_READ() whose first argument may be any expression, also one through our own structs. */
#define READ_CORE(pointer, ...) ({ __typeof__(pointer) read_ = (pointer); BPF_CORE_READ(read_, __VA_ARGS__); })

void *bpf_rdonly_cast(const void *object, uint32_t type) __ksym __weak;

/*
 * One member of a kernel object: a plain load where the kernel lets a program take a number for a pointer (since
 * 6.2), else a call that costs a hundred instructions. For the verifier, a pointer that this reads is no number.
 */
#define READ_FAST(pointer, member) ({ \
	__typeof__(pointer) peek_ = (pointer); \
	__typeof__(peek_->member) peeked_; \
	if (bpf_rdonly_cast) \
		peeked_ = ((__typeof__(peek_))bpf_rdonly_cast(peek_, \
							      bpf_core_type_id_kernel(__typeof__(*peek_))))->member; \
	else \
		peeked_ = BPF_CORE_READ(peek_, member); \
	peeked_; \
})

/*
 * A member, as a mere number, also if it is a pointer. Where the kernel lets a program take any address for that of a
 * struct (since 6.2), a plain load, through a struct that begins with a number. Else a call that costs a hundred
 * instructions.
 */
#define READ_SCALAR(pointer, member) ({ \
	__typeof__(pointer) from_ = (pointer); \
	uint64_t value_ = 0; \
	if (bpf_rdonly_cast) \
		value_ = (uint64_t)*(__typeof__(from_->member) *) \
			bpf_rdonly_cast(&from_->member, bpf_core_type_id_kernel(struct timespec64)); \
	else \
		bpf_core_read(&value_, sizeof(from_->member), &from_->member); \
	value_; \
})

/* A struct path in the kernel's memory. */
static inline __attribute__((always_inline)) struct path path_at(uint64_t address)
{
	struct path path = {};

	bpf_probe_read_kernel(&path, sizeof(path), (void *)address);
	return path;
}

/* A pointer that the verifier knows, as a mere number: global functions, verified by themselves, take such. */
static inline __attribute__((always_inline)) uint64_t scalar_of(const void *pointer)
{
	const void *volatile kept = pointer;
	uint64_t number = 0;

	bpf_probe_read_kernel(&number, sizeof(number), (const void *)&kept);
	return number;
}

struct task_struct *bpf_task_from_pid(int pid) __ksym __weak;
void bpf_task_release(struct task_struct *task) __ksym __weak;

#define READ_ONCE(place) (*(const volatile __typeof__(place) *)&(place))
#define WRITE_ONCE(place, value) (*(volatile __typeof__(place) *)&(place) = (value))
