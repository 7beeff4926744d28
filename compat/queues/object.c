/* SPDX-License-Identifier: MIT */
#include "compat/queues/queues.h"

void esc_object_init(struct esc_object *object, enum esc_kind kind)
{
	object->kind = kind;
	object->references = 1;
}

static bool is_immortal(const struct esc_object *object)
{
	return __atomic_load_n(&object->references, __ATOMIC_RELAXED) == ESC_IMMORTAL;
}

void esc_retain(void *any)
{
	struct esc_object *object = any;

	if (!is_immortal(object))
		__atomic_add_fetch(&object->references, 1, __ATOMIC_RELAXED);
}

static void delete(struct esc_object *object)
{
	if (object->finalizer && object->context)
		object->finalizer(object->context);
	switch (object->kind) {
	case ESC_QUEUE:
		esc_queue_delete((struct dispatch_queue_s *)object);
		return;
	case ESC_SOURCE:
		esc_source_delete((struct dispatch_source_s *)object);
		return;
	case ESC_SEMAPHORE:
		esc_semaphore_check((struct dispatch_semaphore_s *)object);
		break;
	case ESC_GROUP:
	case ESC_ATTR:
		break;
	}
	free(object);
}

void esc_release(void *any)
{
	struct esc_object *object = any;

	if (!is_immortal(object) && __atomic_sub_fetch(&object->references, 1, __ATOMIC_ACQ_REL) == 0)
		delete(object);
}

EXPORT void dispatch_retain(dispatch_object_t object)
{
	esc_retain(object._do);
}

EXPORT void dispatch_release(dispatch_object_t object)
{
	esc_release(object._do);
}

static struct esc_object *of(dispatch_object_t object)
{
	return (struct esc_object *)object._do;
}

EXPORT void *dispatch_get_context(dispatch_object_t object)
{
	return of(object)->context;
}

EXPORT void dispatch_set_context(dispatch_object_t object, void *context)
{
	of(object)->context = context;
}

EXPORT void dispatch_set_finalizer_f(dispatch_object_t object, dispatch_function_t finalizer)
{
	of(object)->finalizer = finalizer;
}

EXPORT void dispatch_suspend(dispatch_object_t object)
{
	sigset_t signals;

	esc_lock(&signals);
	if (of(object)->kind == ESC_QUEUE)
		object._dq->suspended++;
	else if (of(object)->kind == ESC_SOURCE)
		esc_source_suspended(object._ds);
	esc_unlock(&signals);
}

static void resume_queue(struct dispatch_queue_s *queue)
{
	if (queue->suspended == 0)
		esc_bug("BUG IN CLIENT: dispatch_resume() of a queue that isn't suspended");
	queue->suspended--;
	esc_queue_check(queue);
	esc_queue_schedule(queue);
}

EXPORT void dispatch_resume(dispatch_object_t object)
{
	sigset_t signals;

	esc_lock(&signals);
	if (of(object)->kind == ESC_QUEUE)
		resume_queue(object._dq);
	else if (of(object)->kind == ESC_SOURCE)
		esc_source_resumed(object._ds);
	esc_unlock(&signals);
}

EXPORT void dispatch_activate(dispatch_object_t object)
{
	sigset_t signals;

	esc_lock(&signals);
	if (of(object)->kind == ESC_SOURCE)
		esc_source_activate(object._ds);
	esc_unlock(&signals);
}
