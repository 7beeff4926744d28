/* SPDX-License-Identifier: MIT */
#pragma once

/* (N3, A3) Puts a mount into a record. */

#include "bpf/base/constants.h"
#include "bpf/record/path.bpf.h"
#include "bpf/record/ring.bpf.h"

static __always_inline void put_mounted_on(struct scratch *s, uint32_t file)
{
	struct es_file_part *part = at(s, file);

	head_of(s)->file[0] = file;
	head_of(s)->str[1] = part->path;
}

static __always_inline int64_t disposition_of(uint32_t dev, uint64_t flags)
{
	if (flags & LINUX_MS_BIND)
		return DISPOSITION_NULLFS;
	return dev >> 20 ? DISPOSITION_INTERNAL : DISPOSITION_VIRTUAL;	/* major 0: no device behind it */
}

static __always_inline void put_mount(struct scratch *s, struct mount *mount, uint64_t flags)
{
	struct super_block *sb = READ_CORE(mount, mnt.mnt_sb);
	struct es_record *head = head_of(s);

	put_string(s, &head->str[0], READ_CORE(sb, s_type, name), NAME_BYTES);
	put_string(s, &head->str[2], READ_CORE(mount, mnt_devname), NAME_BYTES);
	head->num[0] = flags;
	head->num[1] = READ_CORE(sb, s_magic);
	head->num[2] = READ_CORE(sb, s_dev);
	head->num[3] = READ_CORE(sb, s_blocksize);
	head->num[4] = disposition_of(READ_CORE(sb, s_dev), flags);
	head->num[5] = READ_CORE(sb, s_root, d_inode, i_uid.val);
}
