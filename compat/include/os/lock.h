/* SPDX-License-Identifier: MIT */
/*
 * lock.h - a lock of four bytes that knows its owner
 *
 * A futex whose word is the owner's thread id. Like Apple's it is not fair and
 * not recursive. It ends the program (SIGABRT, with a line on stderr) if its
 * owner locks it again, or another thread unlocks it.
 */
#ifndef __ES_COMPAT_OS_LOCK_H
#define __ES_COMPAT_OS_LOCK_H

#include <os/base.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct os_unfair_lock_s {
	uint32_t _os_unfair_lock_opaque;
} os_unfair_lock, *os_unfair_lock_t;

#ifdef __cplusplus
#define OS_UNFAIR_LOCK_INIT	(os_unfair_lock())
#else
#define OS_UNFAIR_LOCK_INIT	((os_unfair_lock){ 0 })
#endif

OS_EXPORT void os_unfair_lock_lock(os_unfair_lock_t lock);
OS_EXPORT bool os_unfair_lock_trylock(os_unfair_lock_t lock);	/* true: the caller has the lock now */
OS_EXPORT void os_unfair_lock_unlock(os_unfair_lock_t lock);

/* End the program if the calling thread is not, or is, the owner. */
OS_EXPORT void os_unfair_lock_assert_owner(const os_unfair_lock *lock);
OS_EXPORT void os_unfair_lock_assert_not_owner(const os_unfair_lock *lock);

#ifdef __cplusplus
}
#endif

#endif /* __ES_COMPAT_OS_LOCK_H */
