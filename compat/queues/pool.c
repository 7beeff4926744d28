/* SPDX-License-Identifier: MIT */
/*
 * Threads. A worker takes one item at a time from the ready queues, in turn. There are as many workers as processors, and
 * more while all are stuck: a queue has been ready for STUCK_NS, and no worker has taken it. The manager makes workers,
 * since a signal handler can't make a thread. It also watches the clock and signals.
 */
#include "compat/queues/queues.h"

#include <os/lock.h>
#include <pthread.h>
#include <sys/mman.h>

#define STUCK_NS 5000000ull
#define IDLE_NS 5000000000ull		/* an idle worker ends after this */

enum {
	WORKERS_MAX = 512,
	ITEMS_BYTES = 64 * 1024,
};

unsigned int esc_generation = 1;

static struct {
	os_unfair_lock lock;
	struct dispatch_queue_s *first, **last;		/* ready queues */
	uint32_t wanted;				/* the futex of sleeping workers; grows with each wake */
	uint32_t manage;				/* the futex of the manager */
	unsigned int workers, idle, processors;
	uint64_t stuck_since;				/* since when all workers are busy and a queue is ready; 0: not */
	bool manager;
	struct esc_item *free;
} pool = { .last = &pool.first };

void esc_lock(sigset_t *signals)
{
	int saved = errno;
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, signals);
	os_unfair_lock_lock(&pool.lock);
	errno = saved;
}

void esc_unlock(const sigset_t *signals)
{
	int saved = errno;

	os_unfair_lock_unlock(&pool.lock);
	pthread_sigmask(SIG_SETMASK, signals, NULL);
	errno = saved;
}

/* ---- items: the pool keeps their memory for ever, for further use ---- */

struct esc_item *esc_item_get(void)
{
	struct esc_item *item = pool.free;

	if (!item) {
		item = mmap(NULL, ITEMS_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (item == MAP_FAILED)
			esc_bug("dispatch: no memory");
		for (size_t i = 1; i < ITEMS_BYTES / sizeof(*item); i++)
			esc_item_put(item + i);
		return item;
	}
	pool.free = item->next;
	return item;
}

void esc_item_put(struct esc_item *item)
{
	item->next = pool.free;
	pool.free = item;
}

/* ---- workers ---- */

void esc_manager_wake(void)
{
	__atomic_add_fetch(&pool.manage, 1, __ATOMIC_RELEASE);
	esc_wake(&pool.manage, 1);
}

static void want_worker(void)
{
	if (pool.idle) {
		__atomic_add_fetch(&pool.wanted, 1, __ATOMIC_RELEASE);
		esc_wake(&pool.wanted, 1);
		return;
	}
	if (!pool.stuck_since)
		pool.stuck_since = esc_now();
	esc_pool_start();		/* in a child of fork() there is none yet */
	esc_manager_wake();
}

void esc_pool_ready(struct dispatch_queue_s *queue)
{
	if (!queue->ready) {
		esc_retain(queue);
		queue->ready = true;
		queue->next_ready = NULL;
		*pool.last = queue;
		pool.last = &queue->next_ready;
	}
	want_worker();
}

/* The caller gets the list's reference. */
static struct dispatch_queue_s *take_ready(void)
{
	struct dispatch_queue_s *queue = pool.first;

