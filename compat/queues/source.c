/* SPDX-License-Identifier: MIT */
/*
 * Timers, dispatch_after(), signals. The manager calls esc_timers_run() and esc_signals_run(); both queue work.
 *
 * A source has at most one item in its queue. It adds up what happens meanwhile, and then queues the item again.
 */
#include "compat/queues/queues.h"

#define WALL_CHECK_NS 1000000000ull		/* how often to check timers of the time of day: it may have been set */

struct timer {
	struct timer *next;
	dispatch_time_t when;
	uint64_t interval;			/* 0: once */
	struct dispatch_source_s *source;	/* NULL: of dispatch_after(), which has: */
	struct dispatch_queue_s *queue;		/* retained */
	void *context;
	dispatch_function_t work;
};

struct handler {
	dispatch_function_t function;
	void (*release)(void *context);		/* releases the context; NULL: the handler has none, */
	void *context;				/* and is called with the source's */
};

struct dispatch_source_s {
	struct esc_object object;
	dispatch_source_type_t type;
	uintptr_t handle, mask;
	struct dispatch_queue_s *queue;
	struct handler event, cancel;
	struct timer timer;
	struct dispatch_source_s *next_signal;
	int suspended;
	bool active, armed, queued, cancelled, cancel_told;
	uintptr_t pending, data;
};

struct dispatch_source_type_s {
	bool is_signal;
};

EXPORT const struct dispatch_source_type_s _dispatch_source_type_signal = { true };
EXPORT const struct dispatch_source_type_s _dispatch_source_type_timer = { false };

static struct {
	struct timer *timers;			/* in no order: there are few */
	struct dispatch_source_s *signals;
	struct sigaction before[NSIG];		/* of signals that sources have taken over */
	bool taken[NSIG];
	unsigned int came[NSIG];		/* counted by the signal handler, in any thread */
} state;

/* ---- sources ---- */

static void run_source(void *context);

static void queue_source(struct dispatch_source_s *source)
{
	if (source->queued || source->suspended > 0 || (!source->cancelled && !source->pending) ||
	    (source->cancelled && source->cancel_told))
		return;
	source->queued = true;
	esc_retain(source);
	esc_queue_push(source->queue, source, run_source, false);
}

static void call(struct dispatch_source_s *source, struct handler *handler)
{
	if (handler->function)
		handler->function(handler->release ? handler->context : source->object.context);
}

static void run_source(void *context)
{
	struct dispatch_source_s *source = context;
	struct handler *handler = NULL;
	sigset_t signals;

	esc_lock(&signals);
	if (source->cancelled && !source->cancel_told) {
		source->cancel_told = true;
		handler = &source->cancel;
	} else if (!source->cancelled && source->suspended == 0) {
		source->data = source->pending;
		source->pending = 0;
		handler = &source->event;
	}
	esc_unlock(&signals);
	if (handler)
		call(source, handler);
	esc_lock(&signals);
	source->queued = false;
	queue_source(source);
	esc_unlock(&signals);
	esc_release(source);
}

static void fire(struct dispatch_source_s *source, uintptr_t times)
{
	if (source->cancelled)
		return;
	source->pending += times;
	queue_source(source);
}

/* ---- timers ---- */

static void arm(struct timer *timer)
{
	timer->next = state.timers;
	state.timers = timer;
	esc_manager_wake();
}

static void disarm(struct timer *timer)
{
	struct timer **at;

	for (at = &state.timers; *at; at = &(*at)->next)
		if (*at == timer) {
			*at = timer->next;
			return;
		}
}

static void fire_timer(struct timer *timer, uint64_t due, uint64_t now)
{
	uint64_t times = 1;

	if (timer->interval) {
		times += (now - due) / timer->interval;
		timer->when = dispatch_time(timer->when, (int64_t)(times * timer->interval));
		arm(timer);
	} else {
		timer->source->armed = false;
	}
	fire(timer->source, times);
}

/* The queued item has a reference of its own, so this never releases the queue's last one. */
static void end_after(struct timer *timer)
{
	esc_queue_push(timer->queue, timer->context, timer->work, false);
	esc_release(timer->queue);
	free(timer);
}

