/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * (1) More of the lsm sensor's hooks, see lsm.bpf.h: those whose object has to be found (object.bpf.h, other.bpf.h,
 * a socket's address), and those for which Linux has several ways to the same end.
 *
 *	inode_setattr		AUTH_UTIMES
 *	inode_setxattr, inode_removexattr	AUTH_SETEXTATTR, AUTH_DELETEEXTATTR; before 6.2 AUTH_SETACL, too
 *	inode_set_acl, inode_remove_acl	AUTH_SETACL
 *	inode_getxattr, inode_get_acl	AUTH_GETEXTATTR
 *	inode_listxattr		AUTH_LISTEXTATTR
 *	inode_readlink		AUTH_READLINK
 *	inode_permission	AUTH_CHDIR
 *	file_mprotect		AUTH_MPROTECT
 *	socket_bind		AUTH_UIPC_BIND
 *	socket_connect		AUTH_UIPC_CONNECT
 *	kernel_read_file, kernel_load_data	AUTH_KEXTLOAD
 *	move_mount		AUTH_MOUNT, where mount(2) isn't used
 *	sb_remount		AUTH_REMOUNT, likewise
 *	file_truncate		AUTH_TRUNCATE, of ftruncate(2) since 6.2
 *	file_open		AUTH_GET_TASK, AUTH_GET_TASK_READ, AUTH_PROC_CHECK, AUTH_FSGETPATH
 */

#include "bpf/hold/file.bpf.h"
#include "bpf/record/inode-path.bpf.h"
#include "bpf/record/procfs.bpf.h"

/*
 * The kernel does it by itself, in the course of something that was asked about: overlayfs, in the file systems below
 * it. Then it acts with other credentials than the program's.
 */
static __always_inline bool by_kernel(void)
{
	struct task_struct *task = bpf_get_current_task_btf();

	return READ(task, cred) != READ(task, real_cred);
}

/* ---- extended attributes ---- */

/*
 * Takes a name down with the task, and makes a number of it, that changes with it: it is part of what a question is
 * about.
 */
__noinline uint64_t text_take(struct call *call, uint64_t text, uint32_t bytes)
{
	uint64_t hash = 0, *words;
	uint32_t i;

	if (!call)
		return 0;
	__builtin_memset(call->text, 0, sizeof(call->text));
	if (bytes)
		bpf_probe_read_kernel(call->text, bytes & (NAME_BYTES / 2 - 1), (void *)text);
	else
		bpf_probe_read_kernel_str(call->text, sizeof(call->text), (void *)text);
	words = (uint64_t *)call->text;
	for (i = 0; i < NAME_BYTES / 8; i++)
		hash = (hash ^ words[i]) * 0x9e3779b97f4a7c15 + (hash >> 29);
	return hash;
}

static __always_inline bool taken_is_acl(struct call *call)
{
	const char prefix[] = "system.posix_acl_";
	uint32_t i;

	for (i = 0; i < sizeof(prefix) - 1; i++) {
		if (call->text[i] != prefix[i])
			return false;
	}
	return true;
}

static __always_inline void put_named(struct scratch *s, struct dentry *dentry, const char *name, int64_t number)
{
	head_of(s)->file[0] = put_object(s, dentry);
	head_of(s)->num[0] = number;
	if (name)
		put_string(s, &head_of(s)->str[0], name, NAME_BYTES);
}

/* `hash` is text_take()'s, of the name; `kept`: whichever name it is, an answer is about all of them. */
static __always_inline int ask_named(enum wait_how how, struct dentry *dentry, const char *name, uint64_t hash,
				     uint32_t type, uint32_t notify, bool kept)
{
	struct question q = {};

	if (by_kernel() || !question_open_kept(&q, type, notify, inode_key(dentry), hash, 0,
					       if (kept) about_dentry(&q, dentry, KEPT_RESULT)))
		return 0;
	return question_ask(&q, how, put_named(s, dentry, name, 0));
}

