/* SPDX-License-Identifier: MIT */
#pragma once

#include <pthread.h>
#include <signal.h>

/* Starts a thread that handles no signals: all are blocked in it. 0, or a negative errno. */
static inline int thread_start(pthread_t *ret, void *(*run)(void *), void *argument)
{
	sigset_t all, before;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(ret, NULL, run, argument);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -r;
}
