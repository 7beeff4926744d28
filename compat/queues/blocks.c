/* SPDX-License-Identifier: MIT */
/*
 * The functions that take blocks. A block is an object whose layout is part of the ABI. To call it, call its `invoke` with
 * the block itself; the blocks runtime copies it. So any compiler can build this.
 */
#include "compat/queues/queues.h"

struct block {
	void *isa;
	int32_t flags;
	int32_t reserved;
	void (*invoke)(struct block *self);
};

extern void *_Block_copy(const void *block);
extern void _Block_release(const void *block);

EXPORT void dispatch_async(dispatch_queue_t queue, struct block *block);
EXPORT void dispatch_barrier_async(dispatch_queue_t queue, struct block *block);
EXPORT void dispatch_sync(dispatch_queue_t queue, struct block *block);
EXPORT void dispatch_barrier_sync(dispatch_queue_t queue, struct block *block);
EXPORT void dispatch_after(dispatch_time_t when, dispatch_queue_t queue, struct block *block);
EXPORT void dispatch_once(dispatch_once_t *once, struct block *block);
EXPORT void dispatch_group_async(dispatch_group_t group, dispatch_queue_t queue, struct block *block);
EXPORT void dispatch_group_notify(dispatch_group_t group, dispatch_queue_t queue, struct block *block);
EXPORT void dispatch_source_set_event_handler(dispatch_source_t source, struct block *block);
EXPORT void dispatch_source_set_cancel_handler(dispatch_source_t source, struct block *block);

static void call(void *context)
{
	struct block *block = context;

	block->invoke(block);
}

static void call_and_release(void *block)
{
	call(block);
	_Block_release(block);
}

static void release(void *block)
{
	_Block_release(block);
}

void dispatch_async(dispatch_queue_t queue, struct block *block)
{
	dispatch_async_f(queue, _Block_copy(block), call_and_release);
}

void dispatch_barrier_async(dispatch_queue_t queue, struct block *block)
{
	dispatch_barrier_async_f(queue, _Block_copy(block), call_and_release);
}

void dispatch_sync(dispatch_queue_t queue, struct block *block)
{
	dispatch_sync_f(queue, block, call);
}

void dispatch_barrier_sync(dispatch_queue_t queue, struct block *block)
{
	dispatch_barrier_sync_f(queue, block, call);
}

void dispatch_after(dispatch_time_t when, dispatch_queue_t queue, struct block *block)
{
	if (when != DISPATCH_TIME_FOREVER)
		dispatch_after_f(when, queue, _Block_copy(block), call_and_release);
}

void dispatch_once(dispatch_once_t *once, struct block *block)
{
	dispatch_once_f(once, block, call);
}

void dispatch_group_async(dispatch_group_t group, dispatch_queue_t queue, struct block *block)
{
	dispatch_group_async_f(group, queue, _Block_copy(block), call_and_release);
}

void dispatch_group_notify(dispatch_group_t group, dispatch_queue_t queue, struct block *block)
{
	dispatch_group_notify_f(group, queue, _Block_copy(block), call_and_release);
}

static void set_handler(dispatch_source_t source, bool cancel, struct block *block)
{
	if (block)
		esc_source_set_handler(source, cancel, call, _Block_copy(block), release);
	else
		esc_source_set_handler(source, cancel, NULL, NULL, NULL);
}

void dispatch_source_set_event_handler(dispatch_source_t source, struct block *block)
{
	set_handler(source, false, block);
}

void dispatch_source_set_cancel_handler(dispatch_source_t source, struct block *block)
{
	set_handler(source, true, block);
}
