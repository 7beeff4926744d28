/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

/* Tells systemd, if it started us and listens: sd_notify(3) without the library. */
void notify_supervisor(const char *state);

/* How often WATCHDOG=1 is expected, in ns; 0: never. */
uint64_t notify_watchdog_ns(void);
