/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

/* Tells systemd, if it started us and listens: sd_notify(3) without the library. */
void notify_supervisor(const char *state);

/*
 * The listening socket that systemd made for us and keeps over restarts (a .socket unit), now close-on-exec;
 * negative: none. Asked once: children aren't told of it.
 */
int notify_passed_socket(void);

/* How often WATCHDOG=1 is expected, in ns; 0: never. */
uint64_t notify_watchdog_ns(void);
