/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What the locks, semaphores and queues here have in common: sleeping until a word changes, and ending a program that
 * misuses them. All of it may be used in a signal handler.
 */

#include <stdbool.h>
#include <stdint.h>

#define EXPORT __attribute__((visibility("default")))

/* The calling thread, as the kernel numbers it. */
uint32_t esc_thread(void);

/*
 * Sleeps while *word is `value`: until esc_wake(), a signal, or deadline_ns of CLOCK_MONOTONIC (0: none). Returns false
 * if it was the deadline. The caller looks at the word again.
 */
bool esc_sleep(const uint32_t *word, uint32_t value, uint64_t deadline_ns);
void esc_wake(const uint32_t *word, int threads);

uint64_t esc_now(void);			/* CLOCK_MONOTONIC, ns */

/* "PROGRAM: TEXT" on stderr, then SIGABRT: what Apple's libraries do when they find a bug in their client. */
_Noreturn void esc_bug(const char *text);
