/* SPDX-License-Identifier: MIT */
#include "daemon/sensor/life.h"

#include <unistd.h>

static pid_t keeper;

pid_t esd_life_pid(void)
{
	return keeper ? keeper : getpid();
}

void esd_life_set(pid_t pid)
{
	keeper = pid;
}
