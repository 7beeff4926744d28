/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * (A1) AUTH events of reading and changing an inode's attributes, and a process's directories. Hooks called inode_* get
 * no mount: record/inode-path.bpf.h finds one.
 *
 *	path_chmod, path_chown	AUTH_SETMODE, AUTH_SETOWNER
 *	path_truncate		AUTH_TRUNCATE; before 6.2 ftruncate(2) comes by, too
 *	file_truncate		AUTH_TRUNCATE, of ftruncate(2) since 6.2
 *	inode_file_setattr	AUTH_SETFLAGS, of file_setattr(2)
 *	path_chroot		AUTH_CHROOT
 *	inode_permission	AUTH_CHDIR
 *	inode_setattr		AUTH_UTIMES
 *	inode_setxattr, inode_removexattr	AUTH_SETEXTATTR, AUTH_DELETEEXTATTR; before 6.2 AUTH_SETACL, too
 *	inode_set_acl, inode_remove_acl	AUTH_SETACL
 *	inode_getxattr, inode_get_acl	AUTH_GETEXTATTR
 *	inode_listxattr		AUTH_LISTEXTATTR
 *	inode_readlink		AUTH_READLINK
 */

#include "bpf/hold/hook.bpf.h"

/* ---- extended attributes ---- */

static __always_inline bool taken_is_acl(struct syscall_state *state)
{
	const char prefix[] = "system.posix_acl_";
	uint32_t i;

	for (i = 0; i < sizeof(prefix) - 1; i++) {
		if (state->text[i] != prefix[i])
			return false;
	}
	return true;
}

static __always_inline void put_named(struct scratch *s, struct dentry *dentry, const char *name, int64_t number)
{
	head_of(s)->file[0] = put_inode_path(s, dentry);
	head_of(s)->num[0] = number;
	if (name)
		put_string(s, &head_of(s)->str[0], name, NAME_BYTES);
}

/* `hash` is text_take()'s, of the name; `cached`: an answer may be kept, and is about all names. */
static __always_inline int ask_named(enum wait_how how, struct dentry *dentry, const char *name, uint64_t hash,
				     uint32_t type, uint32_t notify, bool cached)
{
	struct question q = {};

	if (!question_open_cached(&q, type, notify, inode_key(dentry), hash, 0,
				if (cached) about_dentry(&q, dentry, ANSWER_RESULT)))
		return 0;
	return question_ask(&q, how, put_named(s, dentry, name, 0));
}

static __always_inline int ask_acl(enum wait_how how, struct dentry *dentry, int64_t set_or_clear)
{
	struct question q = {};

	if (!question_open(&q, EV_AUTH_SETACL, EV_NOTIFY_SETACL, inode_key(dentry), set_or_clear, 0))
		return 0;
	return question_ask(&q, how, put_named(s, dentry, NULL, set_or_clear));
}

static __always_inline int on_inode_setxattr(struct dentry *dentry, const char *name, int ret)
{
	struct syscall_state *state = syscall_state_of_current(true);
	uint64_t hash;

	if (ret || !by_call(ES_KIND_SETXATTR))
		return ret;
	if (!state)
		return hook_result(question_lost(slots_to_ask(EV_AUTH_SETEXTATTR)));
	hash = text_take(state, scalar_of(name), 0);
	if (taken_is_acl(state))
		return ask_acl(WAIT_SLICED, dentry, ES_ACL_SET);
	return ask_named(WAIT_SLICED, dentry, name, hash, EV_AUTH_SETEXTATTR, EV_NOTIFY_SETEXTATTR, false);
}

static __always_inline int ask_and_note_setxattr(struct dentry *dentry, const char *name, int ret)
{
	ret = on_inode_setxattr(dentry, name, ret);
	if (!ret)
		changed_by_setxattr(dentry);
	return ret;
}

LSM_HOOK(inode_setxattr, ask_and_note_setxattr(dentry, name, ret), void *idmap, struct dentry *dentry,
	 const char *name, const void *value, uint64_t size, int flags, int ret)

