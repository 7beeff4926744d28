/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * (A1) AUTH events of names that are made, removed and changed:
 *
 *	path_unlink, path_rmdir	AUTH_UNLINK
 *	path_rename		AUTH_RENAME, AUTH_EXCHANGEDATA
 *	path_link		AUTH_LINK
 *	path_mkdir, path_symlink, path_mknod	AUTH_CREATE; open(2) with O_CREAT comes by path_mknod: AUTH_OPEN, too
 */

#include "bpf/hold/hook.bpf.h"
#include "bpf/hold/making.bpf.h"

static __always_inline void put_unlink(struct scratch *s, const struct path *dir, struct dentry *dentry)
{
	head_of(s)->file[0] = put_entry(s, dir, dentry);
	head_of(s)->file[1] = put_dir(s, dir);
}

static __always_inline int ask_unlink(const struct path *dir, struct dentry *dentry)
{
	struct question q = {};

	if (!question_open(&q, EV_AUTH_UNLINK, EV_NOTIFY_UNLINK, inode_key(dentry), inode_key(READ_CORE(dir, dentry)),
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

static __always_inline int ask_rename(const struct path *old_dir, struct dentry *old, const struct path *new_dir,
				      struct dentry *new, uint32_t type, uint32_t notify)
{
	struct question q = {};

	if (!question_open(&q, type, notify, inode_key(old), inode_key(READ_CORE(new_dir, dentry)), name_key(new)))
		return 0;
	return question_ask(&q, WAIT_SLICED, put_rename(s, old_dir, old, new_dir, new));
}

/* An exchange of two names also asks as a rename. */
static __always_inline int on_path_rename(const struct path *old_dir, struct dentry *old, const struct path *new_dir,
					  struct dentry *new, unsigned int flags, int ret)
{
	if (!ret && flags & LINUX_RENAME_EXCHANGE)
		ret = ask_rename(old_dir, old, new_dir, new, EV_AUTH_EXCHANGEDATA, EV_NOTIFY_EXCHANGEDATA);
	return ret ? ret : ask_rename(old_dir, old, new_dir, new, EV_AUTH_RENAME, EV_NOTIFY_RENAME);
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
	if (!question_open(&q, EV_AUTH_LINK, EV_NOTIFY_LINK, inode_key(old), inode_key(READ_CORE(new_dir, dentry)),
			   name_key(new)))
		return 0;
	return question_ask(&q, WAIT_SLICED, put_link(s, old, new_dir, new));
}

LSM_HOOK(path_link, on_path_link(old, new_dir, new, ret), struct dentry *old, const struct path *new_dir,
	 struct dentry *new, int ret)

/* The record of a file that is about to be made has its directory, name and mode. */
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
	return question_open(q, EV_AUTH_CREATE, EV_NOTIFY_CREATE, inode_key(READ_CORE(dir, dentry)), name_key(dentry),
			     mode);
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

static __noinline int ask_mknod(const struct path *dir, struct dentry *dentry, uint32_t mode)
{
	struct question q = {};

	if (!(mode & S_IFMT))
		mode |= S_IFREG;
	if (!create_open(&q, dir, dentry, mode))
		return 0;
	return question_ask(&q, WAIT_RESTART, put_create(s, dir, dentry, mode));
}

/* May not sleep. open(2) comes by here with the mode of a regular file. */
SEC("lsm/path_mknod")
int BPF_PROG(plain_path_mknod, const struct path *dir, struct dentry *dentry, uint16_t mode, unsigned int dev, int ret)
{
	if (ret)
		return ret;
	ret = ask_mknod(dir, dentry, mode);
	return hook_result(ret ? ret : ask_making(dir, dentry));
}