static __always_inline int ask_acl(enum wait_how how, struct dentry *dentry, int64_t set_or_clear)
{
	struct question q = {};

	if (by_kernel() ||
	    !question_open(&q, EV_AUTH_SETACL, EV_NOTIFY_SETACL, inode_key(dentry), set_or_clear, 0))
		return 0;
	return question_ask(&q, how, put_named(s, dentry, NULL, set_or_clear));
}

static __always_inline int on_inode_setxattr(struct dentry *dentry, const char *name, int ret)
{
	struct call *call = call_of_current(true);
	uint64_t hash;

	if (ret || !call)
		return ret;
	hash = text_take(call, number_of(name), 0);
	if (taken_is_acl(call))
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
	struct call *call = call_of_current(true);
	uint64_t hash;

	if (ret || !call)
		return ret;
	hash = text_take(call, number_of(name), 0);
	if (taken_is_acl(call))
		return ask_acl(WAIT_RESTART, dentry, ES_ACL_CLEAR);
	return ask_named(WAIT_RESTART, dentry, name, hash, EV_AUTH_DELETEEXTATTR, EV_NOTIFY_DELETEEXTATTR, false);
}

SEC("lsm/inode_set_acl")
int BPF_PROG(plain_inode_set_acl, void *idmap, struct dentry *dentry, const char *name, void *acl, int ret)
{
	return ret ? ret : ask_acl(WAIT_RESTART, dentry, ES_ACL_SET);
}

SEC("lsm/inode_remove_acl")
int BPF_PROG(plain_inode_remove_acl, void *idmap, struct dentry *dentry, const char *name, int ret)
{
	return ret ? ret : ask_acl(WAIT_RESTART, dentry, ES_ACL_CLEAR);
}

