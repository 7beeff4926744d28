/* SPDX-License-Identifier: MIT */
/*
 * dispatch.h - queues of work, for systems without libdispatch
 *
 * The part of it that programs for macOS use around Endpoint Security. If the
 * system has libdispatch, the build uses that and doesn't install this header.
 *
 *	queue.h		queues, the main queue, once, after
 *	time.h		when
 *	semaphore.h	semaphores and groups
 *	source.h	signals and timers
 *
 * Compilers with blocks have the functions that take one. Each of them has a
 * variant, named _f, that takes a function and a context.
 *
 * Signals: a signal handler may call dispatch_async_f(),
 * dispatch_semaphore_signal() and dispatch_time(), with a queue that exists
 * already. This library's threads block all signals except those of faults.
 *
 * fork(): the child can use the queues; they are empty, whatever the parent was
 * doing. Timers and signal sources stay with the parent.
 *
 * docs/compat.md of the sources says what is missing.
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
