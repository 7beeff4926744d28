/* SPDX-License-Identifier: MIT */
/* group.h - groups of work, to wait for together */
#ifndef __ES_COMPAT_DISPATCH_GROUP_H
#define __ES_COMPAT_DISPATCH_GROUP_H

#include <dispatch/base.h>
#include <dispatch/queue.h>

#ifdef __cplusplus
extern "C" {
#endif

DISPATCH_DECL(dispatch_group);

DISPATCH_EXPORT dispatch_group_t dispatch_group_create(void);
DISPATCH_EXPORT void dispatch_group_enter(dispatch_group_t group);
DISPATCH_EXPORT void dispatch_group_leave(dispatch_group_t group);

/* Waits until each dispatch_group_enter() has its leave. 0: they have; else: the time is over. */
DISPATCH_EXPORT intptr_t dispatch_group_wait(dispatch_group_t group, dispatch_time_t timeout);

/* Queues work that the group waits for; or work that runs when the group is empty. */
DISPATCH_EXPORT void dispatch_group_async_f(dispatch_group_t group, dispatch_queue_t queue, void *context,
					    dispatch_function_t work);
DISPATCH_EXPORT void dispatch_group_notify_f(dispatch_group_t group, dispatch_queue_t queue, void *context,
					     dispatch_function_t work);

#ifdef __BLOCKS__
DISPATCH_EXPORT void dispatch_group_async(dispatch_group_t group, dispatch_queue_t queue, dispatch_block_t block);
DISPATCH_EXPORT void dispatch_group_notify(dispatch_group_t group, dispatch_queue_t queue, dispatch_block_t block);
#endif

#ifdef __cplusplus
}
#endif

#endif
