/* SPDX-License-Identifier: MIT */
/* Queues: which item may start, and which thread runs it. */
#include "compat/queues/queues.h"

static __thread struct dispatch_queue_s *current;

/* Drops the parent's work in a child of fork(). Items of dispatch_sync() are on stacks of the parent's threads. */
void esc_queue_check(struct dispatch_queue_s *queue)
{
	struct esc_item *item, *next;

	if (queue->generation == esc_generation && queue->last)
		return;
	for (item = queue->first; item; item = next) {
		next = item->next;
		if (!item->granted)
			esc_item_put(item);
	}
	queue->first = NULL;
	queue->last = &queue->first;
	queue->running = 0;
	queue->barrier = false;
	queue->owner = 0;
	queue->ready = false;
	queue->generation = esc_generation;
}

bool esc_queue_runnable(const struct dispatch_queue_s *queue)
{
	if (!queue->first || queue->suspended > 0)
		return false;
	if (queue->width != ESC_CONCURRENT || queue->first->barrier)
		return queue->running == 0;
	return !queue->barrier;
}

static struct esc_item *start(struct dispatch_queue_s *queue)
{
	struct esc_item *item = queue->first;

	queue->first = item->next;
	if (!queue->first)
		queue->last = &queue->first;
	queue->running++;
	queue->barrier = item->barrier;
	return item;
}

static void finish(struct dispatch_queue_s *queue)
{
	queue->running--;
	queue->barrier = false;
	queue->owner = 0;
	esc_queue_schedule(queue);
}

void esc_queue_schedule(struct dispatch_queue_s *queue)
{
	while (esc_queue_runnable(queue)) {
		if (queue->width == ESC_MAIN) {
			esc_main_wake();
			return;
		}
		if (!queue->first->granted) {
			esc_pool_ready(queue);
			return;
		}
		uint32_t *granted = start(queue)->granted;

		__atomic_store_n(granted, 1, __ATOMIC_RELEASE);
		esc_wake(granted, 1);
	}
}

void esc_queue_append(struct dispatch_queue_s *queue, struct esc_item *item)
{
	item->next = NULL;
	*queue->last = item;
	queue->last = &item->next;
}

void esc_queue_push(struct dispatch_queue_s *queue, void *context, dispatch_function_t work, bool barrier)
{
	struct esc_item *item = esc_item_get();

	*item = (struct esc_item){ .work = work, .context = context, .barrier = barrier };
	esc_queue_check(queue);
	esc_retain(queue);
	esc_queue_append(queue, item);
	esc_queue_schedule(queue);
}

static bool is_alone(const struct dispatch_queue_s *queue)
{
	return queue->width != ESC_CONCURRENT || queue->barrier;
}

static void run(struct dispatch_queue_s *queue, void *context, dispatch_function_t work)
{
	struct dispatch_queue_s *before = current;

	current = queue;
	work(context);
	current = before;
}

/* The work may fork. In the child this is the only thread and the queue is of the parent's generation: don't finish it. */
void esc_queue_run_one(struct dispatch_queue_s *queue)
{
	struct esc_item item, *started;
	unsigned int generation;
	sigset_t signals;

	esc_lock(&signals);
	esc_queue_check(queue);
	if (!esc_queue_runnable(queue) || queue->first->granted) {
		esc_queue_schedule(queue);
		esc_unlock(&signals);
		return;
	}
	generation = esc_generation;
	started = start(queue);
	item = *started;
	esc_item_put(started);
	queue->owner = is_alone(queue) ? esc_thread() : 0;
	esc_queue_schedule(queue);
	esc_unlock(&signals);

	run(queue, item.context, item.work);

	esc_lock(&signals);
	if (generation == esc_generation)
		finish(queue);
	esc_unlock(&signals);
	esc_release(queue);
}

EXPORT void dispatch_async_f(dispatch_queue_t queue, void *context, dispatch_function_t work)
{
	sigset_t signals;

	esc_lock(&signals);
	esc_queue_push(queue, context, work, false);
	esc_unlock(&signals);
}

