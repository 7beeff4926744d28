/* SPDX-License-Identifier: MIT */
/* queue.h - queues of work */
#ifndef __ES_COMPAT_DISPATCH_QUEUE_H
#define __ES_COMPAT_DISPATCH_QUEUE_H

#include <dispatch/base.h>
#include <dispatch/object.h>
#include <dispatch/time.h>
#include <sys/qos.h>

#ifdef __cplusplus
extern "C" {
#endif

DISPATCH_DECL(dispatch_queue);
DISPATCH_DECL(dispatch_queue_attr);

typedef dispatch_queue_t dispatch_queue_main_t;
typedef dispatch_queue_t dispatch_queue_global_t;
typedef dispatch_queue_t dispatch_queue_serial_t;
typedef dispatch_queue_t dispatch_queue_concurrent_t;
typedef qos_class_t dispatch_qos_class_t;

#define DISPATCH_QUEUE_SERIAL			((dispatch_queue_attr_t)0)
#define DISPATCH_QUEUE_CONCURRENT		(&_dispatch_queue_attr_concurrent)
#define DISPATCH_QUEUE_SERIAL_WITH_AUTORELEASE_POOL	DISPATCH_QUEUE_SERIAL
#define DISPATCH_QUEUE_CONCURRENT_WITH_AUTORELEASE_POOL	DISPATCH_QUEUE_CONCURRENT
#define DISPATCH_TARGET_QUEUE_DEFAULT		((dispatch_queue_t)0)
#define DISPATCH_CURRENT_QUEUE_LABEL		((dispatch_queue_t)0)

#define DISPATCH_QUEUE_PRIORITY_HIGH		2
#define DISPATCH_QUEUE_PRIORITY_DEFAULT		0
#define DISPATCH_QUEUE_PRIORITY_LOW		(-2)
#define DISPATCH_QUEUE_PRIORITY_BACKGROUND	(-32768)

extern struct dispatch_queue_s _dispatch_main_q;
extern struct dispatch_queue_attr_s _dispatch_queue_attr_concurrent;

/*
 * Makes a queue. A serial one runs work one after the other, in order. A concurrent one starts it in order, and runs it
 * side by side. `label` is copied. NULL: no memory.
 */
DISPATCH_EXPORT dispatch_queue_t dispatch_queue_create(const char *label, dispatch_queue_attr_t attr);
DISPATCH_EXPORT const char *dispatch_queue_get_label(dispatch_queue_t queue);

/* An attribute with a class. NULL: not one of QOS_CLASS_*. Classes are stored, and have no effect. */
DISPATCH_EXPORT dispatch_queue_attr_t dispatch_queue_attr_make_with_qos_class(dispatch_queue_attr_t attr,
		dispatch_qos_class_t qos_class, int relative_priority);

/* The system's concurrent queue of a class or priority. NULL: no such class. `flags` is 0. */
DISPATCH_EXPORT dispatch_queue_t dispatch_get_global_queue(intptr_t identifier, uintptr_t flags);

/* The main thread's queue. Its work runs only while the main thread is in dispatch_main(). */
static __inline__ __attribute__((__unused__)) dispatch_queue_t dispatch_get_main_queue(void)
{
	return &_dispatch_main_q;
}

/* Runs the main queue's work for ever. For the main thread only. */
DISPATCH_EXPORT void dispatch_main(void) __attribute__((__noreturn__));

/* Queues work and returns. On a concurrent queue a barrier waits for all work before it, and later work waits for it. */
DISPATCH_EXPORT void dispatch_async_f(dispatch_queue_t queue, void *context, dispatch_function_t work);
DISPATCH_EXPORT void dispatch_barrier_async_f(dispatch_queue_t queue, void *context, dispatch_function_t work);

/* Runs work in the queue's order, on this thread (the main queue's on the main thread), and returns when it is done. */
DISPATCH_EXPORT void dispatch_sync_f(dispatch_queue_t queue, void *context, dispatch_function_t work);
DISPATCH_EXPORT void dispatch_barrier_sync_f(dispatch_queue_t queue, void *context, dispatch_function_t work);

/* Queues work at a time. */
DISPATCH_EXPORT void dispatch_after_f(dispatch_time_t when, dispatch_queue_t queue, void *context,
				      dispatch_function_t work);

#ifdef __BLOCKS__
DISPATCH_EXPORT void dispatch_async(dispatch_queue_t queue, dispatch_block_t block);
DISPATCH_EXPORT void dispatch_barrier_async(dispatch_queue_t queue, dispatch_block_t block);
DISPATCH_EXPORT void dispatch_sync(dispatch_queue_t queue, dispatch_block_t block);
DISPATCH_EXPORT void dispatch_barrier_sync(dispatch_queue_t queue, dispatch_block_t block);
DISPATCH_EXPORT void dispatch_after(dispatch_time_t when, dispatch_queue_t queue, dispatch_block_t block);
#endif

#ifdef __cplusplus
}
#endif

#endif
