/* SPDX-License-Identifier: MIT */
/* mach_error.h - KERN_* in words */
#ifndef __ES_COMPAT_MACH_MACH_ERROR_H
#define __ES_COMPAT_MACH_MACH_ERROR_H

#include <mach/kern_return.h>

typedef kern_return_t mach_error_t;

#ifdef __cplusplus
extern "C" {
#endif

/* A constant string, also for unknown numbers. */
char *mach_error_string(mach_error_t error);

#ifdef __cplusplus
}
#endif

#endif