SEC("lsm/inode_removexattr")
int BPF_PROG(plain_inode_removexattr, void *idmap, struct dentry *dentry, const char *name, int ret)
{
	struct syscall_state *state = syscall_state_of_current(true);
	uint64_t hash;

	if (ret || !by_call(ES_KIND_DELXATTR))
		return ret;
	if (!state)
		return hook_result(question_lost(slots_to_ask(EV_AUTH_DELETEEXTATTR)));
	hash = text_take(state, scalar_of(name), 0);
	if (taken_is_acl(state))
		return ask_acl(WAIT_RESTART, dentry, ES_ACL_CLEAR);
	return ask_named(WAIT_RESTART, dentry, name, hash, EV_AUTH_DELETEEXTATTR, EV_NOTIFY_DELETEEXTATTR, false);
}

SEC("lsm/inode_set_acl")
int BPF_PROG(plain_inode_set_acl, void *idmap, struct dentry *dentry, const char *name, void *acl, int ret)
{
	return ret || !by_call(ES_KIND_SETXATTR) ? ret : ask_acl(WAIT_RESTART, dentry, ES_ACL_SET);
}

SEC("lsm/inode_remove_acl")
int BPF_PROG(plain_inode_remove_acl, void *idmap, struct dentry *dentry, const char *name, int ret)
{
	return ret || !by_call(ES_KIND_DELXATTR) ? ret : ask_acl(WAIT_RESTART, dentry, ES_ACL_CLEAR);
}

static __always_inline int on_getxattr(enum wait_how how, struct dentry *dentry, const char *name, int ret)
{
	struct syscall_state *state = syscall_state_of_current(true);

	if (ret || !by_call(ES_KIND_GETXATTR))
		return ret;
	if (!state)
		return hook_result(question_lost(slots_to_ask(EV_AUTH_GETEXTATTR)));
	return ask_named(how, dentry, name, text_take(state, scalar_of(name), 0), EV_AUTH_GETEXTATTR,
			 EV_NOTIFY_GETEXTATTR, true);
}

LSM_HOOK(inode_getxattr, on_getxattr(WAIT_GATE, dentry, name, ret), struct dentry *dentry, const char *name, int ret)

SEC("lsm/inode_get_acl")
int BPF_PROG(plain_inode_get_acl, void *idmap, struct dentry *dentry, const char *name, int ret)
{
	return on_getxattr(WAIT_RESTART, dentry, name, ret);
}

SEC("lsm/inode_listxattr")
int BPF_PROG(plain_inode_listxattr, struct dentry *dentry, int ret)
{
	struct question q = {};

	if (ret || !by_call(ES_KIND_LISTXATTR) ||
	    !question_open_cached(&q, EV_AUTH_LISTEXTATTR, EV_NOTIFY_LISTEXTATTR, inode_key(dentry), 0, 0,
				  about_dentry(&q, dentry, ANSWER_RESULT)))
		return ret;
	return question_ask(&q, WAIT_RESTART, put_named(s, dentry, NULL, 0));
}

/* ---- other attributes of an inode ---- */

static __always_inline void put_attribute(struct scratch *s, const struct path *path, int64_t first, int64_t second)
{
	head_of(s)->num[0] = first;
	head_of(s)->num[1] = second;
	head_of(s)->file[0] = put_dir(s, path);
}

static __always_inline int on_path_chmod(const struct path *path, uint16_t mode, int ret)
{
	struct question q = {};

	if (ret || !question_open_cached(&q, EV_AUTH_SETMODE, EV_NOTIFY_SETMODE,
					 inode_key(READ_CORE(path, dentry)), mode, 0,
					 about_path(&q, path, ANSWER_RESULT | CHANGES_FILE)))
		return ret;
	return question_ask(&q, WAIT_SLICED, put_attribute(s, path, mode, 0));
}

