/* SPDX-License-Identifier: MIT */
/* Once, semaphores, groups. */
#include "compat/queues/queues.h"

/* ---- once: 0, the thread that runs it (with SLEEPERS if others sleep), or -1. The futex is the lower half. ---- */

#define DONE ((intptr_t)-1)
#define SLEEPERS ((intptr_t)1 << 30)

static const uint32_t *lower_half(const dispatch_once_t *once)
{
	return (const uint32_t *)once + (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ && sizeof(*once) == 8);
}

static void wait_once(dispatch_once_t *once, intptr_t seen)
{
	if ((seen & ~SLEEPERS) == (intptr_t)esc_thread())
		esc_bug("BUG IN CLIENT: dispatch_once() called by what it does would wait for ever");
	if (!(seen & SLEEPERS) &&
	    !__atomic_compare_exchange_n(once, &seen, seen | SLEEPERS, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		return;
	esc_sleep(lower_half(once), (uint32_t)(seen | SLEEPERS), 0);
}

EXPORT void dispatch_once_f(dispatch_once_t *once, void *context, dispatch_function_t function)
{
	intptr_t seen;

	while ((seen = __atomic_load_n(once, __ATOMIC_ACQUIRE)) != DONE) {
		if (seen) {
			wait_once(once, seen);
			continue;
		}
		if (!__atomic_compare_exchange_n(once, &seen, (intptr_t)esc_thread(), false, __ATOMIC_ACQUIRE,
						 __ATOMIC_RELAXED))
			continue;
		function(context);
		if (__atomic_exchange_n(once, DONE, __ATOMIC_RELEASE) & SLEEPERS)
			esc_wake(lower_half(once), INT_MAX);
	}
}

/*
 * ---- semaphores: one word, with the count in its lower half and the number of waiters in its upper one. The signalling
 * thread reads nothing after its add, since the other side may free the semaphore then ----
 */

#define COUNT 1ull
#define WAITER (1ull << 32)

struct dispatch_semaphore_s {
	struct esc_object object;
	intptr_t original;
	uint64_t state;
};

static uint32_t count_of(uint64_t state)
{
	return (uint32_t)state;
}

/* The futex. */
static const uint32_t *count_word(const struct dispatch_semaphore_s *semaphore)
{
	return (const uint32_t *)&semaphore->state + (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__);
}

EXPORT dispatch_semaphore_t dispatch_semaphore_create(intptr_t value)
{
	struct dispatch_semaphore_s *semaphore;

	if (value < 0 || value > INT_MAX)
		return NULL;
	semaphore = calloc(1, sizeof(*semaphore));
	if (!semaphore)
		return NULL;
	esc_object_init(&semaphore->object, ESC_SEMAPHORE);
	semaphore->original = value;
	semaphore->state = (uint64_t)value;
	return semaphore;
}

void esc_semaphore_check(const struct dispatch_semaphore_s *semaphore)
{
	if ((intptr_t)count_of(semaphore->state) < semaphore->original)
		esc_bug("BUG IN CLIENT: the last reference to a semaphore that is in use was released");
}

/* Subtracts `less` if the count isn't 0. */
static bool take(struct dispatch_semaphore_s *semaphore, uint64_t less)
{
	uint64_t state = __atomic_load_n(&semaphore->state, __ATOMIC_RELAXED);

	while (count_of(state) > 0)
		if (__atomic_compare_exchange_n(&semaphore->state, &state, state - less, false, __ATOMIC_ACQUIRE,
						__ATOMIC_RELAXED))
			return true;
	return false;
}

EXPORT intptr_t dispatch_semaphore_wait(dispatch_semaphore_t semaphore, dispatch_time_t timeout)
{
	bool in_time = true;

	if (take(semaphore, COUNT))
		return 0;
	if (timeout == DISPATCH_TIME_NOW)
		return 1;
	__atomic_add_fetch(&semaphore->state, WAITER, __ATOMIC_RELAXED);
	while (in_time) {
		in_time = esc_sleep(count_word(semaphore), 0, esc_deadline(timeout));
		if (take(semaphore, COUNT + WAITER))
			return 0;
	}
	__atomic_sub_fetch(&semaphore->state, WAITER, __ATOMIC_RELAXED);
	return 1;
}

EXPORT intptr_t dispatch_semaphore_signal(dispatch_semaphore_t semaphore)
{
	const uint32_t *word = count_word(semaphore);

	if (__atomic_fetch_add(&semaphore->state, COUNT, __ATOMIC_RELEASE) < WAITER)
		return 0;
	esc_wake(word, 1);
	return 1;
}

/* ---- groups; all with the lock, except waiting ---- */

struct notice {
	struct notice *next;
	struct dispatch_queue_s *queue;
	void *context;
	dispatch_function_t work;
};

struct dispatch_group_s {
	struct esc_object object;
	uint32_t inside;
	struct notice *first, **last;
};

EXPORT dispatch_group_t dispatch_group_create(void)
{
	struct dispatch_group_s *group = calloc(1, sizeof(*group));

	if (!group)
		return NULL;
	esc_object_init(&group->object, ESC_GROUP);
	group->last = &group->first;
	return group;
}

/* Queues all notices. Each keeps its own reference to its queue: the queued item takes another one. */
static struct notice *notify_all(struct dispatch_group_s *group)
{
	struct notice *told = group->first, *notice;

	for (notice = told; notice; notice = notice->next)
		esc_queue_push(notice->queue, notice->context, notice->work, false);
	group->first = NULL;
	group->last = &group->first;
	return told;
}

static void free_notices(struct notice *notice)
{
	while (notice) {
		struct notice *next = notice->next;

		esc_release(notice->queue);
		free(notice);
		notice = next;
	}
}

static void left(struct dispatch_group_s *group)
{
	uint32_t inside = __atomic_load_n(&group->inside, __ATOMIC_RELAXED);

	if (inside == 0)
		esc_bug("BUG IN CLIENT: dispatch_group_leave() without dispatch_group_enter()");
	__atomic_store_n(&group->inside, inside - 1, __ATOMIC_RELEASE);
	if (inside == 1)
		esc_wake(&group->inside, INT_MAX);
}

/* Queues the notices if the group is empty, and frees them without the lock. */
static void tell(struct dispatch_group_s *group)
{
	struct notice *told = NULL;
	sigset_t signals;

	esc_lock(&signals);
	if (__atomic_load_n(&group->inside, __ATOMIC_RELAXED) == 0)
		told = notify_all(group);
	esc_unlock(&signals);
	free_notices(told);
}

EXPORT void dispatch_group_enter(dispatch_group_t group)
{
	sigset_t signals;

	esc_lock(&signals);
	__atomic_add_fetch(&group->inside, 1, __ATOMIC_RELAXED);
	esc_retain(group);
	esc_unlock(&signals);
}

EXPORT void dispatch_group_leave(dispatch_group_t group)
{
	sigset_t signals;

	esc_lock(&signals);
	left(group);
	esc_unlock(&signals);
	tell(group);
	esc_release(group);
}

EXPORT intptr_t dispatch_group_wait(dispatch_group_t group, dispatch_time_t timeout)
{
	uint32_t inside;

	while ((inside = __atomic_load_n(&group->inside, __ATOMIC_ACQUIRE)))
		if (timeout == DISPATCH_TIME_NOW || !esc_sleep(&group->inside, inside, esc_deadline(timeout)))
			return __atomic_load_n(&group->inside, __ATOMIC_ACQUIRE) != 0;
	return 0;
}

/* Work that leaves the group when it is done. */
struct group_work {
	struct dispatch_group_s *group;
	void *context;
	dispatch_function_t work;
};

static void do_and_leave(void *context)
{
	struct group_work call = *(struct group_work *)context;

	free(context);
	call.work(call.context);
	dispatch_group_leave(call.group);
}

EXPORT void dispatch_group_async_f(dispatch_group_t group, dispatch_queue_t queue, void *context,
				   dispatch_function_t work)
{
	struct group_work *call = malloc(sizeof(*call));

	if (!call)
		esc_bug("dispatch: no memory");
	*call = (struct group_work){ group, context, work };
	dispatch_group_enter(group);
	dispatch_async_f(queue, call, do_and_leave);
}

EXPORT void dispatch_group_notify_f(dispatch_group_t group, dispatch_queue_t queue, void *context,
				    dispatch_function_t work)
{
	struct notice *notice = calloc(1, sizeof(*notice));
	sigset_t signals;

	if (!notice)
		esc_bug("dispatch: no memory");
	*notice = (struct notice){ .queue = queue, .context = context, .work = work };
	esc_retain(queue);
	esc_lock(&signals);
	*group->last = notice;
	group->last = &notice->next;
	esc_unlock(&signals);
	tell(group);
}
