/* SPDX-License-Identifier: MIT */

/* For architectures whose 32-bit numbers the C library's headers don't tell. */
#include "daemon/sensor/syscalls.h"

void esd_syscalls_compat(struct es_syscall table[ES_SYSCALLS])
{
	(void)table;
}