EXPORT void dispatch_barrier_async_f(dispatch_queue_t queue, void *context, dispatch_function_t work)
{
	sigset_t signals;

	esc_lock(&signals);
	esc_queue_push(queue, context, work, true);
	esc_unlock(&signals);
}

/* dispatch_sync() to the main queue: the main thread does the work, and the caller waits. */
struct on_main {
	dispatch_function_t work;
	void *context;
	uint32_t done;
};

static void do_on_main(void *context)
{
	struct on_main *call = context;

	call->work(call->context);
	__atomic_store_n(&call->done, 1, __ATOMIC_RELEASE);
	esc_wake(&call->done, 1);
}

static void wait_for(uint32_t *word)
{
	while (!__atomic_load_n(word, __ATOMIC_ACQUIRE))
		esc_sleep(word, 0, 0);
}

static void sync_main(void *context, dispatch_function_t work)
{
	struct on_main call = { .work = work, .context = context };

	if (esc_is_main_thread())
		esc_bug("BUG IN CLIENT: dispatch_sync() to the main queue, by the main thread, would wait for ever");
	dispatch_async_f(&_dispatch_main_q, &call, do_on_main);
	wait_for(&call.done);
}

/* Waits for this thread's turn: it comes at once if the queue is free, or when esc_queue_schedule() grants it. */
static void take_turn(struct dispatch_queue_s *queue, bool barrier)
{
	uint32_t granted = 0;
	struct esc_item item = { .barrier = barrier, .granted = &granted };
	sigset_t signals;

	esc_lock(&signals);
	esc_queue_check(queue);
	if (queue->owner && queue->owner == esc_thread()) {
		esc_unlock(&signals);
		esc_bug("BUG IN CLIENT: dispatch_sync() to the queue that this thread is working for would wait for ever");
	}
	esc_queue_append(queue, &item);
	if (queue->first == &item && esc_queue_runnable(queue)) {
		start(queue);
	} else {
		esc_queue_schedule(queue);
		esc_unlock(&signals);
		wait_for(&granted);
		esc_lock(&signals);
	}
	queue->owner = is_alone(queue) ? esc_thread() : 0;
	esc_unlock(&signals);
}

static void sync_with(struct dispatch_queue_s *queue, void *context, dispatch_function_t work, bool barrier)
{
	unsigned int generation = esc_generation;
	sigset_t signals;

	if (queue->width == ESC_MAIN) {
		sync_main(context, work);
		return;
	}
	take_turn(queue, barrier);
	run(queue, context, work);
	esc_lock(&signals);
	if (generation == esc_generation)	/* else the work has forked, and this thread is the child */
		finish(queue);
	esc_unlock(&signals);
}

EXPORT void dispatch_sync_f(dispatch_queue_t queue, void *context, dispatch_function_t work)
{
	sync_with(queue, context, work, false);
}

EXPORT void dispatch_barrier_sync_f(dispatch_queue_t queue, void *context, dispatch_function_t work)
{
	sync_with(queue, context, work, true);
}

/* ---- making them ---- */

EXPORT struct dispatch_queue_attr_s _dispatch_queue_attr_concurrent = {
	.object = { .kind = ESC_ATTR, .references = ESC_IMMORTAL },
	.concurrent = true,
	.qos_class = QOS_CLASS_UNSPECIFIED,
};

#define ATTR(is_concurrent, class) \
	{ .object = { .kind = ESC_ATTR, .references = ESC_IMMORTAL }, .concurrent = is_concurrent, .qos_class = class }
#define CLASSES(is_concurrent) \
	{ \
		ATTR(is_concurrent, QOS_CLASS_UNSPECIFIED), ATTR(is_concurrent, QOS_CLASS_BACKGROUND), \
		ATTR(is_concurrent, QOS_CLASS_UTILITY), ATTR(is_concurrent, QOS_CLASS_DEFAULT), \
		ATTR(is_concurrent, QOS_CLASS_USER_INITIATED), ATTR(is_concurrent, QOS_CLASS_USER_INTERACTIVE), \
	}

