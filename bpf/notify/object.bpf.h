/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * (1) Events from the kernel's own objects, where trampolines load. A program at an LSM hook, or at the function that
 * calls the LSMs' hooks (fentry), sees the object before the change. A program at the end of the function that makes
 * the change (fexit) sees whether it succeeded. The first stores what the second needs with the thread: struct
 * unfinished, keyed by the dentry that both get. A call that fails leaves its part behind, for the next to overwrite.
 *
 * The programs take arguments as mere numbers, whatever their types are on this kernel.
 *
 * These programs may be preempted, so they make records in areas of the pool.
 *
 * While the daemon tries whether a type's programs are called (daemon/sensor/objects.c), they count what its thread
 * does and report it to no client.
 */

#include "bpf/base/syscall-args.bpf.h"
#include "bpf/record/argument.bpf.h"
#include "bpf/record/file.bpf.h"
#include "bpf/record/inode-path.bpf.h"
#include "bpf/select/event.bpf.h"

/* A program before the change, at the function that calls the LSMs' hooks. */
#define OBJECT_SEE(name, action) \
	SEC("fentry/security_" #name) \
	int see_##name(uint64_t *ctx) \
	{ \
		action; \
		return 0; \
	}

/*
 * The same, and one at the hook itself, which is used where LSM programs load: the kernel may skip a fentry program
 * while the same one is preempted. Not for hooks where tasks sleep until a client has answered: a program that
 * doesn't sleep must not be attached there, see daemon/sensor/follow.h.
 */
#define OBJECT_HOOK(name, action) \
	SEC("lsm/" #name) \
	int lsm_see_##name(uint64_t *ctx) \
	{ \
		action; \
		return 0; \
	} \
	OBJECT_SEE(name, action)

/* A program at the end of the kernel's function that makes the change. */
#define OBJECT_DONE(name, action) \
	SEC("fexit/" #name) \
	int done_##name(uint64_t *ctx) \
	{ \
		action; \
		return 0; \
	}

/* A program at its beginning, where the object is gone at the end. */
#define OBJECT_ENTRY(name, action) \
	SEC("fentry/" #name) \
	int enter_##name(uint64_t *ctx) \
	{ \
		action; \
		return 0; \
	}

static __always_inline uint64_t arg(void *ctx, uint32_t number)
{
	uint64_t value = 0;

	bpf_get_func_arg(ctx, number, &value);
	return value;
}

/* The function's return value, where that is an int. */
static __always_inline int32_t result_of(void *ctx)
{
	uint64_t value = 0;

	bpf_get_func_ret(ctx, &value);
	return (int32_t)value;
}

/* The function's return value, where that is as wide as a pointer: negative is an error. */
static __always_inline int64_t long_result_of(void *ctx)
{
	uint64_t value = 0;

	bpf_get_func_ret(ctx, &value);
	return (int64_t)value;
}

static __always_inline bool probing(void)
{
	return control.probe_tid && control.probe_tid == (uint32_t)bpf_get_current_pid_tgid();
}

/* Does no client want this type? Costs one load, for programs that are attached but not needed now. */
static __always_inline bool nobody_wants(uint32_t type)
{
	return type >= ES_EVENT_TYPES || (!control.objects[type] && !control.probe_tid);
}

/* The slots of the clients that want it; all slots if the event is only counted. */
static __always_inline uint64_t wanted_by(uint32_t type)
{
	if (probing())
		return ~0ull;
	if (type >= ES_EVENT_TYPES || !control.objects[type])
		return 0;
	return select_subscribers(type);
}

/* The thread's struct unfinished; NULL: there is no memory for it, or no client wants the type. */
static __always_inline struct unfinished *unfinished_for(uint64_t slots, uint32_t type)
{
	struct unfinished *unfinished;

	if (!slots)
		return NULL;
	unfinished = bpf_task_storage_get(&unfinished_of, bpf_get_current_task_btf(), NULL,
					  BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!unfinished && !probing())
		record_lost(slots, type);
	return unfinished;
}

static __always_inline struct unfinished *unfinished_found(void)
{
	return bpf_task_storage_get(&unfinished_of, bpf_get_current_task_btf(), NULL, 0);
}

/* A record for the clients that want it. Call event_send() for it, unless this returns NULL. */
static __always_inline struct scratch *object_begin(uint32_t type, uint64_t slots)
{
	if (!slots || type >= ES_EVENT_TYPES)
		return NULL;
	if (probing()) {
		__sync_fetch_and_add(&control.probed[type], 1);
		return NULL;
	}
	return event_begin(type, slots);
}

/* The same for an event that is only about this path: drops the clients that have muted it from *slots. */
static __always_inline struct scratch *object_begin_on(uint32_t type, const struct path *path, uint64_t *slots)
{
	struct scratch *s = object_begin(type, *slots);

	if (!s || !(*slots & control.mute_target[type]))
		return s;
	s->climbed = *path;
	*slots = select_path(s, *slots, type);
	return s;
}

/* Is it a mount of a file system in layers' own? There the kernel acts by itself, below what a program did. */
static __always_inline bool is_layer(uint64_t address)
{
	struct vfsmount *mnt = (void *)address;

	return !(READ_FAST(mnt, mnt_flags) & LINUX_MNT_INTERNAL) &&
	       (int64_t)READ_SCALAR(mount_of(mnt), mnt_ns) == -EINVAL;
}

static __always_inline void take_stat(struct es_stat *stat, uint64_t address)
{
	uint64_t inode = READ_SCALAR((struct dentry *)address, d_inode);

	if (inode)
		read_stat(stat, inode);
	else
		stat->mode = 0;
}

static __always_inline uint32_t take_name(char name[NAME_BYTES], uint64_t address)
{
	long n = bpf_probe_read_kernel_str(name, NAME_BYTES, READ_FAST((struct dentry *)address, d_name.name));

	return n > 0 ? n - 1 : 0;
}

static __always_inline struct path path_of_file(uint64_t address)
{
	return path_at(address + bpf_core_field_offset(struct file, f_path));
}

/* An event whose only content is a file, and numbers. */
__noinline int send_object(uint32_t type, struct path *path, int64_t first, int64_t second)
{
	uint64_t slots = wanted_by(type);
	struct scratch *s;

	if (!path)
		return 0;
	s = object_begin_on(type, path, &slots);
	if (!s)
		return 0;
	if (slots) {
		head_of(s)->file[0] = put_path(s, path);
		head_of(s)->num[0] = first;
		head_of(s)->num[1] = second;
	}
	event_send(s, slots);
	return 0;
}

/* ---- where a path argument has led ---- */

static __always_inline void done_lookup(void *ctx)
{
	struct unfinished *unfinished;
	struct path path;

	if ((!control.object_lookups && !control.probe_tid) || result_of(ctx))
		return;
	unfinished = bpf_task_storage_get(&unfinished_of, bpf_get_current_task_btf(), NULL,
					  BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!unfinished)
		return;
	path = path_at(arg(ctx, 3));
	unfinished->lookup.mnt = (uint64_t)path.mnt;
	unfinished->lookup.dentry = (uint64_t)path.dentry;
	unfinished->lookup.inode = READ_SCALAR(path.dentry, d_inode);
}

OBJECT_DONE(filename_lookup, done_lookup(ctx))

/*
 * The mount by which the program reached a dentry that the kernel has acted on: that of the descriptor or path that it
 * passed, if that led there, else one of the same file system. 0: the kernel acted by itself, within another operation.
 */
__noinline uint64_t mount_to(struct scratch *s, uint64_t dentry)
{
	struct unfinished *unfinished = unfinished_found();
	struct path path;

	if (!s)
		return 0;
	args_of_current(&s->args);
	if (s->args.kind != ES_KIND_NONE && s->args.variant == ES_VARIANT_FD) {
		path = path_of_file((uint64_t)file_of_fd(s->args.a[0]));
		if ((uint64_t)path.dentry == dentry)
			return (uint64_t)path.mnt;
	}
	if (unfinished && unfinished->lookup.dentry == dentry &&
	    unfinished->lookup.inode == READ_SCALAR((struct dentry *)dentry, d_inode))
		return unfinished->lookup.mnt;
	if (by_kernel())
		return 0;
	return mount_of_super_block(READ_SCALAR((struct dentry *)dentry, d_sb));
}

static __always_inline uint32_t put_dentry(struct scratch *s, uint64_t dentry)
{
	struct path path = { .mnt = (void *)mount_to(s, dentry), .dentry = (void *)dentry };

	return path.mnt ? put_path(s, &path) : 0;
}
