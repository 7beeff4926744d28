/* SPDX-License-Identifier: MIT */
/* semaphore.h - semaphores */
#ifndef __ES_COMPAT_DISPATCH_SEMAPHORE_H
#define __ES_COMPAT_DISPATCH_SEMAPHORE_H

#include <dispatch/base.h>
#include <dispatch/object.h>
#include <dispatch/time.h>

#ifdef __cplusplus
extern "C" {
#endif

DISPATCH_DECL(dispatch_semaphore);

/* NULL: no memory, or a value below 0. */
DISPATCH_EXPORT dispatch_semaphore_t dispatch_semaphore_create(intptr_t value);

/* 0: it has lowered the count; else: the time is over. */
DISPATCH_EXPORT intptr_t dispatch_semaphore_wait(dispatch_semaphore_t semaphore, dispatch_time_t timeout);

/* Not 0: it has woken a thread. */
DISPATCH_EXPORT intptr_t dispatch_semaphore_signal(dispatch_semaphore_t semaphore);

#ifdef __cplusplus
}
#endif

#endif
