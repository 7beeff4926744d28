/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

/* Reports `state` to systemd, if systemd started us and listens: sd_notify(3) without the library. */
void notify_supervisor(const char *state);

/*
 * The listening socket that systemd made for us and keeps over restarts (a .socket unit), now close-on-exec;
 * negative: none. Works once, since it unsets the variables, so that children don't take the socket for theirs.
 */
int notify_passed_socket(void);

/* How often WATCHDOG=1 is expected, in ns; 0: never. */
uint64_t notify_watchdog_ns(void);