	if (!queue)
		return NULL;
	pool.first = queue->next_ready;
	if (!pool.first)
		pool.last = &pool.first;
	queue->ready = false;
	pool.stuck_since = pool.first ? esc_now() : 0;
	return queue;
}

/* Sleeps until there may be work; false: there was none for IDLE_NS, so the worker should end. */
static bool worker_sleep(sigset_t *signals)
{
	uint32_t seen = __atomic_load_n(&pool.wanted, __ATOMIC_RELAXED);
	bool woken;

	pool.idle++;
	esc_unlock(signals);
	woken = esc_sleep(&pool.wanted, seen, esc_now() + IDLE_NS);
	esc_lock(signals);
	pool.idle--;
	return woken || pool.first;
}

static void enter_thread(void)
{
	sigset_t fault;

	sigemptyset(&fault);
	sigaddset(&fault, SIGSEGV);
	sigaddset(&fault, SIGBUS);
	sigaddset(&fault, SIGILL);
	sigaddset(&fault, SIGFPE);
	sigaddset(&fault, SIGTRAP);
	sigaddset(&fault, SIGSYS);
	sigaddset(&fault, SIGABRT);
	pthread_sigmask(SIG_UNBLOCK, &fault, NULL);
	pthread_setname_np(pthread_self(), "dispatch");
}

static void *work(void *unused)
{
	struct dispatch_queue_s *queue;
	unsigned int generation;
	sigset_t signals;

	(void)unused;
	enter_thread();
	esc_lock(&signals);
	generation = esc_generation;
	do {
		while ((queue = take_ready())) {
			esc_unlock(&signals);
			esc_queue_run_one(queue);
			esc_release(queue);
			esc_lock(&signals);
			/* The item has forked and returned in the child, which has no workers: end this thread. */
			if (generation != esc_generation) {
				esc_unlock(&signals);
				return NULL;
			}
		}
	} while (worker_sleep(&signals));
	pool.workers--;
	esc_unlock(&signals);
	return NULL;
}

/* Call it with the lock: then all signals are blocked, and the new thread inherits that. */
static bool make_thread(void *(*function)(void *))
{
	pthread_attr_t attr;
	pthread_t thread;
	bool made;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	made = pthread_create(&thread, &attr, function, NULL) == 0;
	pthread_attr_destroy(&attr);
	return made;
}

/* Makes a worker if one is needed. Returns when to check again; 0: there are enough. */
static uint64_t staff(void)
{
	uint64_t now;

	if (!pool.first || pool.idle || pool.workers >= WORKERS_MAX)
		return 0;
	now = esc_now();
	if (pool.workers >= pool.processors && now < pool.stuck_since + STUCK_NS)
		return pool.stuck_since + STUCK_NS;
	if (make_thread(work)) {
		pool.workers++;
		pool.stuck_since = now;
	}
	return now + STUCK_NS;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return !a || (b && b < a) ? b : a;
}

static void *manage(void *unused)
{
	uint64_t next;
	uint32_t seen;
	sigset_t signals;

	(void)unused;
	enter_thread();
	for (;;) {
		esc_lock(&signals);
		seen = __atomic_load_n(&pool.manage, __ATOMIC_ACQUIRE);
		esc_signals_run();
		next = esc_timers_run();
		next = earlier(next, staff());
		esc_unlock(&signals);
		esc_sleep(&pool.manage, seen, next);
	}
	return NULL;
}

void esc_pool_start(void)
{
	if (pool.manager)
		return;
	if (!pool.processors) {
		long online = sysconf(_SC_NPROCESSORS_ONLN);

		pool.processors = online > 0 ? (unsigned int)online : 1;
	}
	pool.manager = make_thread(manage);
}

/* ---- fork ---- */

static sigset_t fork_signals;			/* under the lock */

static void before_fork(void)
{
	sigset_t signals;

	esc_lock(&signals);
	fork_signals = signals;
}

static void after_fork(void)
{
	sigset_t signals = fork_signals;

	esc_unlock(&signals);
}

static void in_child(void)
{
	sigset_t signals = fork_signals;

	pool.lock = OS_UNFAIR_LOCK_INIT;
	esc_generation++;
	pool.first = NULL;
	pool.last = &pool.first;
	pool.workers = pool.idle = 0;
	pool.manager = false;
	pool.stuck_since = 0;
	esc_sources_forget();
	pthread_sigmask(SIG_SETMASK, &signals, NULL);
}

__attribute__((constructor)) static void prepare(void)
{
	pthread_atfork(before_fork, after_fork, in_child);
}
