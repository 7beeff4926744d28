/* SPDX-License-Identifier: MIT */

/* The tables: event types, what they need of system calls, and the numbers of these. */

#include <string.h>
#include <sys/syscall.h>

#include "daemon/sensor/event.h"
#include "daemon/sensor/select.h"
#include "daemon/sensor/syscalls.h"
#include "daemon/test.h"

static void test_events(void)
{
	uint64_t types[ES_TYPE_WORDS] = {};

	for (unsigned int type = 0; type < ES_EVENT_TYPES; type++)
		REQUIRE(esd_events[type].name);
	REQUIRE(!strcmp(esd_events[ESD_NOTIFY_EXEC].name, "NOTIFY_EXEC"));
	REQUIRE(esd_types_next(types, 0) >= ES_EVENT_TYPES);
	esd_types_add(types, ESD_NOTIFY_EXIT);
	REQUIRE(!esd_types_auth(types));
	esd_types_add(types, ESD_AUTH_LINK);
	REQUIRE(esd_types_auth(types));
	REQUIRE(esd_types_next(types, 0) == ESD_NOTIFY_EXIT);
	REQUIRE(esd_types_next(types, ESD_NOTIFY_EXIT + 1) == ESD_AUTH_LINK);
	memset(types, 0, sizeof(types));
	types[2] = UINT64_MAX << (ES_EVENT_TYPES - 128);	/* only numbers that no event has */
	REQUIRE(!esd_types_auth(types));
}

static void test_select(void)
{
	static struct es_sensor_control control;
	uint64_t types[ES_TYPE_WORDS] = {}, none[ES_TYPE_WORDS] = {}, all[ES_TYPE_WORDS];

	esd_types_add(types, ESD_NOTIFY_EXIT);
	esd_select_client(&control, 63, types);
	REQUIRE(control.subscribers[ESD_NOTIFY_EXIT] == UINT64_C(1) << 63);
	REQUIRE(!esd_select_kinds(types, false));	/* exit is no system call's event */

	esd_types_add(types, ESD_NOTIFY_CLOSE);
	esd_select_client(&control, 0, types);
	REQUIRE(control.subscribers[ESD_NOTIFY_EXIT] == (UINT64_C(1) << 63 | 1));
	REQUIRE(control.kind_live[ES_KIND_CLOSE] && control.kind_live[ES_KIND_WRITE] && control.kind_live[ES_KIND_OPEN]);
	REQUIRE(!control.kind_live[ES_KIND_RENAME] && !control.kind_live[ES_KIND_NONE]);

	esd_select_client(&control, 0, none);
	esd_select_types(&control, all);
	REQUIRE(!esd_select_kinds(all, false) && !control.kind_live[ES_KIND_CLOSE]);
	REQUIRE(esd_select_any_type(&control, ESD_NOTIFY_EXIT));
	esd_select_client(&control, 63, none);
	REQUIRE(!esd_select_any_type(&control, ESD_NOTIFY_EXIT));
}

/* Which opens are an exec's, and their flags, fanotify doesn't tell. An LSM program knows. */
static void test_select_auth_open(void)
{
	static struct es_sensor_control fanotify, lsm = { .lsm = 1 };
	uint64_t types[ES_TYPE_WORDS] = {};

	esd_types_add(types, ESD_AUTH_OPEN);
	esd_select_client(&fanotify, 0, types);
	REQUIRE(fanotify.kind_live[ES_KIND_OPEN] && fanotify.kind_live[ES_KIND_EXEC]);
	esd_select_client(&lsm, 0, types);
	REQUIRE(esd_select_any_type(&lsm, ESD_AUTH_OPEN) && !esd_select_kinds(types, true));
	esd_types_add(types, ESD_NOTIFY_OPEN);
	esd_types_add(types, ESD_AUTH_EXEC);
	esd_select_client(&lsm, 0, types);
	REQUIRE(lsm.kind_live[ES_KIND_OPEN] && lsm.kind_live[ES_KIND_EXEC]);
}

static void test_syscalls(void)
{
	static struct es_syscall table[ES_SYSCALLS];
	struct es_syscall nothing = {};

	esd_syscalls_native(table);
	REQUIRE(table[SYS_openat].kind == ES_KIND_OPEN && table[SYS_openat].variant == ES_VARIANT_AT);
	REQUIRE(table[SYS_execve].kind == ES_KIND_EXEC);
	REQUIRE(table[SYS_renameat2].kind == ES_KIND_RENAME && table[SYS_renameat2].variant == ES_VARIANT_AT2);
	REQUIRE(!memcmp(&table[SYS_getpid], &nothing, sizeof(nothing)));
#ifdef __x86_64__
	memset(table, 0, sizeof(table));
	esd_syscalls_compat(table);
	REQUIRE(table[5].kind == ES_KIND_OPEN && table[5].variant == ES_VARIANT_PLAIN);
	REQUIRE(table[11].kind == ES_KIND_EXEC);
	REQUIRE(table[295].kind == ES_KIND_OPEN && table[295].variant == ES_VARIANT_AT);
	REQUIRE(table[20].kind == ES_KIND_NONE);	/* getpid */
#endif
}

int main(void)
{
	test_events();
	test_select();
	test_select_auth_open();
	test_syscalls();
	return 0;
}
