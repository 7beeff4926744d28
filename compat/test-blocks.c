/* SPDX-License-Identifier: MIT */
/* The queues with blocks, whose captured variables outlive the function that queued them. clang -fblocks. */
#include <dispatch/dispatch.h>
#include <stdio.h>

#include "lib/test.h"

static void add_later(dispatch_queue_t queue, int *sum, int value)
{
	dispatch_async(queue, ^{
		*sum += value;
	});
}

static void test_queue(void)
{
	dispatch_queue_t queue = dispatch_queue_create("blocks", DISPATCH_QUEUE_SERIAL);
	__block int seen = 0;
	int sum = 0, *at = &sum;

	for (int i = 1; i <= 100; i++)
		add_later(queue, at, i);
	dispatch_sync(queue, ^{
		seen = *at;
	});
	CHECK(seen == 5050);
	dispatch_barrier_async(queue, ^{
		*at = 1;
	});
	dispatch_barrier_sync(queue, ^{
		seen = *at + 1;
	});
	CHECK(seen == 2);
	dispatch_release(queue);
}

static void test_after_and_group(void)
{
	dispatch_semaphore_t done = dispatch_semaphore_create(0);
	dispatch_group_t group = dispatch_group_create();
	__block int count = 0;

	for (int i = 0; i < 10; i++)
		dispatch_group_async(group, dispatch_get_global_queue(QOS_CLASS_DEFAULT, 0), ^{
			__atomic_add_fetch(&count, 1, __ATOMIC_SEQ_CST);
		});
	dispatch_group_notify(group, dispatch_get_global_queue(QOS_CLASS_DEFAULT, 0), ^{
		dispatch_semaphore_signal(done);
	});
	CHECK(dispatch_semaphore_wait(done, dispatch_time(DISPATCH_TIME_NOW, 30 * NSEC_PER_SEC)) == 0 && count == 10);
	dispatch_after(dispatch_time(DISPATCH_TIME_NOW, 5 * NSEC_PER_MSEC), dispatch_get_global_queue(0, 0), ^{
		count++;
		dispatch_semaphore_signal(done);
	});
	CHECK(dispatch_semaphore_wait(done, dispatch_time(DISPATCH_TIME_NOW, 30 * NSEC_PER_SEC)) == 0 && count == 11);
	dispatch_release(group);
	dispatch_release(done);
}

static void test_once(void)
{
	static dispatch_once_t once;
	__block int times = 0;

	for (int i = 0; i < 3; i++)
		dispatch_once(&once, ^{
			times++;
		});
	CHECK(times == 1);
}

/* The handlers are kept until the source is gone, and then let go. */
static void test_source(void)
{
	dispatch_semaphore_t fired = dispatch_semaphore_create(0), cancelled = dispatch_semaphore_create(0);
	dispatch_source_t timer = dispatch_source_create(DISPATCH_SOURCE_TYPE_TIMER, 0, 0, NULL);

	dispatch_source_set_event_handler(timer, ^{
		abort();
	});
	dispatch_source_set_event_handler(timer, ^{
		dispatch_semaphore_signal(fired);
	});
	dispatch_source_set_cancel_handler(timer, ^{
		dispatch_semaphore_signal(cancelled);
	});
	dispatch_source_set_timer(timer, DISPATCH_TIME_NOW, 2 * NSEC_PER_MSEC, 0);
	dispatch_resume(timer);
	for (int i = 0; i < 3; i++)
		CHECK(dispatch_semaphore_wait(fired, dispatch_time(DISPATCH_TIME_NOW, 30 * NSEC_PER_SEC)) == 0);
	dispatch_source_cancel(timer);
	CHECK(dispatch_semaphore_wait(cancelled, dispatch_time(DISPATCH_TIME_NOW, 30 * NSEC_PER_SEC)) == 0);
	dispatch_release(timer);
	dispatch_release(fired);
	dispatch_release(cancelled);
}

int main(void)
{
	test_queue();
	test_after_and_group();
	test_once();
	test_source();
	return 0;
}
