/* SPDX-License-Identifier: MIT */

/* A file of its own, because its numbers have the same names as the native ones. */
#include <asm/unistd_32.h>

#include "daemon/sensor/syscalls-new.h"
#include "daemon/sensor/syscalls.h"

#include "util/macro.h"

static const struct esd_syscall_row compat_rows[] = {
#include "abi/syscalls.def"
};

void esd_syscalls_compat(struct es_syscall table[ES_SYSCALLS])
{
	esd_syscalls_fill(table, compat_rows, ARRAY_SIZE(compat_rows));
}
