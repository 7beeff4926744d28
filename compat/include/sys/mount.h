/* SPDX-License-Identifier: MIT */
/* sys/mount.h - the C library's, and Darwin's struct statfs. */
#pragma GCC system_header	/* for include_next */

#include_next <sys/mount.h>
#include <es-compat/mount.h>
