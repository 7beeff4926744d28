/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Tasks that each open a file of their own below test_mnt, are held there by a client, and note when they went on. And
 * the client that holds them, in a process of its own, to be killed or stopped.
 */

#include "es-test.h"

enum { WAITERS = 10 };

void waiters_prepare(void);				/* makes the files, before anyone is asked */
void waiters_start(void);
bool waiters_waiting(void);				/* has none gone on? */
void waiters_expect(uint64_t since, unsigned int ms);	/* all go on within ms of since (an idle machine's), and succeed */

/* A client in a child that holds AUTH_OPEN for ever; returns once it is subscribed. */
pid_t holder_start(void);
void holder_await(unsigned int messages);		/* until it holds so many */
