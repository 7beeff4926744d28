/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The process whose end is the daemon's, for all that waits at its gates: the keeper's (daemon/keeper.h), which starts
 * another daemon if this one dies; without a keeper, the daemon itself.
 */

#include <sys/types.h>

pid_t esd_life_pid(void);

/* Call in the daemon, before anything that watches this process is made. */
void esd_life_set(pid_t keeper);