uint64_t esc_timers_run(void)
{
	struct timer *timer = state.timers, *next;
	uint64_t now = esc_now(), due, first = 0;

	state.timers = NULL;
	for (; timer; timer = next) {
		next = timer->next;
		due = esc_deadline(timer->when);
		if (due && due <= now) {
			if (timer->source)
				fire_timer(timer, due, now);
			else
				end_after(timer);
			continue;
		}
		timer->next = state.timers;
		state.timers = timer;
	}
	for (timer = state.timers; timer; timer = timer->next) {
		due = esc_deadline(timer->when);
		if ((int64_t)timer->when < 0 && due > now + WALL_CHECK_NS)
			due = now + WALL_CHECK_NS;
		if (due && (!first || due < first))
			first = due;
	}
	return first;
}

EXPORT void dispatch_after_f(dispatch_time_t when, dispatch_queue_t queue, void *context, dispatch_function_t work)
{
	struct timer *timer;
	sigset_t signals;

	if (when == DISPATCH_TIME_FOREVER)
		return;
	timer = calloc(1, sizeof(*timer));
	if (!timer)
		esc_bug("dispatch: no memory");
	*timer = (struct timer){ .when = dispatch_time(when, 0), .queue = queue, .context = context, .work = work };
	esc_retain(queue);
	esc_lock(&signals);
	esc_pool_start();
	arm(timer);
	esc_unlock(&signals);
}

EXPORT void dispatch_source_set_timer(dispatch_source_t source, dispatch_time_t start, uint64_t interval, uint64_t leeway)
{
	sigset_t signals;

	(void)leeway;		/* how late it may fire at most; this never delays it */
	esc_lock(&signals);
	if (source->armed)
		disarm(&source->timer);
	source->timer.when = start == DISPATCH_TIME_NOW ? dispatch_time(DISPATCH_TIME_NOW, 0) : start;
	source->timer.interval = interval == DISPATCH_TIME_FOREVER ? 0 : interval;
	source->timer.source = source;
	source->pending = 0;
	source->armed = source->active && !source->cancelled && start != DISPATCH_TIME_FOREVER;
	if (source->armed)
		arm(&source->timer);
	esc_unlock(&signals);
}

/* ---- signals ---- */

static void count_signal(int number, siginfo_t *info, void *machine)
{
	const struct sigaction *before = &state.before[number];

	__atomic_add_fetch(&state.came[number], 1, __ATOMIC_RELEASE);
	esc_manager_wake();
	if (before->sa_flags & SA_SIGINFO)
		before->sa_sigaction(number, info, machine);
	else if (before->sa_handler != SIG_DFL && before->sa_handler != SIG_IGN)
		before->sa_handler(number);
}

static void take_signal(int number)
{
	struct sigaction action = { .sa_sigaction = count_signal, .sa_flags = SA_SIGINFO | SA_RESTART }, now;

	if (sigaction(number, NULL, &now) || ((now.sa_flags & SA_SIGINFO) && now.sa_sigaction == count_signal))
		return;
	state.before[number] = now;
	sigfillset(&action.sa_mask);
	if (sigaction(number, &action, NULL) == 0)
		state.taken[number] = true;
}

static void give_back(int number)
{
	struct dispatch_source_s *source;

	for (source = state.signals; source; source = source->next_signal)
		if ((int)source->handle == number)
			return;
	if (state.taken[number])
		sigaction(number, &state.before[number], NULL);
	state.taken[number] = false;
}

void esc_signals_restore(void)
{
	for (struct dispatch_source_s *source = state.signals; source; source = source->next_signal)
		take_signal((int)source->handle);
}

void esc_signals_run(void)
{
	for (int number = 1; number < NSIG; number++) {
		unsigned int came = __atomic_exchange_n(&state.came[number], 0, __ATOMIC_ACQUIRE);
		struct dispatch_source_s *source;

		for (source = came ? state.signals : NULL; source; source = source->next_signal)
			if ((int)source->handle == number)
				fire(source, came);
	}
}

/* ---- begin and end ---- */

static void watch(struct dispatch_source_s *source)
{
	esc_pool_start();
	if (source->type->is_signal) {
		source->next_signal = state.signals;
		state.signals = source;
		source->armed = true;
		take_signal((int)source->handle);
	} else if (source->timer.source && source->timer.when != DISPATCH_TIME_FOREVER) {
		source->armed = true;
		arm(&source->timer);
	}
}

