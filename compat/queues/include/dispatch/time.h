/* SPDX-License-Identifier: MIT */
/* time.h - points in time */
#ifndef __ES_COMPAT_DISPATCH_TIME_H
#define __ES_COMPAT_DISPATCH_TIME_H

#include <dispatch/base.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef NSEC_PER_SEC
#define NSEC_PER_SEC	1000000000ull
#define NSEC_PER_MSEC	1000000ull
#define NSEC_PER_USEC	1000ull
#define USEC_PER_SEC	1000000ull
#endif

typedef uint64_t dispatch_time_t;

#define DISPATCH_TIME_NOW	(0ull)
#define DISPATCH_TIME_FOREVER	(~0ull)

struct timespec;

/* `delta` nanoseconds after `when`. Of CLOCK_MONOTONIC, unless `when` came from dispatch_walltime(). */
DISPATCH_EXPORT dispatch_time_t dispatch_time(dispatch_time_t when, int64_t delta);

/* `delta` nanoseconds after a time of day; NULL is now. The time follows the clock when that is set. */
DISPATCH_EXPORT dispatch_time_t dispatch_walltime(const struct timespec *when, int64_t delta);

#ifdef __cplusplus
}
#endif

#endif
