/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * (1) The lsm sensor's hooks: operations that can be held, on kernels where LSM programs load. Each puts its record
 * together and waits (wait.bpf.h); what was done is told by the tracepoint programs as on any kernel.
 *
 *	file_open		AUTH_OPEN
 *	bprm_check_security	AUTH_EXEC, at the last program of a chain of interpreters
 *	path_unlink, path_rmdir	AUTH_UNLINK
 *	path_rename		AUTH_RENAME, AUTH_EXCHANGEDATA
 *	path_link		AUTH_LINK
 *	path_mkdir, path_symlink, path_mknod	AUTH_CREATE; open(2) with O_CREAT comes by path_mknod
 *	path_truncate		AUTH_TRUNCATE; before 6.2 ftruncate(2) comes by, too
 *	path_chmod, path_chown	AUTH_SETMODE, AUTH_SETOWNER
 *	path_chroot		AUTH_CHROOT
 *	file_ioctl, file_ioctl_compat	AUTH_SETFLAGS, AUTH_CLONE
 *	file_fcntl		AUTH_FCNTL
 *	file_permission		AUTH_READDIR, AUTH_COPYFILE
 *	mmap_file		AUTH_MMAP
 *	sb_mount		AUTH_MOUNT, AUTH_REMOUNT
 *	settime			AUTH_SETTIME
 *	task_kill		AUTH_SIGNAL, AUTH_PROC_SUSPEND_RESUME
 *	ptrace_access_check	AUTH_GET_TASK, of ptrace(2)
 *
 * The rest is in lsm-object.bpf.h.
 */

#include "bpf/base/syscall-args.bpf.h"
#include "bpf/hold/fanotify.bpf.h"
#include "bpf/hold/wait.bpf.h"
#include "bpf/notify/attribute.bpf.h"
#include "bpf/notify/name.bpf.h"
#include "bpf/notify/process.bpf.h"
#include "bpf/notify/system.bpf.h"
#include "bpf/record/exec.bpf.h"

enum {
	FMODE_EXEC_ = 0x20,		/* in f_flags: opened by an exec */
	FMODE_NOACCOUNT_ = 0x20000000,
	O_TMPFILE_ = 0x400000,
	MNT_INTERNAL_ = 0x4000,
};

/*
 * Each hook twice: one that may sleep at the gate, and one for kernels where it may not, or that have no gate. The
 * daemon loads the one or the other.
 */
