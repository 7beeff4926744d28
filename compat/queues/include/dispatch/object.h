/* SPDX-License-Identifier: MIT */
/* object.h - what all objects have */
#ifndef __ES_COMPAT_DISPATCH_OBJECT_H
#define __ES_COMPAT_DISPATCH_OBJECT_H

#include <dispatch/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* An object that is made has one reference. Work that waits on a queue holds another. */
DISPATCH_EXPORT void dispatch_retain(dispatch_object_t object);
DISPATCH_EXPORT void dispatch_release(dispatch_object_t object);

DISPATCH_EXPORT void *dispatch_get_context(dispatch_object_t object);
DISPATCH_EXPORT void dispatch_set_context(dispatch_object_t object, void *context);
/* Called with the context, if that isn't NULL, when the last reference is gone. */
DISPATCH_EXPORT void dispatch_set_finalizer_f(dispatch_object_t object, dispatch_function_t finalizer);

/* A queue, or source, that is suspended starts nothing new. Sources are made suspended. */
DISPATCH_EXPORT void dispatch_suspend(dispatch_object_t object);
DISPATCH_EXPORT void dispatch_resume(dispatch_object_t object);
DISPATCH_EXPORT void dispatch_activate(dispatch_object_t object);

#ifdef __cplusplus
}
#endif

#endif
