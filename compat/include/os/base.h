/* SPDX-License-Identifier: MIT */
/* base.h - attributes by Apple's names; OS_EXPORT is in ESPlatform.h */
#ifndef __ES_COMPAT_OS_BASE_H
#define __ES_COMPAT_OS_BASE_H

#include <EndpointSecurity/ESPlatform.h>

#ifndef OS_INLINE
#define OS_INLINE		static __inline__
#endif
#ifndef OS_ALWAYS_INLINE
#define OS_ALWAYS_INLINE	__attribute__((__always_inline__))
#endif
#ifndef OS_NORETURN
#define OS_NORETURN		__attribute__((__noreturn__))
#endif
#ifndef OS_NOTHROW
#define OS_NOTHROW		__attribute__((__nothrow__))
#endif
#ifndef OS_WARN_RESULT
#define OS_WARN_RESULT		__attribute__((__warn_unused_result__))
#endif
#ifndef OS_UNUSED
#define OS_UNUSED		__attribute__((__unused__))
#endif
#ifndef OS_LIKELY
#define OS_LIKELY(x)		__builtin_expect(!!(x), 1)
#define OS_UNLIKELY(x)		__builtin_expect(!!(x), 0)
#endif
#ifndef OS_ASSUME_NONNULL_BEGIN
#define OS_ASSUME_NONNULL_BEGIN
#define OS_ASSUME_NONNULL_END
#endif
#ifndef __BEGIN_DECLS
#include <sys/cdefs.h>
#endif

#endif
