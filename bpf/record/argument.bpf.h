/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * (N3, A3) Puts the files that a system call names into a record. The programs read a path again when the call
 * returns. A process can change the path meanwhile, but so it can before the kernel reads it in between.
 */

#include "bpf/base/syscall-args.bpf.h"
#include "bpf/record/path.bpf.h"
#include "bpf/record/walk.bpf.h"

/* Puts a path argument's file: the one that it leads to now, or the text as it was passed. */
static __noinline uint32_t put_argument(struct scratch *s, int dirfd, uint64_t text, uint32_t flags)
{
	struct path base = {};

	walk_argument(s, &s->place, dirfd, text, flags);
	if (s->place.status == PLACE_FOUND)
		return put_place(s, &s->place);
	if (bpf_probe_read_user_str(s->user, USER_BYTES, (void *)text) <= 0)
		return 0;
	if (!base_of(&base, s->user[0] == '/' ? AT_FDCWD : dirfd))
		return 0;
	return put_lexical(s, &base);
}

/* The same for the *at() calls: an empty path is the descriptor itself. */
static __always_inline uint32_t put_argument_at(struct scratch *s, int dirfd, uint64_t text, uint32_t flags)
{
	char first = 0;

	if (!text || bpf_probe_read_user(&first, 1, (void *)text) || !first)
		return dirfd == AT_FDCWD ? put_argument(s, dirfd, text, flags) : put_file(s, file_of_fd(dirfd));
	return put_argument(s, dirfd, text, flags);
}

/* The object of a call that takes a path, a directory and a path, or a descriptor. `at_flags` is of the *at() forms. */
static __always_inline uint32_t put_target(struct scratch *s, struct syscall_args *args, uint32_t at_flags)
{
	uint32_t follow = at_flags & AT_SYMLINK_NOFOLLOW ? 0 : WALK_FOLLOW;

	switch (args->variant) {
	case ES_VARIANT_FD:
		return put_file(s, file_of_fd(args->a[0]));
	case ES_VARIANT_LINK:
		return put_argument(s, AT_FDCWD, args->a[0], 0);
	case ES_VARIANT_AT:
	case ES_VARIANT_AT2:
		return put_argument_at(s, args->a[0], args->a[1], follow);
	default:
		return put_argument(s, AT_FDCWD, args->a[0], follow);
	}
}

/* The directory and name where a path leads; there need not be an object. */
static __always_inline void put_dir_and_name(struct scratch *s, uint32_t *dir, struct es_span *name,
					     struct place *place)
{
	*dir = put_place_dir(s, place);
	put_bytes(s, name, place->name, place->name_len);
}

/* The directory and name of an open file. */
static __always_inline void put_dir_and_name_of(struct scratch *s, uint32_t *dir, struct es_span *name,
						struct file *file)
{
	struct dentry *dentry = READ_CORE(file, f_path.dentry);
	struct path path = { .mnt = READ_CORE(file, f_path.mnt), .dentry = READ_CORE(dentry, d_parent) };

	*dir = put_path(s, &path);
	put_string(s, name, READ_CORE(dentry, d_name.name), NAME_BYTES);
}
