/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * (A1) The lsm sensor's hooks, where operations can be held, on kernels where LSM programs load. Each makes its record
 * and waits (wait.bpf.h). The programs of bpf/notify report what was done. This file has the hooks of opens and of open
 * files; name, attribute, process and system have the rest.
 *
 *	file_open		AUTH_OPEN; AUTH_GET_TASK, AUTH_GET_TASK_READ, AUTH_PROC_CHECK, AUTH_FSGETPATH
 *	file_ioctl, file_ioctl_compat	AUTH_SETFLAGS
 *	file_fcntl		AUTH_FCNTL; AUTH_SIGNAL
 *	file_permission		AUTH_READDIR, AUTH_COPYFILE, AUTH_CLONE; AUTH_SIGNAL
 *	mmap_file		AUTH_MMAP
 *	file_mprotect		AUTH_MPROTECT
 */

#include "bpf/hold/hook.bpf.h"
#include "bpf/hold/making.bpf.h"
#include "bpf/hold/signal.bpf.h"
#include "bpf/record/file.bpf.h"
#include "bpf/record/procfs.bpf.h"

/* ---- opening ---- */

static __always_inline void put_open(struct scratch *s, struct file *file)
{
	head_of(s)->file[0] = put_file(s, file);
	head_of(s)->num[0] = fflag_asked(file);
	if (head_of(s)->type == EV_NOTIFY_OPEN) {
		head_of(s)->flags = ES_RECORD_FLAGS_RESULT;
		head_of(s)->result = 0;
	}
}

/*
 * Does a file system in layers open this file below itself, for an open that was asked about, or to copy a file up? Its
 * mounts are in no namespace, but not internal either, as the mount of memfds is. Before 6.5 the path is that of the
 * upper file, which has another inode.
 */
static __always_inline bool opened_by_file_system(struct file *file)
{
	struct vfsmount *mnt = file->f_path.mnt;

	if (file->f_mode & LINUX_FMODE_NOACCOUNT && READ_CORE(file, f_path.dentry, d_inode) != READ_CORE(file, f_inode))
		return true;
	return !(mnt->mnt_flags & LINUX_MNT_INTERNAL) && (int64_t)READ_FAST(mount_of(mnt), mnt_ns) == -EINVAL;
}

/*
 * Does fanotify open this file for a program that reads its events? Each event can be read once. A read(2) that started
 * over would find the next event, and the task that waits for the first would be denied its open. Such a call opens no
 * other files, except those that a file system opens below itself.
 *
 * The kernel marks these files, too (FMODE_NONOTIFY). But the place differs between versions, and on older ones
 * programs can have other files marked so.
 */
static __always_inline bool opened_by_fanotify(void)
{
	return !without_syscall() && current_syscall().kind == ES_KIND_READ;
}

/*
 * Does the kernel open this file to load firmware for a driver? It does so in whatever call is under way, with
 * credentials of its own, as it does to write a core dump. But it leaves out O_LARGEFILE, which opens by 64-bit calls have.
 */
static __always_inline bool opened_for_firmware(struct file *file)
{
	return !(file->f_flags & LINUX_O_LARGEFILE) && by_kernel();
}

/* Each time that the call starts over, O_TMPFILE makes another inode: the key is the directory's. */
static __always_inline uint64_t open_key(struct file *file)
{
	if (file->f_flags & LINUX_O_TMPFILE)
		return (uint64_t)READ_CORE(file, f_path.dentry, d_parent, d_inode);
	return (uint64_t)file->f_inode;
}

/* Drops muting clients first: often none is left. */
static __always_inline void about_opened(struct question *q, struct file *file, uint32_t flags)
{
	question_drop_muted(q, EV_AUTH_OPEN, file->f_path.mnt, file->f_path.dentry, true);
	about_file(q, file, flags);
}

