/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Waiters: tasks that each open a file of their own below test_mnt, where a client holds them, and note when they went on.
 * Holder: that client, in a process of its own, which tests kill or stop.
 */

#include "es-test.h"

enum { WAITERS = 10 };

void waiters_prepare(void);				/* makes the files; call it before the client subscribes */
void waiters_start(void);
bool waiters_waiting(void);				/* do all still wait? */
void waiters_expect(uint64_t since, unsigned int ms);	/* all have to succeed within ms of since */

/* A client in a child that holds AUTH_OPEN for ever; returns once it is subscribed. */
pid_t holder_start(void);
void holder_await(unsigned int messages);		/* until it holds so many messages */
