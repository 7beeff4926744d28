/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Numbers that the headers of Debian 12 (Linux 6.1) lack, so that a daemon built there sees these calls on newer
 * kernels. They are the same on all architectures, and for 32-bit programs. Include the architecture's numbers before
 * this file.
 */

#ifndef __NR_fchmodat2
#define __NR_fchmodat2 452
#endif
#ifndef __NR_setxattrat
#define __NR_setxattrat 463
#define __NR_getxattrat 464
#define __NR_listxattrat 465
#define __NR_removexattrat 466
#endif
#ifndef __NR_file_setattr
#define __NR_file_setattr 469
#endif
#ifndef __NR_fchroot
#define __NR_fchroot 472
#endif
