/* SPDX-License-Identifier: MIT */
/* mach_time.h - time in ticks; here a tick is a nanosecond */
#ifndef __ES_COMPAT_MACH_MACH_TIME_H
#define __ES_COMPAT_MACH_MACH_TIME_H

#include <mach/message.h>

#ifdef __cplusplus
extern "C" {
#endif

struct mach_timebase_info {
	uint32_t numer;
	uint32_t denom;
};

typedef struct mach_timebase_info *mach_timebase_info_t;
typedef struct mach_timebase_info mach_timebase_info_data_t;

/* ticks * numer / denom are nanoseconds: 1 and 1. */
OS_EXPORT kern_return_t mach_timebase_info(mach_timebase_info_t info);

/* CLOCK_MONOTONIC, the clock of messages' deadline and mach_time. Stands still while the machine sleeps. */
OS_EXPORT uint64_t mach_absolute_time(void);

/* CLOCK_BOOTTIME: goes on while the machine sleeps. */
OS_EXPORT uint64_t mach_continuous_time(void);

#ifdef __cplusplus
}
#endif

#endif