LSM_HOOK(path_chmod, on_path_chmod(path, mode, ret), const struct path *path, uint16_t mode, int ret)

static __always_inline int on_path_chown(const struct path *path, uint64_t uid, uint64_t gid, int ret)
{
	struct question q = {};

	if (ret || !question_open_cached(&q, EV_AUTH_SETOWNER, EV_NOTIFY_SETOWNER,
					 inode_key(READ_CORE(path, dentry)), uid, gid,
					 about_path(&q, path, ANSWER_RESULT | CHANGES_FILE)))
		return ret;
	return question_ask(&q, WAIT_SLICED, put_attribute(s, path, (uint32_t)uid, (uint32_t)gid));
}

LSM_HOOK(path_chown, on_path_chown(path, uid, gid, ret), const struct path *path, uint64_t uid, uint64_t gid, int ret)

static __always_inline int on_path_truncate(const struct path *path, int ret)
{
	struct question q = {};

	if (ret || current_syscall().kind != ES_KIND_TRUNCATE)	/* open(2) with O_TRUNC, before 6.2 */
		return ret;
	if (!question_open(&q, EV_AUTH_TRUNCATE, EV_NOTIFY_TRUNCATE, inode_key(READ_CORE(path, dentry)), 0, 0))
		return 0;
	return question_ask(&q, WAIT_SLICED, put_attribute(s, path, 0, 0));
}

LSM_HOOK(path_truncate, on_path_truncate(path, ret), const struct path *path, int ret)

/* file_setattr(2), since 6.17. Called for ioctl(2) too, which file_ioctl has asked about. The directory is locked. */
SEC("lsm/inode_file_setattr")
int BPF_PROG(plain_inode_file_setattr, struct dentry *dentry, struct file_kattr *wanted, int ret)
{
	struct question q = {};
	uint32_t flags;

	if (ret || current_syscall().kind != ES_KIND_SETFLAGS || by_kernel())
		return ret;
	flags = READ_CORE(wanted, fsx_xflags);
	if (!question_open_cached(&q, EV_AUTH_SETFLAGS, EV_NOTIFY_SETFLAGS, inode_key(dentry), flags, 0,
				about_dentry(&q, dentry, ANSWER_RESULT | CHANGES_FILE)))
		return 0;
	return question_ask(&q, WAIT_RESTART, put_named(s, dentry, NULL, flags));
}

static __always_inline int on_path_chroot(const struct path *path, int ret)
{
	struct question q = {};

	if (ret || !question_open_cached(&q, EV_AUTH_CHROOT, EV_NOTIFY_CHROOT, inode_key(READ_CORE(path, dentry)), 0, 0,
					 about_path(&q, path, ANSWER_RESULT)))
		return ret;
	return question_ask(&q, WAIT_RESTART, put_attribute(s, path, 0, 0));
}

SEC("lsm/path_chroot")
int BPF_PROG(plain_path_chroot, const struct path *path, int ret)
{
	return on_path_chroot(path, ret);
}

/* readlink(2) and readlinkat(2); not a link that a path leads through. */
static __always_inline int on_inode_readlink(struct dentry *dentry, int ret)
{
	struct question q = {};

	if (ret || !by_call(ES_KIND_READLINK) ||
	    !question_open(&q, EV_AUTH_READLINK, EV_NOTIFY_READLINK, inode_key(dentry), 0, 0))
		return ret;
	return question_ask(&q, WAIT_GATE, put_named(s, dentry, NULL, 0));
}

LSM_HOOK(inode_readlink, on_inode_readlink(dentry, ret), struct dentry *dentry, int ret)

/* chroot(2) has the same permission checked, and a hook of its own. */
SEC("lsm/inode_permission")
int BPF_PROG(plain_inode_permission, struct inode *inode, int mask, int ret)
{
	struct question q = {};
	struct dentry *dentry;

	if (ret || !(mask & LINUX_MAY_CHDIR) || current_syscall().kind != ES_KIND_CHDIR || by_kernel())
		return ret;
	dentry = dentry_of_directory(inode);
	if (!question_open_cached(&q, EV_AUTH_CHDIR, EV_NOTIFY_CHDIR, inode_key(dentry), 0, 0,
				  about_dentry(&q, dentry, ANSWER_RESULT)))
		return 0;
	return question_ask(&q, WAIT_RESTART, put_named(s, dentry, NULL, 0));
}

