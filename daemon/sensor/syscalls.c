/* SPDX-License-Identifier: MIT */
#include <asm/unistd.h>

#include "daemon/sensor/syscalls-new.h"
#include "daemon/sensor/syscalls.h"

#include "util/macro.h"
#include "util/number.h"

static const struct esd_syscall_row native_rows[] = {
#include "abi/syscalls.def"
};

void esd_syscalls_fill(struct es_syscall table[ES_SYSCALLS], const struct esd_syscall_row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint64_t number;

		if (number_parse(rows[i].number, 0, ES_SYSCALLS - 1, &number) == 0)
			table[number] = rows[i].syscall;
	}
}

void esd_syscalls_native(struct es_syscall table[ES_SYSCALLS])
{
	esd_syscalls_fill(table, native_rows, ARRAY_SIZE(native_rows));
}
