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
 * A signal: handle is its number; data says how many came. The program should ignore the signal first: signal(SIGINT,
 * SIG_IGN). On Linux the source installs a handler of its own, which also calls the program's, if there was one. When the
 * last source for the signal is cancelled or gone, the library restores what was there before.
 */
#define DISPATCH_SOURCE_TYPE_SIGNAL	(&_dispatch_source_type_signal)

/* A timer: handle is 0; data says how many times it has fired since the handler last ran. */
#define DISPATCH_SOURCE_TYPE_TIMER	(&_dispatch_source_type_timer)
#define DISPATCH_TIMER_STRICT		0x1

/* The source is suspended until dispatch_resume() or dispatch_activate(). NULL: no such type or signal, or no memory. */
DISPATCH_EXPORT dispatch_source_t dispatch_source_create(dispatch_source_type_t type, uintptr_t handle, uintptr_t mask,
							 dispatch_queue_t queue);
DISPATCH_EXPORT void dispatch_source_set_event_handler_f(dispatch_source_t source, dispatch_function_t handler);
DISPATCH_EXPORT void dispatch_source_set_cancel_handler_f(dispatch_source_t source, dispatch_function_t handler);

/* Fires first at `start`, then every `interval` ns; once if the interval is DISPATCH_TIME_FOREVER or 0. */
DISPATCH_EXPORT void dispatch_source_set_timer(dispatch_source_t source, dispatch_time_t start, uint64_t interval,
					       uint64_t leeway);
DISPATCH_EXPORT uintptr_t dispatch_source_get_data(dispatch_source_t source);
DISPATCH_EXPORT uintptr_t dispatch_source_get_handle(dispatch_source_t source);
DISPATCH_EXPORT uintptr_t dispatch_source_get_mask(dispatch_source_t source);

/* No event handler starts after this. Queues the cancel handler. */
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
