/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>

#include "abi/sensor.h"

/*
 * A row per system call of abi/syscalls.def. The preprocessor makes `number` the text that __NR_<name> expands to, or
 * "__NR_<name>" itself if the architecture doesn't have it. Include the architecture's numbers before this file.
 */
struct esd_syscall_row {
	const char *number;
	struct es_syscall syscall;
};

#define ESD_SYSCALL_TEXT_(text) #text
#define ESD_SYSCALL_TEXT(text) ESD_SYSCALL_TEXT_(text)
#define ES_SYSCALL(name, kind, variant) \
	{ ESD_SYSCALL_TEXT(__NR_##name), { ES_KIND_##kind, ES_VARIANT_##variant } },

void esd_syscalls_fill(struct es_syscall table[ES_SYSCALLS], const struct esd_syscall_row *rows, size_t count);

/* By the numbers of this architecture, and of the 32-bit programs that it also runs. */
void esd_syscalls_native(struct es_syscall table[ES_SYSCALLS]);
void esd_syscalls_compat(struct es_syscall table[ES_SYSCALLS]);
