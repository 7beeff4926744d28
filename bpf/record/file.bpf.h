/* SPDX-License-Identifier: MIT */
#pragma once

/* (N3, A3) Records of operations on files, for both sensors. */

#include "bpf/base/syscall-args.bpf.h"
#include "bpf/record/argument.bpf.h"
#include "bpf/record/path.bpf.h"
#include "bpf/record/ring.bpf.h"

/* FREAD and FWRITE of an open file. */
static __always_inline uint32_t fflag_of(struct file *file)
{
	return READ_CORE(file, f_mode) & (FMODE_READ | FMODE_WRITE);
}

/* The access that an open asks for. One that empties the file writes to it, even if it opens it for reading. */
static __always_inline uint32_t fflag_asked(struct file *file)
{
	return fflag_of(file) | (READ_CORE(file, f_flags) & O_TRUNC ? FMODE_WRITE : 0);
}

/* The flags that the program passed to a call of ES_KIND_OPEN. */
static __always_inline uint64_t open_flags_passed(const struct syscall_args *args)
{
	uint64_t flags = 0;

	switch (args->variant) {
	case ES_VARIANT_AT:
	case ES_VARIANT_OTHER2:		/* open_by_handle_at() */
		return args->a[2];
	case ES_VARIANT_AT2:
		bpf_probe_read_user(&flags, sizeof(flags), (void *)args->a[2]);
		return flags;
	case ES_VARIANT_OTHER:		/* creat() */
		return O_WRONLY | O_TRUNC;
	default:
		return args->a[1];
	}
}

static __always_inline void put_mmap(struct scratch *s, struct file *file, unsigned long prot, unsigned long flags)
{
	head_of(s)->file[0] = put_file(s, file);
	head_of(s)->num[0] = prot;
	head_of(s)->num[1] = 7;		/* Linux has no ceiling: PROT_READ | PROT_WRITE | PROT_EXEC */
	head_of(s)->num[2] = flags;
}

static __always_inline void put_mprotect(struct scratch *s, const struct syscall_args *args)
{
	head_of(s)->num[0] = args->a[2];
	head_of(s)->num[1] = args->a[0];
	head_of(s)->num[2] = args->a[1];
}

static __noinline int put_copy(struct scratch *s, struct file *source, struct file *target, uint32_t flags)
{
	struct es_record *head = head_of(s);

	head->file[0] = put_file(s, source);
	head->file[1] = put_file(s, target);
	put_dir_and_name_of(s, &head->file[2], &head->str[0], target);
	head->num[0] = READ_CORE(target, f_inode, i_mode);
	head->num[1] = flags;
	return 0;
}
