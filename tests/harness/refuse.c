/* SPDX-License-Identifier: MIT */

/*
 * A library to preload into a daemon (LD_PRELOAD). It refuses to load the programs that ES_TEST_REFUSE names, as some
 * kernels do. It lets empty ones pass: the daemon has libbpf load these first in place of all (daemon/sensor/programs.h).
 */

#include <errno.h>
#include <linux/bpf.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { EMPTY = 2 };

/* Is the program's name in the list? The kernel may have cut it. */
static bool is_refused(const char *list, const char name[BPF_OBJ_NAME_LEN])
{
	size_t cut = strnlen(name, BPF_OBJ_NAME_LEN);

	for (; list && *list; list += strcspn(list, ",") + (list[strcspn(list, ",")] == ',')) {
		size_t length = strcspn(list, ",");

		if (!strncmp(list, name, cut) && (length == cut || cut == BPF_OBJ_NAME_LEN - 1))
			return true;
	}
	return false;
}

static long raw(long number, const long a[6])
{
	register long r10 __asm__("r10") = a[3];
	register long r8 __asm__("r8") = a[4];
	register long r9 __asm__("r9") = a[5];
	long result;

	__asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}

long syscall(long number, ...)
{
	const union bpf_attr *attr;
	long a[6], result;
	va_list list;

	va_start(list, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(list, long);
	va_end(list);
	attr = (const union bpf_attr *)a[1];
	if (number == SYS_bpf && a[0] == BPF_PROG_LOAD && attr->insn_cnt > EMPTY && attr->prog_name[0] &&
	    is_refused(getenv("ES_TEST_REFUSE"), attr->prog_name)) {
		errno = EINVAL;
		return -1;
	}
	result = raw(number, a);
	if (result < 0 && result > -4096) {
		errno = (int)-result;
		return -1;
	}
	return result;
}