/* A function of its own, for the stack: the hook's program at the end of this file calls others. */
static __noinline int on_file_open(struct file *file)
{
	uint32_t flags = fflag_asked(file);
	struct question q = {};
	bool made;

	if (!control.subscribers[EV_AUTH_OPEN] || file->f_flags & LINUX_FMODE_EXEC || opened_by_file_system(file))
		return 0;
	made = made_by_open(file);
	if (made && making_allowed(file))
		return 0;
	if (flags & FMODE_WRITE)
		flags |= CHANGES_FILE;
	if (file->f_mode & FMODE_WRITE)		/* one that only empties it is counted later */
		flags |= OWN_WRITER;
	if (!question_open_cached(&q, EV_AUTH_OPEN, EV_NOTIFY_OPEN, open_key(file), file->f_flags, 0,
				  about_opened(&q, file, flags)))
		return 0;
	return question_ask(&q, made ? WAIT_WHOLE : WAIT_GATE, put_open(s, file));
}

/* ---- open files ---- */

/* All, if they aren't in memory yet: they may be any, and a denial of some must not be got round. */
static __always_inline uint32_t flags_at(uint64_t address)
{
	uint32_t flags;

	return bpf_probe_read_user(&flags, sizeof(flags), (void *)address) ? ~0u : flags;
}

static __always_inline int ask_flags(struct file *file, uint64_t address, enum wait_how how)
{
	uint32_t flags = flags_at(address);
	struct question q = {};
	int ret;

	if (opened_by_file_system(file) ||
	    !question_open_cached(&q, EV_AUTH_SETFLAGS, EV_NOTIFY_SETFLAGS, (uint64_t)READ_CORE(file, f_inode), flags, 0,
				  about_file(&q, file, ANSWER_RESULT | CHANGES_FILE)))
		return 0;
	ret = question_ask(&q, how, put_file_number(s, file, flags));
	return question_same(&q, ret, flags_at(address) == flags);
}

