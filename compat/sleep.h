/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Shared by the locks, semaphores and queues: sleep until a word changes, and end a program that misuses them. A signal
 * handler may call all of these.
 */

#include <stdbool.h>
#include <stdint.h>

#define EXPORT __attribute__((visibility("default")))

/* The calling thread's kernel id. */
uint32_t esc_thread(void);

/*
 * Sleeps while *word is `value`: until esc_wake(), a signal, or deadline_ns of CLOCK_MONOTONIC (0: none). Returns false
 * at the deadline. The caller has to check the word again.
 */
bool esc_sleep(const uint32_t *word, uint32_t value, uint64_t deadline_ns);
void esc_wake(const uint32_t *word, int threads);

uint64_t esc_now(void);			/* CLOCK_MONOTONIC, ns */

/* Prints "PROGRAM: TEXT" to stderr, then SIGABRT: as Apple's libraries do if they find a bug in their client. */
_Noreturn void esc_bug(const char *text);
