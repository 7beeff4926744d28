/* SPDX-License-Identifier: MIT */
/* source.h - signals and timers */
#ifndef __ES_COMPAT_DISPATCH_SOURCE_H
#define __ES_COMPAT_DISPATCH_SOURCE_H

#include <dispatch/base.h>
#include <dispatch/queue.h>

#ifdef __cplusplus
extern "C" {
#endif

DISPATCH_DECL(dispatch_source);

typedef const struct dispatch_source_type_s *dispatch_source_type_t;
struct dispatch_source_type_s;

extern const struct dispatch_source_type_s _dispatch_source_type_signal;
extern const struct dispatch_source_type_s _dispatch_source_type_timer;

/*
 * A signal: handle is its number; data, how many came. The program is to ignore it first: signal(SIGINT, SIG_IGN). On
 * Linux the source takes the signal over with a handler of its own; one that the program has is called as well. It is
 * given back when the last source for the signal is cancelled or gone.
 */
#define DISPATCH_SOURCE_TYPE_SIGNAL	(&_dispatch_source_type_signal)

/* A timer: handle is 0, data how many times it has fired since. */
#define DISPATCH_SOURCE_TYPE_TIMER	(&_dispatch_source_type_timer)
#define DISPATCH_TIMER_STRICT		0x1

/* Suspended until dispatch_resume() or dispatch_activate(). NULL: another type, no such signal, no memory. */
DISPATCH_EXPORT dispatch_source_t dispatch_source_create(dispatch_source_type_t type, uintptr_t handle, uintptr_t mask,
							 dispatch_queue_t queue);
DISPATCH_EXPORT void dispatch_source_set_event_handler_f(dispatch_source_t source, dispatch_function_t handler);
DISPATCH_EXPORT void dispatch_source_set_cancel_handler_f(dispatch_source_t source, dispatch_function_t handler);

/* First at `start`, then every `interval` ns; DISPATCH_TIME_FOREVER, or 0, as interval: once. */
DISPATCH_EXPORT void dispatch_source_set_timer(dispatch_source_t source, dispatch_time_t start, uint64_t interval,
					       uint64_t leeway);
DISPATCH_EXPORT uintptr_t dispatch_source_get_data(dispatch_source_t source);
DISPATCH_EXPORT uintptr_t dispatch_source_get_handle(dispatch_source_t source);
DISPATCH_EXPORT uintptr_t dispatch_source_get_mask(dispatch_source_t source);

/* No event handler starts after this; the cancel handler is queued. */
DISPATCH_EXPORT void dispatch_source_cancel(dispatch_source_t source);
DISPATCH_EXPORT intptr_t dispatch_source_testcancel(dispatch_source_t source);

#ifdef __BLOCKS__
DISPATCH_EXPORT void dispatch_source_set_event_handler(dispatch_source_t source, dispatch_block_t handler);
DISPATCH_EXPORT void dispatch_source_set_cancel_handler(dispatch_source_t source, dispatch_block_t handler);
#endif

#ifdef __cplusplus
}
#endif

#endif
