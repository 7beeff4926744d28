/* SPDX-License-Identifier: MIT */
#pragma once

/* The file systems whose files only this kernel's own calls can change. */

#include "bpf/base/kernel.h"

/* Is this the magic number of such a file system? */
static __always_inline bool is_local_magic(uint32_t magic)
{
	switch (magic) {
	case 0xef53:			/* ext2, ext3, ext4 */
	case 0x58465342:		/* xfs */
	case 0x9123683e:		/* btrfs */
	case 0xf2f52010:		/* f2fs */
	case 0x01021994:		/* tmpfs */
	case 0x858458f6:		/* ramfs */
	case 0x4d44:			/* vfat */
	case 0x2011bab0:		/* exfat */
	case 0xe0f5e1e2:		/* erofs */
	case 0x73717368:		/* squashfs */
	case 0x9660:			/* iso9660 */
		return true;
	}
	return false;
}