#define LSM_HOOK(name, result, params...) \
	SEC("lsm.s/" #name) \
	int BPF_PROG(hook_##name, params) \
	{ \
		return result; \
	} \
	SEC("lsm/" #name) \
	int BPF_PROG(plain_##name, params) \
	{ \
		return result; \
	}

static __always_inline uint64_t inode_key(struct dentry *dentry)
{
	return dentry ? (uint64_t)READ(dentry, d_inode) : 0;
}

static __always_inline uint64_t name_key(struct dentry *dentry)
{
	return READ(dentry, d_name.hash_len);
}

/* The object that a dentry names, in the directory's mount. */
static __always_inline uint32_t put_entry(struct scratch *s, const struct path *dir, struct dentry *dentry)
{
	struct path path = { .mnt = READ(dir, mnt), .dentry = dentry };

	return put_path(s, &path);
}

static __always_inline uint32_t put_dir(struct scratch *s, const struct path *dir)
{
	struct path path = { .mnt = READ(dir, mnt), .dentry = READ(dir, dentry) };

	return put_path(s, &path);
}

static __always_inline void put_name(struct scratch *s, struct dentry *dentry)
{
	put_string(s, &head_of(s)->str[0], READ(dentry, d_name.name), NAME_BYTES);
}

/* ---- open, exec ---- */

static __always_inline void put_open(struct scratch *s, struct file *file)
{
	head_of(s)->file[0] = put_file(s, file);
	head_of(s)->num[0] = fflag_of(file);
	if (head_of(s)->type == EV_NOTIFY_OPEN) {
		head_of(s)->flags = ES_RECORD_FLAGS_RESULT;
		head_of(s)->result = 0;
	}
}

/* Started over, an open with O_EXCL would find the file that it has just made. */
static __always_inline bool made_exclusively(struct file *file)
{
	return READ(file, f_mode) & FMODE_CREATED && READ(file, f_flags) & O_EXCL;
}

/*
 * What a file system in layers opens below itself, for an open that was asked about, or to copy a file up. Its mounts
 * are in no namespace, and yet not internal as that of memfds is. Before 6.5 the path is that of the file above, whose
 * inode is another.
 */
static __always_inline bool opened_by_file_system(struct file *file)
{
	struct vfsmount *mnt = file->f_path.mnt;

	if (file->f_mode & FMODE_NOACCOUNT_ && READ(file, f_path.dentry, d_inode) != READ(file, f_inode))
		return true;
	return !(mnt->mnt_flags & MNT_INTERNAL_) && (int64_t)PEEK(mount_of(mnt), mnt_ns) == -EINVAL;
}

/* Of a file without a name there is another each time that the call starts over: it is known by its directory. */
static __always_inline uint64_t open_key(struct file *file)
{
	if (file->f_flags & O_TMPFILE_)
		return (uint64_t)READ(file, f_path.dentry, d_parent, d_inode);
	return (uint64_t)file->f_inode;
}

/* What was muted is often all there is. */
static __always_inline void about_opened(struct question *q, struct file *file, uint32_t flags)
{
	question_spare(q, EV_AUTH_OPEN, file->f_path.mnt, file->f_path.dentry, true);
	about_file(q, file, flags);
}

/* The hook's program is in attribute.bpf.h. A function with a stack of its own, since the rest of that program has one. */
static __noinline int on_file_open(struct file *file)
{
	uint32_t flags = file->f_mode & (FMODE_READ | FMODE_WRITE);
	struct question q = {};

	if (!control.subscribers[EV_AUTH_OPEN] || file->f_flags & FMODE_EXEC_ || opened_by_file_system(file))
		return 0;
	if (flags & FMODE_WRITE)
		flags |= CHANGES_FILE;
	if (!question_open_kept(&q, EV_AUTH_OPEN, EV_NOTIFY_OPEN, open_key(file), file->f_flags, 0,
				about_opened(&q, file, flags)))
		return 0;
	return question_ask(&q, made_exclusively(file) ? WAIT_WHOLE : WAIT_GATE, put_open(s, file));
}

static __always_inline void put_bprm(struct scratch *s, struct call *call, const char *interp)
{
	bpf_probe_read_kernel_str(s->capture.path, USER_BYTES, interp);
	capture_current(&s->capture, call);
	put_waiting_exec(s, bpf_get_current_task_btf(), call, &s->capture);
}

/*
 * Called once for each program of a chain: a script, its interpreter. The kernel has just read the arguments, so they
 * can be read again without sleeping. Waiting is at the gate; nothing that others need is locked.
 */
static __always_inline int on_bprm_check_security(struct linux_binprm *bprm, int ret)
{
	struct call *call = call_entered(ES_KIND_EXEC);
	struct path file = {};
	struct question q = {};
	char begin[2] = {};

	if (ret || !call)
		return ret;
	file.mnt = READ(bprm, file, f_path.mnt);
	file.dentry = READ(bprm, file, f_path.dentry);
	bpf_probe_read_kernel(begin, sizeof(begin), (char *)bprm + bpf_core_field_offset(struct linux_binprm, buf));
	if (begin[0] == '#' && begin[1] == '!') {
		if (!call->script.dentry)
			call->script = file;
		return 0;
	}
	if (!question_open_kept(&q, EV_AUTH_EXEC, EV_NOTIFY_EXEC, inode_key(file.dentry), 0, 0,
				if (!call->script.dentry) about_file(&q, READ(bprm, file), KEPT_RESULT)))
		return 0;
	call->file = file;
	return question_ask(&q, WAIT_GATE, put_bprm(s, call, READ(bprm, interp)));
}

LSM_HOOK(bprm_check_security, on_bprm_check_security(bprm, ret), struct linux_binprm *bprm, int ret)

/* ---- names ---- */

static __always_inline void put_unlink(struct scratch *s, const struct path *dir, struct dentry *dentry)
{
	head_of(s)->file[0] = put_entry(s, dir, dentry);
	head_of(s)->file[1] = put_dir(s, dir);
}

static __always_inline int ask_unlink(const struct path *dir, struct dentry *dentry)
{
	struct question q = {};

	if (!question_open(&q, EV_AUTH_UNLINK, EV_NOTIFY_UNLINK, inode_key(dentry), inode_key(READ(dir, dentry)),
			   name_key(dentry)))
		return 0;
	return question_ask(&q, WAIT_SLICED, put_unlink(s, dir, dentry));
}

static __always_inline int on_path_unlink(const struct path *dir, struct dentry *dentry, int ret)
{
	return ret ? ret : ask_unlink(dir, dentry);
}

LSM_HOOK(path_unlink, on_path_unlink(dir, dentry, ret), const struct path *dir, struct dentry *dentry, int ret)

static __always_inline int on_path_rmdir(const struct path *dir, struct dentry *dentry, int ret)
{
	return ret ? ret : ask_unlink(dir, dentry);
}

LSM_HOOK(path_rmdir, on_path_rmdir(dir, dentry, ret), const struct path *dir, struct dentry *dentry, int ret)

static __always_inline void put_rename(struct scratch *s, const struct path *old_dir, struct dentry *old,
				       const struct path *new_dir, struct dentry *new)
{
	head_of(s)->file[0] = put_entry(s, old_dir, old);
	if (inode_key(new)) {
		head_of(s)->file[1] = put_entry(s, new_dir, new);
	} else {
		head_of(s)->num[0] = NEW_PATH;
		head_of(s)->file[1] = put_dir(s, new_dir);
		put_name(s, new);
	}
}

static __always_inline int on_path_rename(const struct path *old_dir, struct dentry *old, const struct path *new_dir,
					  struct dentry *new, unsigned int flags, int ret)
{
	bool exchange = flags & LINUX_RENAME_EXCHANGE;
	struct question q = {};

	if (ret)
		return ret;
	if (!question_open(&q, exchange ? EV_AUTH_EXCHANGEDATA : EV_AUTH_RENAME,
			   exchange ? EV_NOTIFY_EXCHANGEDATA : EV_NOTIFY_RENAME, inode_key(old),
			   inode_key(READ(new_dir, dentry)), name_key(new)))
		return 0;
	return question_ask(&q, WAIT_SLICED, put_rename(s, old_dir, old, new_dir, new));
}

LSM_HOOK(path_rename, on_path_rename(old_dir, old, new_dir, new, flags, ret), const struct path *old_dir,
	 struct dentry *old, const struct path *new_dir, struct dentry *new, unsigned int flags, int ret)

static __always_inline void put_link(struct scratch *s, struct dentry *old, const struct path *new_dir,
				     struct dentry *new)
{
	head_of(s)->file[0] = put_entry(s, new_dir, old);
	head_of(s)->file[1] = put_dir(s, new_dir);
	put_name(s, new);
}

static __always_inline int on_path_link(struct dentry *old, const struct path *new_dir, struct dentry *new, int ret)
{
	struct question q = {};

	if (ret)
		return ret;
	if (!question_open(&q, EV_AUTH_LINK, EV_NOTIFY_LINK, inode_key(old), inode_key(READ(new_dir, dentry)),
			   name_key(new)))
		return 0;
	return question_ask(&q, WAIT_SLICED, put_link(s, old, new_dir, new));
}

LSM_HOOK(path_link, on_path_link(old, new_dir, new, ret), struct dentry *old, const struct path *new_dir,
	 struct dentry *new, int ret)

/* Of what is about to be made, the record has directory, name and mode. */
static __always_inline void put_create(struct scratch *s, const struct path *dir, struct dentry *dentry, uint32_t mode)
{
	head_of(s)->num[0] = NEW_PATH;
	head_of(s)->num[1] = mode;
	head_of(s)->file[0] = put_dir(s, dir);
	put_name(s, dentry);
}

static __always_inline bool create_open(struct question *q, const struct path *dir, struct dentry *dentry,
					uint32_t mode)
{
	return question_open(q, EV_AUTH_CREATE, EV_NOTIFY_CREATE, inode_key(READ(dir, dentry)), name_key(dentry), mode);
}

static __always_inline int on_path_mkdir(const struct path *dir, struct dentry *dentry, uint16_t mode, int ret)
{
	struct question q = {};

	mode = S_IFDIR | (mode & 07777);
	if (ret || !create_open(&q, dir, dentry, mode))
		return ret;
	return question_ask(&q, WAIT_SLICED, put_create(s, dir, dentry, mode));
}

LSM_HOOK(path_mkdir, on_path_mkdir(dir, dentry, mode, ret), const struct path *dir, struct dentry *dentry,
	 uint16_t mode, int ret)

static __always_inline int on_path_symlink(const struct path *dir, struct dentry *dentry, const char *text, int ret)
{
	struct question q = {};

	if (ret || !create_open(&q, dir, dentry, S_IFLNK | 0777))
		return ret;
	return question_ask(&q, WAIT_SLICED, put_create(s, dir, dentry, S_IFLNK | 0777));
}

LSM_HOOK(path_symlink, on_path_symlink(dir, dentry, text, ret), const struct path *dir, struct dentry *dentry,
	 const char *text, int ret)

/* May not sleep. open(2) comes by here with the mode of a regular file. */
SEC("lsm/path_mknod")
int BPF_PROG(plain_path_mknod, const struct path *dir, struct dentry *dentry, uint16_t mode, unsigned int dev, int ret)
{
	struct question q = {};

	if (!(mode & S_IFMT))
		mode |= S_IFREG;
	if (ret || !create_open(&q, dir, dentry, mode))
		return ret;
	return question_ask(&q, WAIT_RESTART, put_create(s, dir, dentry, mode));
}

/* ---- attributes ---- */

static __always_inline void put_attribute(struct scratch *s, const struct path *path, int64_t first, int64_t second)
{
	head_of(s)->num[0] = first;
	head_of(s)->num[1] = second;
	head_of(s)->file[0] = put_dir(s, path);
}

static __always_inline int on_path_chmod(const struct path *path, uint16_t mode, int ret)
{
	struct question q = {};

	if (ret || !question_open_kept(&q, EV_AUTH_SETMODE, EV_NOTIFY_SETMODE, inode_key(READ(path, dentry)), mode, 0,
				       about_path(&q, path, KEPT_RESULT | CHANGES_FILE)))
		return ret;
	return question_ask(&q, WAIT_SLICED, put_attribute(s, path, mode, 0));
}

LSM_HOOK(path_chmod, on_path_chmod(path, mode, ret), const struct path *path, uint16_t mode, int ret)

static __always_inline int on_path_chown(const struct path *path, uint64_t uid, uint64_t gid, int ret)
{
	struct question q = {};

	if (ret || !question_open_kept(&q, EV_AUTH_SETOWNER, EV_NOTIFY_SETOWNER, inode_key(READ(path, dentry)), uid, gid,
				       about_path(&q, path, KEPT_RESULT | CHANGES_FILE)))
		return ret;
	return question_ask(&q, WAIT_SLICED, put_attribute(s, path, (uint32_t)uid, (uint32_t)gid));
}

LSM_HOOK(path_chown, on_path_chown(path, uid, gid, ret), const struct path *path, uint64_t uid, uint64_t gid, int ret)

static __always_inline int on_path_truncate(const struct path *path, int ret)
{
	struct question q = {};

	if (ret || current_call().kind != ES_KIND_TRUNCATE)	/* open(2) with O_TRUNC, before 6.2 */
		return ret;
	if (!question_open(&q, EV_AUTH_TRUNCATE, EV_NOTIFY_TRUNCATE, inode_key(READ(path, dentry)), 0, 0))
		return 0;
	return question_ask(&q, WAIT_SLICED, put_attribute(s, path, 0, 0));
}

LSM_HOOK(path_truncate, on_path_truncate(path, ret), const struct path *path, int ret)

static __always_inline int on_path_chroot(const struct path *path, int ret)
{
	struct question q = {};

	if (ret || !question_open_kept(&q, EV_AUTH_CHROOT, EV_NOTIFY_CHROOT, inode_key(READ(path, dentry)), 0, 0,
				       about_path(&q, path, KEPT_RESULT)))
		return ret;
	return question_ask(&q, WAIT_RESTART, put_attribute(s, path, 0, 0));
}

SEC("lsm/path_chroot")
int BPF_PROG(plain_path_chroot, const struct path *path, int ret)
{
	return on_path_chroot(path, ret);
}

/* ---- open files ---- */

static __always_inline void put_file_number(struct scratch *s, struct file *file, int64_t number)
{
	head_of(s)->file[0] = put_file(s, file);
	head_of(s)->num[0] = number;
}

static __always_inline void put_clone(struct scratch *s, struct file *target, uint64_t source)
{
	head_of(s)->file[0] = put_file(s, (struct file *)source);
	put_dir_and_name_of(s, &head_of(s)->file[1], &head_of(s)->str[0], target);
}

static __always_inline int ask_clone(struct file *target, uint64_t source, enum wait_how how)
{
	struct question q = {};

	if (!source || !question_open(&q, EV_AUTH_CLONE, EV_NOTIFY_CLONE, (uint64_t)READ(target, f_inode), source, 0))
		return 0;
	return question_ask(&q, how, put_clone(s, target, source));
}

static __always_inline int ask_flags(struct file *file, uint64_t address, enum wait_how how)
{
	struct question q = {};
	uint32_t flags = 0;

	bpf_probe_read_user(&flags, sizeof(flags), (void *)address);
	if (!question_open_kept(&q, EV_AUTH_SETFLAGS, EV_NOTIFY_SETFLAGS, (uint64_t)READ(file, f_inode), flags, 0,
				about_file(&q, file, KEPT_RESULT | CHANGES_FILE)))
		return 0;
	return question_ask(&q, how, put_file_number(s, file, flags));
}

static __always_inline int on_file_ioctl(struct file *file, unsigned int cmd, unsigned long arg, enum wait_how how,
					 int ret)
{
	int64_t from = -1;

	if (ret)
		return ret;
	switch (cmd) {
	case LINUX_FICLONE:
		return ask_clone(file, (uint64_t)file_of_fd(arg), how);
	case LINUX_FICLONERANGE:
		bpf_probe_read_user(&from, sizeof(from), (void *)arg);
		return ask_clone(file, (uint64_t)file_of_fd(from), how);
	case LINUX_FS_IOC_SETFLAGS:
	case LINUX_FS_IOC32_SETFLAGS:
	case LINUX_FS_IOC_FSSETXATTR:
		return ask_flags(file, arg, how);
	}
	return 0;
}

static __always_inline int ask_and_note_ioctl(struct file *file, unsigned int cmd, unsigned long arg, int ret)
{
	ret = on_file_ioctl(file, cmd, arg, WAIT_GATE, ret);
	if (!ret)
		changed_by_ioctl(NUMBER(file, f_inode), cmd);
	return ret;
}

LSM_HOOK(file_ioctl, ask_and_note_ioctl(file, cmd, arg, ret), struct file *file, unsigned int cmd, unsigned long arg,
	 int ret)

/* ioctl(2) of a 32-bit program since 6.8. It may not sleep. */
SEC("lsm/file_ioctl_compat")
int BPF_PROG(plain_file_ioctl_compat, struct file *file, unsigned int cmd, unsigned long arg, int ret)
{
	return on_file_ioctl(file, cmd, arg, WAIT_RESTART, ret);
}

SEC("lsm/file_fcntl")
int BPF_PROG(plain_file_fcntl, struct file *file, unsigned int cmd, unsigned long arg, int ret)
{
	struct question q = {};

	if (ret || !question_open(&q, EV_AUTH_FCNTL, EV_NOTIFY_FCNTL, (uint64_t)READ(file, f_inode), cmd, arg))
		return ret;
	return question_ask(&q, WAIT_RESTART, put_file_number(s, file, cmd));
}

/* copy_file_range(2), from the beginning, and of as much as there is. It comes by for reading and for writing. */
static __always_inline struct file *copy_target(struct file *source)
{
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
	bool compat = is_compat();
	uint64_t offset_at = compat ? (uint32_t)regs->cx : regs->si;
	uint64_t length = compat ? (uint32_t)regs->di : regs->r8;
	int64_t offset = READ(source, f_pos), size = READ(source, f_inode, i_size);

	if (file_of_fd(compat ? regs->bx : regs->di) != source)
		return NULL;
	if (offset_at)
		bpf_probe_read_user(&offset, sizeof(offset), (void *)offset_at);
	return !offset && size > 0 && length >= (uint64_t)size ? file_of_fd(regs->dx) : NULL;
}

static __always_inline void put_read(struct scratch *s, struct file *file, struct file *target)
{
	if (target)
		put_copy(s, file, target, 0);
	else
		head_of(s)->file[0] = put_file(s, file);
}

/* A directory that is read: each call of getdents(2) is asked about. Or a file that is copied. */
SEC("lsm/file_permission")
int BPF_PROG(plain_file_permission, struct file *file, int mask, int ret)
{
	enum { LINUX_MAY_READ = 4 };
	struct call *call = call_entered(ES_KIND_COPY);
	struct file *target = NULL;
	struct question q = {};

	if (ret || !(mask & LINUX_MAY_READ))
		return ret;
	if (current_call().kind == ES_KIND_COPY) {
		target = copy_target(file);
		if (!target || !call || call->flags & CALL_ALLOWED)
			return 0;
	} else if ((READ(file, f_inode, i_mode) & S_IFMT) != S_IFDIR) {
		return 0;
	}
	if (!question_open_kept(&q, target ? EV_AUTH_COPYFILE : EV_AUTH_READDIR,
				target ? EV_NOTIFY_COPYFILE : EV_NOTIFY_READDIR, (uint64_t)READ(file, f_inode),
				(uint64_t)target, 0, if (!target) about_file(&q, file, KEPT_RESULT)))
		return 0;
	ret = question_ask(&q, WAIT_RESTART, put_read(s, file, target));
	if (!ret && target && call)
		call->flags |= CALL_ALLOWED;
	return ret;
}

static __always_inline int on_mmap_file(struct file *file, unsigned long reqprot, unsigned long prot,
					unsigned long flags, int ret)
{
	struct question q = {};

	if (ret || !file)
		return ret;
	if (!question_open_kept(&q, EV_AUTH_MMAP, EV_NOTIFY_MMAP, (uint64_t)READ(file, f_inode), prot, flags,
				about_file(&q, file, KEPT_RESULT)))
		return 0;
	return question_ask(&q, in_exec() ? WAIT_WHOLE : WAIT_GATE, put_mmap(s, file, prot, flags));
}

LSM_HOOK(mmap_file, on_mmap_file(file, reqprot, prot, flags, ret), struct file *file, unsigned long reqprot,
	 unsigned long prot, unsigned long flags, int ret)

/* ---- mounts, clock ---- */

static __always_inline void put_sb_mount(struct scratch *s, const char *device, const struct path *path,
					 const char *type, unsigned long flags)
{
	struct path at_ = { .mnt = READ(path, mnt), .dentry = READ(path, dentry) };

	put_mounted_on(s, put_path(s, &at_));
	put_string(s, &head_of(s)->str[0], type, NAME_BYTES);
	put_string(s, &head_of(s)->str[2], device, NAME_BYTES);
	head_of(s)->num[0] = flags;
	head_of(s)->num[4] = disposition_of(0, flags);
}

static __always_inline int on_sb_mount(const char *device, const struct path *path, const char *type,
				       unsigned long flags, int ret)
{
	bool remount = flags & LINUX_MS_REMOUNT;
	struct question q = {};

	if (ret || flags & LINUX_MS_PROPAGATION)
		return ret;
	if (!question_open_kept(&q, remount ? EV_AUTH_REMOUNT : EV_AUTH_MOUNT,
				remount ? EV_NOTIFY_REMOUNT : EV_NOTIFY_MOUNT, inode_key(READ(path, dentry)), flags, 0,
				if (!remount) about_path(&q, path, KEPT_RESULT)))
		return 0;
	return question_ask(&q, WAIT_GATE, put_sb_mount(s, device, path, type, flags));
}

LSM_HOOK(sb_mount, on_sb_mount(device, path, type, flags, ret), const char *device, const struct path *path,
	 const char *type, unsigned long flags, void *data, int ret)

static __always_inline int on_settime(int ret)
{
	struct question q = {};

	if (ret || !question_open(&q, EV_AUTH_SETTIME, EV_NOTIFY_SETTIME, 0, 0, 0))
		return ret;
	return question_ask(&q, WAIT_GATE, (void)0);
}

LSM_HOOK(settime, on_settime(ret), const void *time, const void *zone, int ret)

/* ---- processes ---- */

static __always_inline void put_other(struct scratch *s, struct task_struct *target, int64_t number)
{
	head_of(s)->other = put_process(s, target);
	head_of(s)->num[0] = number;
}

/* kill(2) of many: those before would get the signal again if the call were started over. */
static __always_inline bool kills_many(struct task_struct *task)
{
	enum { NR_KILL = 62, NR_KILL_32 = 37 };
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);

	if (is_compat())
		return regs->orig_ax == NR_KILL_32 && (int)regs->bx <= 0;
	return regs->orig_ax == NR_KILL && (int)regs->di <= 0;
}

static __always_inline int ask_signal(struct task_struct *target, uint32_t type, uint32_t notify, int64_t number)
{
	struct question q = {};

	if (!question_open(&q, type, notify, (uint64_t)target, number, 0))
		return 0;
	return question_ask(&q, WAIT_RESTART, put_other(s, target, number));
}

SEC("lsm/task_kill")
int BPF_PROG(plain_task_kill, struct task_struct *target, struct kernel_siginfo *info, int sig, const struct cred *cred,
	     int ret)
{
	enum { SIGCONT_ = 18, SIGSTOP_ = 19, SIGTSTP_ = 20 };
	struct task_struct *task = bpf_get_current_task_btf();

	if (ret || !sent_by_program(info, task, target))
		return ret;
	if (kills_many(task)) {
		__sync_fetch_and_add(&stats.not_held, 1);
		return 0;
	}
	ret = ask_signal(target, EV_AUTH_SIGNAL, EV_NOTIFY_SIGNAL, sig);
	if (!ret && (sig == SIGCONT_ || sig == SIGSTOP_ || sig == SIGTSTP_))
		ret = ask_signal(target, EV_AUTH_PROC_SUSPEND_RESUME, EV_NOTIFY_PROC_SUSPEND_RESUME, sig == SIGCONT_);
	return ret;
}

/*
 * Only ptrace(2) itself can be started over: where else this is asked (process_vm_readv(2) and its kin), the answer is
 * yes or no, given with a lock held, and starting over would look like a no. Those go on, and are counted. Opens of
 * files in /proc were asked about before, at file_open.
 */
SEC("lsm/ptrace_access_check")
int BPF_PROG(plain_ptrace_access_check, struct task_struct *target, unsigned int mode, int ret)
{
	enum { LINUX_PTRACE_MODE_ATTACH = 2 };
	struct es_syscall call = current_call();
	struct question q = {};
	bool read;

	if (ret || !(mode & LINUX_PTRACE_MODE_ATTACH) || call.kind == ES_KIND_OPEN ||
	    READ(target, tgid) == bpf_get_current_pid_tgid() >> 32)
		return ret;
	read = call.kind == ES_KIND_PTRACE && call.variant == ES_VARIANT_OTHER;
	if (!question_open_kept(&q, read ? EV_AUTH_GET_TASK_READ : EV_AUTH_GET_TASK, EV_NOTIFY_GET_TASK,
				(uint64_t)target, mode, 0, about_process(&q, number_of(target), 0)))
		return 0;
	if (call.kind != ES_KIND_PTRACE || call.variant != ES_VARIANT_PLAIN) {
		__sync_fetch_and_add(&stats.not_held, 1);
		return 0;
	}
	return question_ask(&q, WAIT_RESTART, put_other(s, target, 0));
}
