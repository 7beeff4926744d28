/* SPDX-License-Identifier: MIT */
/*
 * os_unfair_lock. The word is 0, or the owner's thread id, with WAITERS if another thread may sleep. A thread that has
 * slept can't know whether others still sleep, so it sets WAITERS when it takes the lock.
 */
#include <os/lock.h>

#include "compat/sleep.h"

#define WAITERS 0x80000000u

static bool take(uint32_t *word, uint32_t as)
{
	uint32_t unlocked = 0;

	return __atomic_compare_exchange_n(word, &unlocked, as, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static uint32_t owner(const uint32_t *word)
{
	return __atomic_load_n(word, __ATOMIC_RELAXED) & ~WAITERS;
}

static void lock_slowly(uint32_t *word, uint32_t self)
{
	uint32_t seen;

	if (owner(word) == self)
		esc_bug("BUG IN CLIENT: os_unfair_lock_lock() of a lock that this thread has already");
	while (!take(word, self | WAITERS)) {
		seen = __atomic_load_n(word, __ATOMIC_RELAXED);
		if (!seen)
			continue;
		if (!(seen & WAITERS) && !__atomic_compare_exchange_n(word, &seen, seen | WAITERS, false, __ATOMIC_RELAXED,
								      __ATOMIC_RELAXED))
			continue;
		esc_sleep(word, seen | WAITERS, 0);
	}
}

EXPORT void os_unfair_lock_lock(os_unfair_lock_t lock)
{
	uint32_t self = esc_thread();

	if (!take(&lock->_os_unfair_lock_opaque, self))
		lock_slowly(&lock->_os_unfair_lock_opaque, self);
}

EXPORT bool os_unfair_lock_trylock(os_unfair_lock_t lock)
{
	return take(&lock->_os_unfair_lock_opaque, esc_thread());
}

EXPORT void os_unfair_lock_unlock(os_unfair_lock_t lock)
{
	uint32_t *word = &lock->_os_unfair_lock_opaque;

	if (owner(word) != esc_thread())
		esc_bug("BUG IN CLIENT: os_unfair_lock_unlock() of a lock that this thread doesn't have");
	if (__atomic_exchange_n(word, 0, __ATOMIC_RELEASE) & WAITERS)
		esc_wake(word, 1);
}

EXPORT void os_unfair_lock_assert_owner(const os_unfair_lock *lock)
{
	if (owner(&lock->_os_unfair_lock_opaque) != esc_thread())
		esc_bug("BUG IN CLIENT: os_unfair_lock_assert_owner(): this thread doesn't have the lock");
}

EXPORT void os_unfair_lock_assert_not_owner(const os_unfair_lock *lock)
{
	if (owner(&lock->_os_unfair_lock_opaque) == esc_thread())
		esc_bug("BUG IN CLIENT: os_unfair_lock_assert_not_owner(): this thread has the lock");
}
