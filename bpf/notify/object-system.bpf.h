/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * (1) Mounts, sockets with a name, signals, the clock: what the kernel did.
 *
 *	path_mount, move_mount, sys_move_mount	MOUNT, REMOUNT
 *	sb_umount, path_umount		UNMOUNT
 *	security_unix_stream_connect, security_unix_may_send	UIPC_CONNECT
 *	unix_bind			UIPC_BIND
 *	security_task_kill		SIGNAL, PROC_SUSPEND_RESUME
 *	do_settimeofday64, do_adjtimex	SETTIME
 *
 * The program reports a security_ function's decision at its end: AUTH may make the kernel call it many times before.
 */

#include "bpf/notify/object.bpf.h"
#include "bpf/record/mount.bpf.h"
#include "bpf/record/socket.bpf.h"

/* ---- mounts ---- */

enum { MOUNTS_SINCE = 64 };

static long newest_step(uint32_t index, struct stand *stand)
{
	struct list_head *node = (void *)stand->node;
	struct mount *mount;

	if (!node || stand->node == stand->head)
		return 1;
	mount = (void *)((char *)node - bpf_core_field_offset(struct mount, mnt_child));
	stand->node = READ_SCALAR(node, prev);
	if (READ_SCALAR(mount, mnt_mountpoint) != stand->dentry)
		return 0;
	stand->mount = (uint64_t)mount;
	return 1;
}

/* The mount that was just made on a path: the newest one there, apart from those that other tasks have made since. */
static __always_inline uint64_t newest_mount(const struct path *path)
{
	struct mount *mount = mount_of(path->mnt);
	struct stand stand = { .dentry = (uint64_t)path->dentry, .mount = unknown(0) };

	stand.head = (uint64_t)mount + bpf_core_field_offset(struct mount, mnt_mounts);
	stand.node = READ_SCALAR((struct list_head *)stand.head, prev);
	bpf_loop(MOUNTS_SINCE, newest_step, &stand, 0);
	return stand.mount ?: (uint64_t)mount;
}

/* Reports the mount that is at the path now; for a change of the path's own mount, that one. */
__noinline int send_mounted(uint32_t type, uint64_t mnt, uint64_t dentry, uint64_t flags)
{
	struct path path = { .mnt = (void *)mnt, .dentry = (void *)dentry };
	uint64_t slots = wanted_by(type), mount = (uint64_t)mount_of(path.mnt);
	struct scratch *s;

	s = object_begin(type, slots);
	if (!s)
		return 0;
	if (type == EV_NOTIFY_MOUNT)
		mount = newest_mount(&path);
	path.mnt = (void *)(mount + bpf_core_field_offset(struct mount, mnt));
	path.dentry = READ_FAST(path.mnt, mnt_root);
	put_mounted_on(s, put_path(s, &path));
	put_mount(s, (void *)mount, flags);
	if (mount_in_scope((void *)READ_SCALAR((struct mount *)mount, mnt_parent)))
		s->on_scoped_mount = 1;
	event_send(s, slots);
	return 0;
}

/* path_mount(device, path, type, flags, data) */
static __always_inline void done_mount(void *ctx)
{
	uint64_t flags = arg(ctx, 3);
	uint32_t type = flags & LINUX_MS_REMOUNT ? EV_NOTIFY_REMOUNT : EV_NOTIFY_MOUNT;
	struct path path;

	if (nobody_wants(type) || flags & LINUX_MS_PROPAGATION || result_of(ctx))
		return;
	path = path_at(arg(ctx, 1));
	send_mounted(type, (uint64_t)path.mnt, (uint64_t)path.dentry, flags);
}

OBJECT_DONE(path_mount, done_mount(ctx))

/* move_mount(2), to where a path or a descriptor leads. */
__noinline int see_moved(uint64_t address)
{
	uint64_t slots = wanted_by(EV_NOTIFY_MOUNT);
	struct unfinished *unfinished = unfinished_for(slots, EV_NOTIFY_MOUNT);
	struct path path = path_at(address);

	if (unfinished) {
		unfinished->moved.mnt = (uint64_t)path.mnt;
		unfinished->moved.dentry = (uint64_t)path.dentry;
	}
	return 0;
}

__noinline int send_moved(void)
{
	struct unfinished *unfinished = unfinished_found();
	uint64_t dentry;

	if (!unfinished || !unfinished->moved.dentry)
		return 0;
	dentry = unfinished->moved.dentry;
	unfinished->moved.dentry = 0;
	return send_mounted(EV_NOTIFY_MOUNT, unfinished->moved.mnt, dentry, 0);
}