static __always_inline int on_getxattr(enum wait_how how, struct dentry *dentry, const char *name, int ret)
{
	struct call *call = call_of_current(true);

	if (ret || !call)
		return ret;
	return ask_named(how, dentry, name, text_take(call, number_of(name), 0), EV_AUTH_GETEXTATTR,
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

	if (ret || by_kernel() ||
	    !question_open_kept(&q, EV_AUTH_LISTEXTATTR, EV_NOTIFY_LISTEXTATTR, inode_key(dentry), 0, 0,
				about_dentry(&q, dentry, KEPT_RESULT)))
		return ret;
	return question_ask(&q, WAIT_RESTART, put_named(s, dentry, NULL, 0));
}

/* ---- other attributes of an inode ---- */

/* readlink(2) and its kin; not a link that a path leads through. */
static __always_inline int on_inode_readlink(struct dentry *dentry, int ret)
{
	struct question q = {};

	if (ret || by_kernel() ||
	    !question_open(&q, EV_AUTH_READLINK, EV_NOTIFY_READLINK, inode_key(dentry), 0, 0))
		return ret;
	return question_ask(&q, WAIT_GATE, put_named(s, dentry, NULL, 0));
}

LSM_HOOK(inode_readlink, on_inode_readlink(dentry, ret), struct dentry *dentry, int ret)

/* chroot(2) has the same permission checked, and a hook of its own. */
SEC("lsm/inode_permission")
int BPF_PROG(plain_inode_permission, struct inode *inode, int mask, int ret)
{
	enum { LINUX_MAY_CHDIR = 0x40 };
	struct question q = {};
	struct dentry *dentry;

	if (ret || !(mask & LINUX_MAY_CHDIR) || current_call().kind != ES_KIND_CHDIR || by_kernel())
		return ret;
	dentry = dentry_of_directory(inode);
	if (!question_open_kept(&q, EV_AUTH_CHDIR, EV_NOTIFY_CHDIR, inode_key(dentry), 0, 0,
				about_dentry(&q, dentry, KEPT_RESULT)))
		return 0;
	return question_ask(&q, WAIT_RESTART, put_named(s, dentry, NULL, 0));
}

/* Into the record, behind its file. What isn't to be changed is as it is. */
__noinline int put_wanted_times(struct scratch *s, uint64_t address)
{
	enum { LINUX_ATTR_ATIME = 1 << 4, LINUX_ATTR_MTIME = 1 << 5 };
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
	if (READ(attr, ia_valid) & LINUX_ATTR_ATIME) {
		num[0] = READ(attr, ia_atime.tv_sec);
		num[1] = READ(attr, ia_atime.tv_nsec);
	}
	if (READ(attr, ia_valid) & LINUX_ATTR_MTIME) {
		num[2] = READ(attr, ia_mtime.tv_sec);
		num[3] = READ(attr, ia_mtime.tv_nsec);
	}
	return 0;
}

static __always_inline void put_utimes(struct scratch *s, struct dentry *dentry, struct iattr *attr)
{
	head_of(s)->file[0] = put_object(s, dentry);
	put_wanted_times(s, number_of(attr));
}

static __always_inline int on_inode_setattr(struct dentry *dentry, struct iattr *attr, int ret)
{
	struct question q = {};

	if (ret || current_call().kind != ES_KIND_UTIMES || by_kernel())
		return ret;
	if (!question_open_kept(&q, EV_AUTH_UTIMES, EV_NOTIFY_UTIMES, inode_key(dentry), READ(attr, ia_valid), 0,
				about_dentry(&q, dentry, KEPT_RESULT | CHANGES_FILE)))
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

SEC("lsm/file_truncate")
int BPF_PROG(plain_file_truncate, struct file *file, int ret)
{
	struct question q = {};

	if (ret || current_call().kind != ES_KIND_TRUNCATE)
		return ret;
	if (!question_open(&q, EV_AUTH_TRUNCATE, EV_NOTIFY_TRUNCATE, (uint64_t)READ(file, f_inode), 0, 0))
		return 0;
	return question_ask(&q, WAIT_RESTART, put_file_number(s, file, 0));
}

/* ---- memory ---- */

static __always_inline void put_protect(struct scratch *s)
{
	args_of_current(&s->args);
	put_mprotect(s, &s->args);
}

/* Called for each mapping that the range goes through: asked is at the first, when nothing has been changed. */
SEC("lsm/file_mprotect")
int BPF_PROG(plain_file_mprotect, struct vm_area_struct *area, unsigned long requested, unsigned long protection,
	     int ret)
{
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
	uint64_t start = is_compat() ? (uint32_t)regs->bx : regs->di;
	uint64_t length = is_compat() ? (uint32_t)regs->cx : regs->si;
	struct question q = {};

	if (ret || READ(area, vm_start) > start)
		return ret;
	if (!question_open(&q, EV_AUTH_MPROTECT, EV_NOTIFY_MPROTECT, start, length, requested))
		return 0;
	return question_ask(&q, WAIT_RESTART, put_protect(s));
}

/* ---- sockets ---- */

/* The file that the name in scratch.user leads to, if the kernel knows it already. */
static __always_inline uint64_t socket_file(struct scratch *s)
{
	walk_unix_path(s, WALK_FOLLOW);
	return s->place.status == PLACE_FOUND ? inode_key(s->place.dentry) : 0;
}

static __always_inline void put_address(struct question *q, struct scratch *s, struct unix_address *address,
					struct socket *connected)
{
	if (!read_unix_address(s, address))
		return;
	if (connected) {
		keep_checked(q, socket_file(s));
		put_connected(s, address, connected);
	} else {
		walk_unix_path(s, 0);
		put_bound(s, address);
	}
}

/* The hook gets a name only: an answer is about the file that it leads to now. */
static __noinline int about_address(struct question *q, struct unix_address *address)
{
	struct vfsmount *mnt;
	uint32_t index = 0;
	struct scratch *s = pool_take(&index);
	uint64_t inode;

	rcu_begin(true);
	if (s && read_unix_address(s, address)) {
		inode = socket_file(s);
		mnt = (void *)((char *)s->place.dentry_mount + bpf_core_field_offset(struct mount, mnt));
		if (inode)
			about_inode(q, inode, (uint64_t)s->place.dentry, mnt, KEPT_RESULT);
	}
	rcu_end(true);
	if (s)
		pool_give(index);
	return 0;
}

/* An address without a name is asked about by nobody: the kernel makes one up. */
static __always_inline int ask_socket(struct socket *socket, void *sockaddr, int len, uint32_t type, uint32_t notify)
{
	struct unix_address address = { .at = number_of(sockaddr), .len = len, .copied = true };
	struct socket *connected = type == EV_AUTH_UIPC_CONNECT ? socket : NULL;
	struct call *call = call_of_current(true);
	struct question q = {};

	bpf_probe_read_kernel(&address.family, sizeof(address.family), sockaddr);
	if (!call || address.family != LINUX_AF_UNIX || len <= (int)sizeof(address.family) ||
	    len > (int)sizeof(address.family) + UNIX_PATH_BYTES)
		return 0;
	if (!question_open_kept(&q, type, notify, (uint64_t)READ(socket, sk), text_take(call, address.at, len), 0,
				if (connected) about_address(&q, &address)))
		return 0;
	return question_ask(&q, WAIT_GATE, put_address(&q, s, &address, connected));
}

static __always_inline int on_socket_bind(struct socket *socket, void *address, int len, int ret)
{
	return ret ? ret : ask_socket(socket, address, len, EV_AUTH_UIPC_BIND, EV_NOTIFY_UIPC_BIND);
}

LSM_HOOK(socket_bind, on_socket_bind(socket, address, len, ret), struct socket *socket, void *address, int len,
	 int ret)

static __always_inline int on_socket_connect(struct socket *socket, void *address, int len, int ret)
{
	return ret ? ret : ask_socket(socket, address, len, EV_AUTH_UIPC_CONNECT, EV_NOTIFY_UIPC_CONNECT);
}

LSM_HOOK(socket_connect, on_socket_connect(socket, address, len, ret), struct socket *socket, void *address, int len,
	 int ret)

/* ---- modules ---- */

enum kernel_read_file_id___modules {
	READING_MODULE = 2,
};

enum kernel_load_data_id___modules {
	LOADING_MODULE = 2,
};

/* A module's file is called as the module, which says '_' for '-', with ".ko" and more behind. */
static __noinline int put_module_name(struct scratch *s, struct file *file)
{
	uint32_t i;

	__builtin_memset(s->name, 0, sizeof(s->name));
	bpf_probe_read_kernel_str(s->name, NAME_BYTES, READ(file, f_path.dentry, d_name.name));
	for (i = 0; i < NAME_BYTES; i++) {
		if (s->name[i] == '.' && s->name[i + 1] == 'k' && s->name[i + 2] == 'o')
			s->name[i] = 0;
		else if (s->name[i] == '-')
			s->name[i] = '_';
	}
	put_string(s, &head_of(s)->str[0], s->name, NAME_BYTES);
	return 0;
}

static __always_inline int on_kernel_read_file(struct file *file, uint32_t id, int ret)
{
	struct question q = {};

	if (ret || id != bpf_core_enum_value(enum kernel_read_file_id___modules, READING_MODULE))
		return ret;
	if (!question_open(&q, EV_AUTH_KEXTLOAD, EV_NOTIFY_KEXTLOAD, (uint64_t)READ(file, f_inode), 0, 0))
		return 0;
	return question_ask(&q, WAIT_GATE, put_module_name(s, file));
}

LSM_HOOK(kernel_read_file, on_kernel_read_file(file, id, ret), struct file *file, uint32_t id, bool contents, int ret)

/* init_module(image, length, parameters): the name is in the image, in the section that becomes struct module. */
struct image {
	uint64_t at;
	uint64_t section;		/* header of the next section */
	uint64_t names;			/* of sections */
	uint64_t module;		/* where struct module is, 0: not found yet */
	uint32_t sections;
	uint32_t header_bytes;
};

static __always_inline bool is_module_section(uint64_t name)
{
	const char wanted[] = ".gnu.linkonce.this_module";
	char text[sizeof(wanted)] = {};
	uint32_t i;

	if (bpf_probe_read_user(text, sizeof(text), (void *)name))
		return false;
	for (i = 0; i < sizeof(wanted); i++) {
		if (text[i] != wanted[i])
			return false;
	}
	return true;
}

static long image_step(uint32_t index, struct image *image)
{
	enum { NAME_AT = 0, OFFSET_AT = 0x18 };
	uint64_t header = image->section, offset = 0;
	uint32_t name = 0;

	if (index >= image->sections)
		return 1;
	image->section += image->header_bytes;
	if (bpf_probe_read_user(&name, sizeof(name), (void *)(header + NAME_AT)) ||
	    !is_module_section(image->names + name))
		return 0;
	if (!bpf_probe_read_user(&offset, sizeof(offset), (void *)(header + OFFSET_AT)))
		image->module = image->at + offset;
	return 1;
}

/* Of what is in memory: a page that the program hasn't touched can't be read, and then the name is missing. */
static __noinline int put_image_name(struct scratch *s)
{
	enum { SECTIONS_AT = 0x28, HEADER_BYTES_AT = 0x3a, SECTIONS_MAX = 4096, MODULE_NAME_BYTES = 56 };
	struct image image = { .module = unknown(0) };
	uint64_t sections = 0, names = 0;
	uint16_t numbers[3] = {};	/* bytes of a section's header, sections, the one that has names */

	args_of_current(&s->args);
	image.at = s->args.a[0];
	bpf_probe_read_user(&sections, sizeof(sections), (void *)(image.at + SECTIONS_AT));
	bpf_probe_read_user(numbers, sizeof(numbers), (void *)(image.at + HEADER_BYTES_AT));
	image.section = image.at + sections;
	image.header_bytes = numbers[0];
	image.sections = numbers[1];
	bpf_probe_read_user(&names, sizeof(names),
			    (void *)(image.section + (uint64_t)numbers[2] * numbers[0] + 0x18));
	image.names = image.at + names;
	bpf_loop(SECTIONS_MAX, image_step, &image, 0);
	s->name[0] = 0;
	if (image.module)
		bpf_probe_read_user_str(s->name, MODULE_NAME_BYTES,
					(void *)(image.module + bpf_core_field_offset(struct module, name)));
	put_string(s, &head_of(s)->str[0], s->name, NAME_BYTES);
	return 0;
}

SEC("lsm/kernel_load_data")
int BPF_PROG(plain_kernel_load_data, uint32_t id, bool contents, int ret)
{
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
	struct question q = {};

	if (ret || id != bpf_core_enum_value(enum kernel_load_data_id___modules, LOADING_MODULE))
		return ret;
	if (!question_open(&q, EV_AUTH_KEXTLOAD, EV_NOTIFY_KEXTLOAD, regs->di, regs->si, 0))
		return 0;
	return question_ask(&q, WAIT_RESTART, put_image_name(s));
}

/* ---- mounts, without mount(2) ---- */

static __always_inline void put_moved(struct scratch *s, const struct path *from, const struct path *to)
{
	struct path at_ = { .mnt = READ(to, mnt), .dentry = READ(to, dentry) };

	put_mounted_on(s, put_path(s, &at_));
	put_mount(s, mount_of(READ(from, mnt)), 0);
}

/* move_mount(2): of what fsmount(2) or open_tree(2) gave, or from one place to another. */
SEC("lsm/move_mount")
int BPF_PROG(plain_move_mount, const struct path *from, const struct path *to, int ret)
{
	struct question q = {};

	if (ret || current_call().kind != ES_KIND_MOUNT || current_call().variant != ES_VARIANT_AT)
		return ret;
	if (!question_open_kept(&q, EV_AUTH_MOUNT, EV_NOTIFY_MOUNT, inode_key(READ(to, dentry)),
				(uint64_t)READ(from, mnt), 0, about_path(&q, to, KEPT_RESULT)))
		return 0;
	return question_ask(&q, WAIT_RESTART, put_moved(s, from, to));
}

static __always_inline void put_reconfigured(struct scratch *s, struct super_block *sb)
{
	struct path path = { .mnt = (void *)mount_of_super_block(number_of(sb)) };

	path.dentry = READ(path.mnt, mnt_root);
	put_mounted_on(s, put_path(s, &path));
	put_mount(s, mount_of(path.mnt), LINUX_MS_REMOUNT);
}

/*
 * fsconfig(2). It can't be started over, since an error spoils its context: it waits in one piece, and only where a
 * hook may sleep. mount(2) was asked about before it came here.
 */
SEC("lsm.s/sb_remount")
int BPF_PROG(hook_sb_remount, struct super_block *sb, void *options, int ret)
{
	struct question q = {};

	if (ret || (current_call().kind == ES_KIND_MOUNT && current_call().variant == ES_VARIANT_PLAIN))
		return ret;
	if (!question_open(&q, EV_AUTH_REMOUNT, EV_NOTIFY_REMOUNT, (uint64_t)sb, 0, 0))
		return 0;
	return question_ask(&q, WAIT_WHOLE, put_reconfigured(s, sb));
}

/* ---- opens that are something else besides ---- */

/* If the process has gone meanwhile there is nothing to ask about. */
static __always_inline void put_opened(struct question *q, struct scratch *s, struct look *look, struct file *file)
{
	if (!look->pid) {
		head_of(s)->file[0] = put_file(s, file);
		return;
	}
	keep_checked(q, executable_of(look->leader));
	head_of(s)->num[0] = look->number;
	head_of(s)->other = put_numbered(s, look->pid, look->leader);
	if (!head_of(s)->other)
		q->slots = 0;
}

static __always_inline void about_look(struct question *q, struct look *look, struct file *file)
{
	struct task_struct *leader = (void *)look->leader;

	if (!look->pid) {
		about_file(q, file, KEPT_RESULT);
		return;
	}
	rcu_begin(true);
	if (READ(leader, tgid) == look->pid)
		about_process(q, look->leader, look->number);
	rcu_end(true);
}

/* Few want to be asked about these, and nobody else is to pay for them. */
static __noinline int on_file_open_other(struct file *file)
{
	struct es_syscall call = current_call();
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
	if (!question_open_kept(&q, look.auth, look.notify, (uint64_t)READ(file, f_inode), look.number, look.leader,
				about_look(&q, &look, file)))
		return 0;
	return question_ask(&q, WAIT_GATE, put_opened(&q, s, &look, file));
}

static __always_inline bool other_opens_wanted(void)
{
	return control.subscribers[EV_AUTH_FSGETPATH] | control.subscribers[EV_AUTH_GET_TASK] |
	       control.subscribers[EV_AUTH_GET_TASK_READ] | control.subscribers[EV_AUTH_PROC_CHECK];
}

/* All that is asked about an open, in one program: where a task may sleep, none of ours follows. */
static __always_inline int ask_and_note_open(struct file *file, int ret)
{
	if (!ret)
		ret = on_file_open(file);
	if (!ret && other_opens_wanted())
		ret = on_file_open_other(file);
	if (!ret)
		changed_by_open(file);
	return ret;
}

LSM_HOOK(file_open, ask_and_note_open(file, ret), struct file *file, int ret)