enum { CLASSES = 6 };

static struct dispatch_queue_attr_s attrs[2][CLASSES] = { CLASSES(false), CLASSES(true) };

/* 0 to CLASSES - 1; CLASSES: not a class. */
static unsigned int class_index(intptr_t qos_class)
{
	for (unsigned int i = 0; i < CLASSES; i++)
		if ((intptr_t)attrs[0][i].qos_class == qos_class)
			return i;
	return CLASSES;
}

EXPORT dispatch_queue_attr_t dispatch_queue_attr_make_with_qos_class(dispatch_queue_attr_t attr,
								     dispatch_qos_class_t qos_class, int relative_priority)
{
	unsigned int i = class_index(qos_class);

	if (i == CLASSES || relative_priority > 0 || relative_priority < QOS_MIN_RELATIVE_PRIORITY)
		return NULL;
	return &attrs[attr && attr->concurrent][i];
}

EXPORT dispatch_queue_t dispatch_queue_create(const char *label, dispatch_queue_attr_t attr)
{
	struct dispatch_queue_s *queue = calloc(1, sizeof(*queue));
	sigset_t signals;

	if (!queue)
		return NULL;
	queue->label = strdup(label ? label : "");
	if (!queue->label) {
		free(queue);
		return NULL;
	}
	esc_object_init(&queue->object, ESC_QUEUE);
	queue->width = attr && attr->concurrent ? ESC_CONCURRENT : ESC_SERIAL;
	esc_lock(&signals);
	esc_queue_check(queue);
	esc_pool_start();
	esc_unlock(&signals);
	return queue;
}

void esc_queue_delete(struct dispatch_queue_s *queue)
{
	if (queue->suspended)
		esc_bug("BUG IN CLIENT: the last reference to a suspended queue was released");
	free(queue->label);
	free(queue);
}

#define GLOBAL(name) \
	{ .object = { .kind = ESC_QUEUE, .references = ESC_IMMORTAL }, .width = ESC_CONCURRENT, .label = (char *)(name) }

static struct dispatch_queue_s globals[CLASSES] = {
	GLOBAL("com.apple.root.default-qos"),		/* QOS_CLASS_UNSPECIFIED, and priority 0 */
	GLOBAL("com.apple.root.background-qos"), GLOBAL("com.apple.root.utility-qos"),
	GLOBAL("com.apple.root.default-qos"),	 GLOBAL("com.apple.root.user-initiated-qos"),
	GLOBAL("com.apple.root.user-interactive-qos"),
};

static intptr_t class_of(intptr_t identifier)
{
	switch (identifier) {
	case DISPATCH_QUEUE_PRIORITY_HIGH:		return QOS_CLASS_USER_INITIATED;
	case DISPATCH_QUEUE_PRIORITY_DEFAULT:		return QOS_CLASS_DEFAULT;
	case DISPATCH_QUEUE_PRIORITY_LOW:		return QOS_CLASS_UTILITY;
	case DISPATCH_QUEUE_PRIORITY_BACKGROUND:	return QOS_CLASS_BACKGROUND;
	default:					return identifier;
	}
}

EXPORT dispatch_queue_t dispatch_get_global_queue(intptr_t identifier, uintptr_t flags)
{
	unsigned int i = class_index(class_of(identifier));
	sigset_t signals;

	if (i == CLASSES || flags)
		return NULL;
	esc_lock(&signals);
	esc_pool_start();
	esc_unlock(&signals);
	return &globals[i];
}

EXPORT const char *dispatch_queue_get_label(dispatch_queue_t queue)
{
	if (!queue)
		queue = current ? current : esc_is_main_thread() ? &_dispatch_main_q : NULL;
	return queue ? queue->label : "";
}