static __always_inline void move_seen(void *ctx)
{
	if (!nobody_wants(EV_NOTIFY_MOUNT))
		see_moved(arg(ctx, 1));
}

static __always_inline void move_done(void *ctx)
{
	if (!nobody_wants(EV_NOTIFY_MOUNT) && !long_result_of(ctx))
		send_moved();
}

OBJECT_HOOK(move_mount, move_seen(ctx))
OBJECT_DONE(__x64_sys_move_mount, move_done(ctx))
OBJECT_DONE(__ia32_sys_move_mount, move_done(ctx))

/* Stores the mount before the kernel removes it. */
__noinline int see_unmounted(uint64_t mnt)
{
	uint64_t slots = wanted_by(EV_NOTIFY_UNMOUNT);
	struct unfinished *unfinished = unfinished_for(slots, EV_NOTIFY_UNMOUNT);
	struct mount *mount = mount_of((void *)mnt);
	struct super_block *sb = READ_CORE(mount, mnt.mnt_sb);
	struct unfinished_umount *umount;

	if (!unfinished)
		return 0;
	umount = &unfinished->umount;
	umount->mnt = mnt;
	umount->slots = slots;
	umount->parent = READ_SCALAR(mount, mnt_parent);
	umount->mountpoint = READ_SCALAR(mount, mnt_mountpoint);
	umount->magic = READ_CORE(sb, s_magic);
	umount->dev = READ_CORE(sb, s_dev);
	umount->blksize = READ_CORE(sb, s_blocksize);
	bpf_probe_read_kernel_str(umount->fstype, sizeof(umount->fstype), READ_CORE(sb, s_type, name));
	bpf_probe_read_kernel_str(umount->devname, sizeof(umount->devname), READ_CORE(mount, mnt_devname));
	return 0;
}

__noinline int send_unmounted(uint64_t mnt)
{
	struct unfinished *unfinished = unfinished_found();
	struct unfinished_umount *umount;
	struct path path = {};
	struct scratch *s;

	if (!unfinished || unfinished->umount.mnt != mnt)
		return 0;
	umount = &unfinished->umount;
	umount->mnt = 0;
	s = object_begin(EV_NOTIFY_UNMOUNT, umount->slots);
	if (!s)
		return 0;
	path.mnt = (void *)(umount->parent + bpf_core_field_offset(struct mount, mnt));
	path.dentry = (void *)umount->mountpoint;
	put_mounted_on(s, put_path(s, &path));
	put_string(s, &head_of(s)->str[0], umount->fstype, sizeof(umount->fstype));
	put_string(s, &head_of(s)->str[2], umount->devname, sizeof(umount->devname));
	head_of(s)->num[1] = umount->magic;
	head_of(s)->num[2] = umount->dev;
	head_of(s)->num[3] = umount->blksize;
	head_of(s)->num[4] = disposition_of(umount->dev, 0);
	event_send(s, umount->slots);
	return 0;
}

static __always_inline void see_umount(void *ctx)
{
	if (!nobody_wants(EV_NOTIFY_UNMOUNT))
		see_unmounted(arg(ctx, 0));
}

static __always_inline void done_umount(void *ctx)
{
	if (!nobody_wants(EV_NOTIFY_UNMOUNT) && !result_of(ctx))
		send_unmounted((uint64_t)path_at(arg(ctx, 0)).mnt);
}

OBJECT_HOOK(sb_umount, see_umount(ctx))
OBJECT_DONE(path_umount, done_umount(ctx))

/* ---- sockets ---- */

__noinline int send_connected(uint64_t sk, uint64_t other)
{
	uint64_t slots = wanted_by(EV_NOTIFY_UIPC_CONNECT);
	struct scratch *s = object_begin(EV_NOTIFY_UIPC_CONNECT, slots);

	if (s)
		event_send(s, put_socket(s, sk, other) ? slots : 0);
	return 0;
}

static __always_inline void done_connect(void *ctx)
{
	if (!nobody_wants(EV_NOTIFY_UIPC_CONNECT) && !result_of(ctx))
		send_connected(arg(ctx, 0), arg(ctx, 1));
}

/* connect(2) of a datagram socket, and each datagram sent by name to a peer that the socket isn't connected with. */
static __always_inline void done_may_send(void *ctx)
{
	uint64_t sk, other;

	if (nobody_wants(EV_NOTIFY_UIPC_CONNECT) || result_of(ctx))
		return;
	sk = READ_SCALAR((struct socket *)arg(ctx, 0), sk);
	other = READ_SCALAR((struct socket *)arg(ctx, 1), sk);
	if (READ_SCALAR((struct unix_sock *)sk, peer) != other)
		send_connected(sk, other);
}

