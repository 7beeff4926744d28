/* SPDX-License-Identifier: MIT */
/* object.h - what all objects have */
#ifndef __ES_COMPAT_DISPATCH_OBJECT_H
#define __ES_COMPAT_DISPATCH_OBJECT_H

#include <dispatch/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A new object has one reference. Each piece of queued work holds another one of its queue. */
DISPATCH_EXPORT void dispatch_retain(dispatch_object_t object);
DISPATCH_EXPORT void dispatch_release(dispatch_object_t object);

DISPATCH_EXPORT void *dispatch_get_context(dispatch_object_t object);
DISPATCH_EXPORT void dispatch_set_context(dispatch_object_t object, void *context);
/* The library calls it with the context, if that isn't NULL, when the last reference is gone. */
DISPATCH_EXPORT void dispatch_set_finalizer_f(dispatch_object_t object, dispatch_function_t finalizer);

/* A suspended queue or source starts nothing new. A new source is suspended. */
DISPATCH_EXPORT void dispatch_suspend(dispatch_object_t object);
DISPATCH_EXPORT void dispatch_resume(dispatch_object_t object);
DISPATCH_EXPORT void dispatch_activate(dispatch_object_t object);

#ifdef __cplusplus
}
#endif

#endif
