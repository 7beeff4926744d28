/* SPDX-License-Identifier: MIT */
/* base.h - what the other headers have in common */
#ifndef __ES_COMPAT_DISPATCH_BASE_H
#define __ES_COMPAT_DISPATCH_BASE_H

#include <os/base.h>

#define DISPATCH_EXPORT	OS_EXPORT

/* A kind of object. In C++ each is derived from dispatch_object_s, so that it can be passed where any object can. */
#ifdef __cplusplus
#define DISPATCH_DECL(name)	typedef struct name##_s : public dispatch_object_s {} *name##_t
typedef struct dispatch_object_s {} *dispatch_object_t;
#else
#define DISPATCH_DECL(name)	typedef struct name##_s *name##_t
typedef union {
	struct dispatch_object_s *_do;
	struct dispatch_queue_s *_dq;
	struct dispatch_queue_attr_s *_dqa;
	struct dispatch_source_s *_ds;
	struct dispatch_group_s *_dg;
	struct dispatch_semaphore_s *_dsema;
} dispatch_object_t __attribute__((__transparent_union__));
#endif

typedef void (*dispatch_function_t)(void *context);

#ifdef __BLOCKS__
typedef void (^dispatch_block_t)(void);
#endif

#endif