OBJECT_DONE(security_unix_stream_connect, done_connect(ctx))
OBJECT_DONE(security_unix_may_send, done_may_send(ctx))

__noinline int send_bound(uint64_t sk)
{
	uint64_t slots = wanted_by(EV_NOTIFY_UIPC_BIND);
	struct path path = path_at(sk + bpf_core_field_offset(struct unix_sock, path));
	struct scratch *s = object_begin(EV_NOTIFY_UIPC_BIND, slots);
	struct path dir = { .mnt = path.mnt };

	if (!s)
		return 0;
	if (path.dentry) {
		dir.dentry = READ_FAST(path.dentry, d_parent);
		head_of(s)->file[0] = put_path(s, &dir);
		head_of(s)->num[0] = READ_FAST(READ_FAST(path.dentry, d_inode), i_mode) & 07777;
		put_string(s, &head_of(s)->str[0], READ_FAST(path.dentry, d_name.name), NAME_BYTES);
	} else if (read_abstract(s, sk)) {
		head_of(s)->file[0] = put_abstract(s, false);
		put_string(s, &head_of(s)->str[0], s->user, NAME_BYTES);
	}
	event_send(s, head_of(s)->file[0] ? slots : 0);
	return 0;
}

/* unix_bind(socket, address, length). Without a name the kernel makes one up. */
static __always_inline void done_bind(void *ctx)
{
	if (!nobody_wants(EV_NOTIFY_UIPC_BIND) && !result_of(ctx) && (int)arg(ctx, 2) > (int)sizeof(uint16_t))
		send_bound(READ_SCALAR((struct socket *)arg(ctx, 0), sk));
}

OBJECT_DONE(unix_bind, done_bind(ctx))

/* ---- signals ---- */

static __always_inline void signal_send(uint32_t type, struct task_struct *target, int64_t number)
{
	uint64_t slots = nobody_wants(type) ? 0 : wanted_by(type);
	struct scratch *s = object_begin(type, slots);

	if (!s)
		return;
	head_of(s)->other = put_process(s, target);
	head_of(s)->num[0] = number;
	event_send(s, head_of(s)->other ? slots : 0);
}

/*
 * security_task_kill(target, info, signal, cred): any signal to another process, also signal 0, and one that claims
 * to be from a timer.
 */
SEC("fexit/security_task_kill")
int BPF_PROG(done_security_task_kill, struct task_struct *target, void *info, int number)
{
	if ((nobody_wants(EV_NOTIFY_SIGNAL) && nobody_wants(EV_NOTIFY_PROC_SUSPEND_RESUME)) || result_of(ctx) ||
	    target->tgid == bpf_get_current_pid_tgid() >> 32)
		return 0;
	signal_send(EV_NOTIFY_SIGNAL, target, number);
	if (number == LINUX_SIGCONT || number == LINUX_SIGSTOP || number == LINUX_SIGTSTP)
		signal_send(EV_NOTIFY_PROC_SUSPEND_RESUME, target, number == LINUX_SIGCONT);
	return 0;
}

/* ---- clock ---- */

__noinline int send_settime(void)
{
	uint64_t slots = wanted_by(EV_NOTIFY_SETTIME);
	struct scratch *s;

	if (bpf_get_current_task_btf()->flags & PF_KTHREAD)
		return 0;
	s = object_begin(EV_NOTIFY_SETTIME, slots);
	if (s)
		event_send(s, slots);
	return 0;
}

static __always_inline void done_settime(void *ctx)
{
	if (!nobody_wants(EV_NOTIFY_SETTIME) && !result_of(ctx))
		send_settime();
}

/* clock_adjtime(2) and adjtimex(2), where they add to the time. */
static __always_inline void done_adjust(void *ctx)
{
	enum { LINUX_ADJ_SETOFFSET = 0x100 };
	struct __kernel_timex *timex = (void *)arg(ctx, 0);

	if (!nobody_wants(EV_NOTIFY_SETTIME) && result_of(ctx) >= 0 && READ_FAST(timex, modes) & LINUX_ADJ_SETOFFSET)
		send_settime();
}

OBJECT_DONE(do_settimeofday64, done_settime(ctx))
OBJECT_DONE(do_adjtimex, done_adjust(ctx))