static __always_inline int on_file_ioctl(struct file *file, unsigned int cmd, unsigned long arg, enum wait_how how,
					 int ret)
{
	if (ret)
		return ret;
	switch (cmd) {
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
		changed_by_ioctl(READ_SCALAR(file, f_inode), cmd);
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

static __noinline int ask_fcntl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct question q = {};

	if (!question_open(&q, EV_AUTH_FCNTL, EV_NOTIFY_FCNTL, (uint64_t)READ_CORE(file, f_inode), cmd, arg))
		return 0;
	return question_ask(&q, WAIT_RESTART, put_file_number(s, file, cmd));
}

SEC("lsm/file_fcntl")
int BPF_PROG(plain_file_fcntl, struct file *file, unsigned int cmd, unsigned long arg, int ret)
{
	if (ret)
		return ret;
	ret = ask_owner(file, cmd, arg);
	return hook_result(ret ? ret : ask_fcntl(file, cmd, arg));
}

/* Does copy_file_range(2) copy all of `source`? */
static __always_inline bool copies_all(struct file *source)
{
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
	bool compat = is_compat();
	uint64_t offset_at = compat ? (uint32_t)regs->cx : regs->si;
	uint64_t length = compat ? (uint32_t)regs->di : regs->r8;
	int64_t offset = READ_CORE(source, f_pos), size = READ_CORE(source, f_inode, i_size);

	if (offset_at)
		bpf_probe_read_user(&offset, sizeof(offset), (void *)offset_at);
	return !offset && size > 0 && length >= (uint64_t)size;
}

/*
 * A call that copies passes the hook for reading its source, then for writing its target, on some kernels several times.
 * Both are the files that the kernel has: another thread may have put others behind the descriptors by now. If it has when
 * the call comes back, that is another question.
 *
 * Gives the source when the target passes, NULL if there is nothing to ask about.
 */
static __always_inline int source_of(struct file *file, int mask, uint32_t auth, bool asked, struct file **source)
{
	struct syscall_state *state = syscall_state_of_current(true);

	*source = NULL;
	if (!state)
		return question_lost(mask & LINUX_MAY_READ ? slots_to_ask(auth) : 0);
	if (mask & LINUX_MAY_READ)
		state->source = asked ? scalar_of(file) : 0;
	else
		*source = (struct file *)state->source;
	return 0;
}

static __noinline int ask_copy(struct file *file, int mask)
{
	struct question q = {};
	struct file *source;
	uint64_t inode;
	int ret;

	if (!control.subscribers[EV_AUTH_COPYFILE])
		return 0;
	ret = source_of(file, mask, EV_AUTH_COPYFILE, mask & LINUX_MAY_READ && copies_all(file), &source);
	if (!source)
		return ret;
	inode = READ_SCALAR(source, f_inode);
	if (call_allowed(EV_AUTH_COPYFILE, inode, scalar_of(file), 0) ||
	    !question_open(&q, EV_AUTH_COPYFILE, EV_NOTIFY_COPYFILE, inode, scalar_of(file), 0))
		return 0;
	return question_ask(&q, WAIT_RESTART, put_copy(s, source, file, 0));
}

static __always_inline void put_clone(struct scratch *s, struct file *target, struct file *source)
{
	head_of(s)->file[0] = put_file(s, source);
	put_dir_and_name_of(s, &head_of(s)->file[1], &head_of(s)->str[0], target);
}

/* Does ioctl(2) share blocks of one file with another? Other commands read and write as well. */
static __always_inline bool clones(void)
{
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
	uint32_t cmd = is_compat() ? regs->cx : regs->si;

	return cmd == LINUX_FICLONE || cmd == LINUX_FICLONERANGE;
}

static __noinline int ask_clone(struct file *file, int mask)
{
	struct question q = {};
	struct file *source;
	uint64_t inode;
	int ret;

	if (!control.subscribers[EV_AUTH_CLONE] || !clones())
		return 0;
	ret = source_of(file, mask, EV_AUTH_CLONE, true, &source);
	if (!source)
		return ret;
	inode = READ_SCALAR(source, f_inode);
	if (call_allowed(EV_AUTH_CLONE, inode, scalar_of(file), 0) ||
	    !question_open(&q, EV_AUTH_CLONE, EV_NOTIFY_CLONE, inode, scalar_of(file), 0))
		return 0;
	return question_ask(&q, WAIT_RESTART, put_clone(s, file, source));
}

/* Each call of getdents(2). */
static __noinline int ask_readdir(struct file *file)
{
	struct question q = {};

	if (!question_open_cached(&q, EV_AUTH_READDIR, EV_NOTIFY_READDIR, (uint64_t)READ_CORE(file, f_inode), 0, 0,
				  about_file(&q, file, ANSWER_RESULT)))
		return 0;
	return question_ask(&q, WAIT_RESTART, head_of(s)->file[0] = put_file(s, file));
}

/*
 * AUTH_READDIR, AUTH_COPYFILE and AUTH_CLONE; not about what a file system in layers reads and copies below itself, as it
 * does to remove a folder.
 */
SEC("lsm/file_permission")
int BPF_PROG(plain_file_permission, struct file *file, int mask, int ret)
{
	uint8_t kind = current_syscall().kind;

	if (!ret)
		ret = ask_cgroup_kill(file, mask);
	if (ret || (kind != ES_KIND_COPY && kind != ES_KIND_IOCTL && kind != ES_KIND_READDIR) || opened_by_file_system(file))
		return hook_result(ret);
	if (kind == ES_KIND_COPY)
		return hook_result(ask_copy(file, mask));
	if (kind == ES_KIND_IOCTL)
		return hook_result(ask_clone(file, mask));
	return hook_result(mask & LINUX_MAY_READ ? ask_readdir(file) : 0);
}

/* ---- memory ---- */

static __always_inline int on_mmap_file(struct file *file, unsigned long reqprot, unsigned long prot,
					unsigned long flags, int ret)
{
	struct question q = {};

	if (ret || !file)
		return ret;
	if (!question_open_cached(&q, EV_AUTH_MMAP, EV_NOTIFY_MMAP, (uint64_t)READ_CORE(file, f_inode), prot, flags,
				  about_file(&q, file, ANSWER_RESULT)))
		return 0;
	return question_ask(&q, in_exec() ? WAIT_WHOLE : WAIT_GATE, put_mmap(s, file, prot, flags));
}

LSM_HOOK(mmap_file, on_mmap_file(file, reqprot, prot, flags, ret), struct file *file, unsigned long reqprot,
	 unsigned long prot, unsigned long flags, int ret)

static __always_inline void put_protect(struct scratch *s)
{
	args_of_current(&s->args);
	put_mprotect(s, &s->args);
}

/* Called for each mapping in the range. Only the first asks, when nothing has been changed. */
SEC("lsm/file_mprotect")
int BPF_PROG(plain_file_mprotect, struct vm_area_struct *area, unsigned long requested, unsigned long protection,
	     int ret)
{
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
	uint64_t start = is_compat() ? (uint32_t)regs->bx : regs->di;
	uint64_t length = is_compat() ? (uint32_t)regs->cx : regs->si;
	struct question q = {};

	if (ret || READ_CORE(area, vm_start) > start)
		return ret;
	if (!question_open(&q, EV_AUTH_MPROTECT, EV_NOTIFY_MPROTECT, start, length, requested))
		return 0;
	return question_ask(&q, WAIT_RESTART, put_protect(s));
}

/* ---- opens that are something else besides ---- */

/* If the process has gone meanwhile, no client is asked. */
static __always_inline void put_opened(struct question *q, struct scratch *s, struct look *look, struct file *file)
{
	if (!look->pid) {
		head_of(s)->file[0] = put_file(s, file);
		return;
	}
	cached_answer_checked(q, executable_of(look->leader));
	head_of(s)->num[0] = look->number;
	head_of(s)->other = put_numbered(s, look->pid, look->leader);
	if (!head_of(s)->other)
		q->slots = 0;
}

static __always_inline void about_look(struct question *q, struct look *look, struct file *file)
{
	struct task_struct *leader = (void *)look->leader;

	if (!look->pid) {
		about_file(q, file, ANSWER_RESULT);
		return;
	}
	rcu_begin(true);
	if (READ_CORE(leader, tgid) == look->pid)
		about_process(q, look->leader, look->number);
	rcu_end(true);
}

/* Few clients subscribe to these, so the hook calls this only if one does. */
static __noinline int on_file_open_other(struct file *file)
{
	struct es_syscall call = current_syscall();
	struct question q = {};
	struct look look = {};

	if (opened_by_file_system(file))
		return 0;
	if (call.kind == ES_KIND_OPEN && call.variant == ES_VARIANT_OTHER2) {
		look.auth = EV_AUTH_FSGETPATH;
		look.notify = EV_NOTIFY_FSGETPATH;
	} else if (!look_of(&look, file)) {
		return 0;
	}
	if (!question_open_cached(&q, look.auth, look.notify, (uint64_t)READ_CORE(file, f_inode), look.number,
				  look.leader, about_look(&q, &look, file)))
		return 0;
	return question_ask(&q, WAIT_GATE, put_opened(&q, s, &look, file));
}

static __always_inline bool other_opens_wanted(void)
{
	return control.subscribers[EV_AUTH_FSGETPATH] | control.subscribers[EV_AUTH_GET_TASK] |
	       control.subscribers[EV_AUTH_GET_TASK_READ] | control.subscribers[EV_AUTH_PROC_CHECK];
}

/* One program asks all questions about an open: where a task may sleep, no other program of ours may follow. */
static __always_inline int ask_and_note_open(struct file *file, int ret)
{
	if (!ret && !opened_by_fanotify() && !opened_for_firmware(file)) {
		ret = on_file_open(file);
		if (!ret && other_opens_wanted())
			ret = on_file_open_other(file);
	}
	if (!ret)
		changed_by_open(file);
	return ret;
}

LSM_HOOK(file_open, ask_and_note_open(file, ret), struct file *file, int ret)
