/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * How the queues work, for the files beside this one.
 *
 * One lock protects all state. A thread blocks all signals before it takes the lock. So a signal handler that queues work
 * never finds its own thread's change half done, and no handler delays a thread that has the lock. Memory for work items
 * comes from mmap(2), since a handler may not call malloc().
 *
 *	queue.c		queues: which item may start, and which thread runs it
 *	pool.c		threads: workers, and the manager, which makes workers and watches the clock and signals
 *	main.c		the main queue, whose work the main thread does
 *	source.c	timers, dispatch_after(), signals
 *	sync.c		once, semaphores, groups
 *	object.c	references
 *	blocks.c	the functions that take blocks
 *
 * fork() takes the lock, so the child gets consistent state. The child has a new generation: a queue whose `generation`
 * is older has its parent's work, and the child empties it at its next use.
 */

#include <dispatch/dispatch.h>

#include "compat/sleep.h"

struct esc_item {
	struct esc_item *next;
	dispatch_function_t work;
	void *context;
	bool barrier;
	uint32_t *granted;			/* dispatch_sync(): the waiting thread runs it, once this is 1, and no worker */
};

enum esc_kind {
	ESC_QUEUE,
	ESC_ATTR,
	ESC_SOURCE,
	ESC_SEMAPHORE,
	ESC_GROUP,
};

/* The beginning of each object. */
struct esc_object {
	enum esc_kind kind;
	int references;				/* ESC_IMMORTAL: never freed */
	void *context;
	dispatch_function_t finalizer;
};

#define ESC_IMMORTAL (-1)

enum esc_width { ESC_SERIAL, ESC_CONCURRENT, ESC_MAIN };

struct dispatch_queue_s {
	struct esc_object object;
	enum esc_width width;
	char *label;
	struct esc_item *first, **last;
	unsigned int running;			/* number of items that threads are running */
	bool barrier;				/* the running item is a barrier, so it runs alone */
	uint32_t owner;				/* the thread that runs an item alone; 0: none */
	int suspended;
	unsigned int generation;
	bool ready;				/* in the list of queues that have something to start */
	struct dispatch_queue_s *next_ready;
};

struct dispatch_queue_attr_s {
	struct esc_object object;
	bool concurrent;
	qos_class_t qos_class;
};

/* ---- queue.c; all with the lock ---- */

void esc_queue_check(struct dispatch_queue_s *queue);		/* call it first: empties the queue in a child of fork() */
void esc_queue_append(struct dispatch_queue_s *queue, struct esc_item *item);
void esc_queue_push(struct dispatch_queue_s *queue, void *context, dispatch_function_t work, bool barrier);
/* Lets runnable items start: in threads that wait in dispatch_sync(), in a worker, or in the main thread. */
void esc_queue_schedule(struct dispatch_queue_s *queue);
bool esc_queue_runnable(const struct dispatch_queue_s *queue);
/* Starts an item, runs it without the lock, and finishes it. */
void esc_queue_run_one(struct dispatch_queue_s *queue);
void esc_queue_delete(struct dispatch_queue_s *queue);

/* ---- pool.c ---- */

/* Blocks signals and takes the lock; `signals` is what to restore. */
void esc_lock(sigset_t *signals);
void esc_unlock(const sigset_t *signals);

/* With the lock. */
extern unsigned int esc_generation;
void esc_pool_start(void);			/* starts the manager's thread, if there is none */
void esc_pool_ready(struct dispatch_queue_s *queue);
void esc_manager_wake(void);			/* also without the lock */
struct esc_item *esc_item_get(void);
void esc_item_put(struct esc_item *item);

/* ---- main.c ---- */

void esc_main_wake(void);			/* with the lock */
bool esc_is_main_thread(void);

/* ---- source.c; with the lock ---- */

/* Queues due work. Returns when to call it again; 0: not before the manager is woken. */
uint64_t esc_timers_run(void);
void esc_signals_run(void);
void esc_signals_restore(void);			/* the program may have ignored a signal after a source took it over */
void esc_sources_forget(void);			/* in a child of fork() */
void esc_source_activate(struct dispatch_source_s *source);	/* the first resume; later ones by this do nothing */
/* Without the lock. `release` is called with the context when the handler isn't needed any more. */
void esc_source_set_handler(struct dispatch_source_s *source, bool cancel, dispatch_function_t function, void *context,
			    void (*release)(void *context));
void esc_source_resumed(struct dispatch_source_s *source);
void esc_source_suspended(struct dispatch_source_s *source);
void esc_source_delete(struct dispatch_source_s *source);	/* without the lock */

/* ---- object.c, sync.c ---- */

void esc_object_init(struct esc_object *object, enum esc_kind kind);
void esc_retain(void *object);
void esc_release(void *object);			/* without the lock */
void esc_semaphore_check(const struct dispatch_semaphore_s *semaphore);	/* the last reference is gone */

/* Nanoseconds of CLOCK_MONOTONIC at which `when` is now; 0: never. */
uint64_t esc_deadline(dispatch_time_t when);
