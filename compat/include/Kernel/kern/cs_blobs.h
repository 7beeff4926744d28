/* SPDX-License-Identifier: MIT */
/* cs_blobs.h - by its name in the Kernel framework */
#include <kern/cs_blobs.h>
