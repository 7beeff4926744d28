/* SPDX-License-Identifier: MIT */
/* sys/mount.h - the C library's, and Darwin's description of a file system. */
#pragma GCC system_header	/* for include_next */

#include_next <sys/mount.h>
#include <es-compat/mount.h>