static void unwatch(struct dispatch_source_s *source)
{
	struct dispatch_source_s **at;

	if (!source->armed)
		return;
	source->armed = false;
	if (!source->type->is_signal) {
		disarm(&source->timer);
		return;
	}
	for (at = &state.signals; *at != source; at = &(*at)->next_signal)
		;
	*at = source->next_signal;
	give_back((int)source->handle);
}

void esc_sources_forget(void)
{
	struct dispatch_source_s *source;

	for (source = state.signals; source; source = source->next_signal)
		source->armed = false;
	for (struct timer *timer = state.timers; timer; timer = timer->next)
		if (timer->source)
			timer->source->armed = false;
	state.signals = NULL;
	state.timers = NULL;
	for (int number = 1; number < NSIG; number++)
		if (state.taken[number])
			give_back(number);
}

EXPORT dispatch_source_t dispatch_source_create(dispatch_source_type_t type, uintptr_t handle, uintptr_t mask,
						dispatch_queue_t queue)
{
	struct dispatch_source_s *source;

	if (type == &_dispatch_source_type_signal ? handle < 1 || handle >= NSIG || handle == SIGKILL || handle == SIGSTOP
						  : type != &_dispatch_source_type_timer || handle)
		return NULL;
	source = calloc(1, sizeof(*source));
	if (!source)
		return NULL;
	esc_object_init(&source->object, ESC_SOURCE);
	source->type = type;
	source->handle = handle;
	source->mask = mask;
	source->queue = queue ? queue : dispatch_get_global_queue(DISPATCH_QUEUE_PRIORITY_DEFAULT, 0);
	source->suspended = 1;
	esc_retain(source->queue);
	return source;
}

void esc_source_activate(struct dispatch_source_s *source)
{
	if (source->active)
		return;
	source->active = true;
	source->suspended--;
	if (!source->cancelled)
		watch(source);
	queue_source(source);
}

void esc_source_resumed(struct dispatch_source_s *source)
{
	if (!source->active) {
		esc_source_activate(source);
		return;
	}
	if (source->suspended == 0)
		esc_bug("BUG IN CLIENT: dispatch_resume() of a source that isn't suspended");
	source->suspended--;
	queue_source(source);
}

void esc_source_suspended(struct dispatch_source_s *source)
{
	source->suspended++;
}

static void drop_handler(struct handler *handler)
{
	if (handler->release)
		handler->release(handler->context);
}

void esc_source_delete(struct dispatch_source_s *source)
{
	sigset_t signals;

	esc_lock(&signals);
	unwatch(source);
	esc_unlock(&signals);
	drop_handler(&source->event);
	drop_handler(&source->cancel);
	esc_release(source->queue);
	free(source);
}

EXPORT void dispatch_source_cancel(dispatch_source_t source)
{
	sigset_t signals;

	esc_lock(&signals);
	if (!source->cancelled) {
		source->cancelled = true;
		unwatch(source);
		queue_source(source);
	}
	esc_unlock(&signals);
}

EXPORT intptr_t dispatch_source_testcancel(dispatch_source_t source)
{
	sigset_t signals;
	bool cancelled;

	esc_lock(&signals);
	cancelled = source->cancelled;
	esc_unlock(&signals);
	return cancelled;
}

EXPORT uintptr_t dispatch_source_get_data(dispatch_source_t source)
{
	return source->data;
}

EXPORT uintptr_t dispatch_source_get_handle(dispatch_source_t source)
{
	return source->handle;
}

EXPORT uintptr_t dispatch_source_get_mask(dispatch_source_t source)
{
	return source->mask;
}

void esc_source_set_handler(struct dispatch_source_s *source, bool cancel, dispatch_function_t function, void *context,
			    void (*release)(void *context))
{
	struct handler handler = { .function = function, .context = context, .release = release }, old;
	sigset_t signals;

	esc_lock(&signals);
	old = cancel ? source->cancel : source->event;
	*(cancel ? &source->cancel : &source->event) = handler;
	esc_unlock(&signals);
	drop_handler(&old);
}

EXPORT void dispatch_source_set_event_handler_f(dispatch_source_t source, dispatch_function_t handler)
{
	esc_source_set_handler(source, false, handler, NULL, NULL);
}

EXPORT void dispatch_source_set_cancel_handler_f(dispatch_source_t source, dispatch_function_t handler)
{
	esc_source_set_handler(source, true, handler, NULL, NULL);
}
