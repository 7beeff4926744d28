/* SPDX-License-Identifier: MIT */
/*
 * dispatch.h - queues of work, for systems without libdispatch
 *
 * What programs for macOS use of it around Endpoint Security; where the system
 * has libdispatch, that one is used and this header isn't installed.
 *
 *	queue.h		queues, the main queue, once, after
 *	time.h		when
 *	semaphore.h	semaphores and groups
 *	source.h	signals and timers
 *
 * The functions that take a block are there for compilers that have them; each
 * has a brother, named _f, that takes a function and a context.
 *
 * Signals: dispatch_async_f(), dispatch_semaphore_signal() and dispatch_time()
 * may be called in a signal handler, with a queue that was made before.
 * Threads of this library have all signals blocked.
 *
 * fork(): in the child the queues are empty, whatever was under way in the
 * parent, and can be used. Timers and signal sources are the parent's.
 *
 * What isn't here: see docs/compat.md of the sources.
 */
#ifndef __ES_COMPAT_DISPATCH_H
#define __ES_COMPAT_DISPATCH_H

#include <es-compat/darwin.h>

#include <dispatch/base.h>
#include <dispatch/time.h>
#include <dispatch/object.h>
#include <dispatch/queue.h>
#include <dispatch/once.h>
#include <dispatch/semaphore.h>
#include <dispatch/group.h>
#include <dispatch/source.h>

#endif