/* Adds the times to the record, behind its file. One that the call doesn't change is the present one. */
__noinline int put_wanted_times(struct scratch *s, uint64_t address)
{
	struct iattr *attr = (void *)address;
	struct es_file_part *part;
	int64_t *num;

	if (!s)
		return 0;
	part = at(s, head_of(s)->file[0]);
	num = head_of(s)->num;
	num[0] = (uint64_t)part->stat.atime_ns / 1000000000;
	num[1] = (uint64_t)part->stat.atime_ns % 1000000000;
	num[2] = (uint64_t)part->stat.mtime_ns / 1000000000;
	num[3] = (uint64_t)part->stat.mtime_ns % 1000000000;
	if (READ_CORE(attr, ia_valid) & LINUX_ATTR_ATIME) {
		num[0] = READ_CORE(attr, ia_atime.tv_sec);
		num[1] = READ_CORE(attr, ia_atime.tv_nsec);
	}
	if (READ_CORE(attr, ia_valid) & LINUX_ATTR_MTIME) {
		num[2] = READ_CORE(attr, ia_mtime.tv_sec);
		num[3] = READ_CORE(attr, ia_mtime.tv_nsec);
	}
	return 0;
}

static __always_inline void put_utimes(struct scratch *s, struct dentry *dentry, struct iattr *attr)
{
	head_of(s)->file[0] = put_inode_path(s, dentry);
	put_wanted_times(s, scalar_of(attr));
}

static __always_inline int on_inode_setattr(struct dentry *dentry, struct iattr *attr, int ret)
{
	struct question q = {};

	if (ret || current_syscall().kind != ES_KIND_UTIMES || by_kernel())
		return ret;
	if (!question_open_cached(&q, EV_AUTH_UTIMES, EV_NOTIFY_UTIMES, inode_key(dentry), READ_CORE(attr, ia_valid), 0,
				  about_dentry(&q, dentry, ANSWER_RESULT | CHANGES_FILE)))
		return 0;
	return question_ask(&q, WAIT_SLICED, put_utimes(s, dentry, attr));
}

static __always_inline int ask_and_note_setattr(struct dentry *dentry, struct iattr *attr, int ret)
{
	ret = on_inode_setattr(dentry, attr, ret);
	if (!ret)
		changed_by_setattr(dentry);
	return ret;
}

static __always_inline int inode_setattr_of(uint64_t *ctx)
{
	if (setattr_has_idmap)
		return ask_and_note_setattr((void *)ctx[1], (void *)ctx[2], ctx[3]);
	return ask_and_note_setattr((void *)ctx[0], (void *)ctx[1], ctx[2]);
}

SEC("lsm.s/inode_setattr")
int hook_inode_setattr(uint64_t *ctx)
{
	return inode_setattr_of(ctx);
}

SEC("lsm/inode_setattr")
int plain_inode_setattr(uint64_t *ctx)
{
	return inode_setattr_of(ctx);
}

/* With io_uring the program can't tell a truncation from an open with O_TRUNC: it asks about both. */
SEC("lsm/file_truncate")
int BPF_PROG(plain_file_truncate, struct file *file, int ret)
{
	struct question q = {};

	if (ret || (current_syscall().kind != ES_KIND_TRUNCATE && !in_io_uring()))
		return ret;
	if (!question_open(&q, EV_AUTH_TRUNCATE, EV_NOTIFY_TRUNCATE, (uint64_t)READ_CORE(file, f_inode), 0, 0))
		return 0;
	return question_ask(&q, WAIT_RESTART, put_file_number(s, file, 0));
}
