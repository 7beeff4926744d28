/* SPDX-License-Identifier: MIT */
#include "daemon/sensor/select.h"

#include <string.h>

#include "daemon/sensor/event.h"
#include "util/macro.h"

enum { TYPES_PER_KIND = 9 };

/*
 * Which event types need system calls of a kind to be looked at. Some need more than the one they are named for: CLOSE
 * says whether the file was modified, so it has to see what opens, writes and duplicates it; AUTH_OPEN has to know
 * which opens are an exec's. NOTIFY_EXEC is not among them: an exec that was done is told by a tracepoint of its own, and
 * one that was denied was asked about.
 */
static const struct {
	uint8_t kind;
	uint8_t count;
	uint8_t types[TYPES_PER_KIND];
} select_kinds[] = {
#define KIND(name, ...) \
	{ ES_KIND_##name, sizeof((uint8_t[]){ __VA_ARGS__ }), { __VA_ARGS__ } }
	KIND(OPEN, ESD_AUTH_OPEN, ESD_NOTIFY_OPEN, ESD_NOTIFY_CREATE, ESD_NOTIFY_CLOSE, ESD_NOTIFY_WRITE,
	     ESD_NOTIFY_FSGETPATH, ESD_NOTIFY_GET_TASK, ESD_NOTIFY_GET_TASK_READ, ESD_NOTIFY_PROC_CHECK),
	KIND(EXEC, ESD_AUTH_EXEC, ESD_AUTH_OPEN),
	KIND(CLOSE, ESD_NOTIFY_CLOSE, ESD_NOTIFY_PTY_CLOSE),
	KIND(WRITE, ESD_NOTIFY_WRITE, ESD_NOTIFY_CLOSE),
	KIND(TRUNCATE, ESD_NOTIFY_TRUNCATE, ESD_NOTIFY_CLOSE),
	KIND(UNLINK, ESD_NOTIFY_UNLINK),
	KIND(RENAME, ESD_NOTIFY_RENAME, ESD_NOTIFY_EXCHANGEDATA),
	KIND(LINK, ESD_NOTIFY_LINK),
	KIND(MAKE, ESD_NOTIFY_CREATE),
	KIND(CHMOD, ESD_NOTIFY_SETMODE),
	KIND(CHOWN, ESD_NOTIFY_SETOWNER),
	KIND(UTIMES, ESD_NOTIFY_UTIMES),
	KIND(SETXATTR, ESD_NOTIFY_SETEXTATTR, ESD_NOTIFY_SETACL),
	KIND(GETXATTR, ESD_NOTIFY_GETEXTATTR),
	KIND(LISTXATTR, ESD_NOTIFY_LISTEXTATTR),
	KIND(DELXATTR, ESD_NOTIFY_DELETEEXTATTR, ESD_NOTIFY_SETACL),
	KIND(SETFLAGS, ESD_NOTIFY_SETFLAGS),
	KIND(IOCTL, ESD_NOTIFY_SETFLAGS, ESD_NOTIFY_CLONE, ESD_NOTIFY_PTY_GRANT),
	KIND(COPY, ESD_AUTH_COPYFILE, ESD_NOTIFY_COPYFILE, ESD_NOTIFY_WRITE, ESD_NOTIFY_CLOSE),
	KIND(CHDIR, ESD_NOTIFY_CHDIR),
	KIND(CHROOT, ESD_NOTIFY_CHROOT),
	KIND(STAT, ESD_NOTIFY_STAT),
	KIND(ACCESS, ESD_NOTIFY_ACCESS),
	KIND(READLINK, ESD_NOTIFY_READLINK),
	KIND(READDIR, ESD_NOTIFY_READDIR),
	KIND(DUP, ESD_NOTIFY_DUP, ESD_NOTIFY_CLOSE),
	KIND(FCNTL, ESD_NOTIFY_FCNTL, ESD_NOTIFY_DUP, ESD_NOTIFY_CLOSE),
	KIND(MOUNT, ESD_NOTIFY_MOUNT, ESD_NOTIFY_REMOUNT),
	KIND(UMOUNT, ESD_NOTIFY_UNMOUNT),
	KIND(SETTIME, ESD_NOTIFY_SETTIME),
	KIND(BIND, ESD_NOTIFY_UIPC_BIND),
	KIND(CONNECT, ESD_NOTIFY_UIPC_CONNECT),
	KIND(SETID, ESD_NOTIFY_SETUID, ESD_NOTIFY_SETGID, ESD_NOTIFY_SETEUID, ESD_NOTIFY_SETEGID, ESD_NOTIFY_SETREUID,
	     ESD_NOTIFY_SETREGID),
	KIND(PTRACE, ESD_NOTIFY_TRACE, ESD_NOTIFY_GET_TASK, ESD_NOTIFY_GET_TASK_READ, ESD_NOTIFY_GET_TASK_NAME),
	KIND(KILL, ESD_NOTIFY_SIGNAL),
	KIND(MAP, ESD_NOTIFY_MMAP, ESD_NOTIFY_MPROTECT, ESD_NOTIFY_CLOSE),
	KIND(SEND, ESD_USERS),
#undef KIND
};

_Static_assert(ARRAY_SIZE(select_kinds) == ES_KIND_COUNT - 1, "every kind but NONE has a row");

bool esd_select_any_type(const struct es_sensor_control *control, unsigned int type)
{
	return control->subscribers[type];
}

/* An LSM program sees for itself how a file is opened, and that it isn't by an exec. */
static bool type_needs_calls(unsigned int type, bool lsm)
{
	return !(lsm && type == ESD_AUTH_OPEN);
}

bool esd_select_needs_kind(const uint64_t types[ES_TYPE_WORDS], unsigned int kind, bool lsm)
{
	for (size_t i = 0; i < ARRAY_SIZE(select_kinds); i++)
		for (unsigned int j = 0; select_kinds[i].kind == kind && j < select_kinds[i].count; j++)
			if (esd_types_has(types, select_kinds[i].types[j]) && type_needs_calls(select_kinds[i].types[j], lsm))
				return true;
	return false;
}

bool esd_select_any_kind(const uint64_t types[ES_TYPE_WORDS], bool lsm)
{
	for (unsigned int kind = 0; kind < ES_KIND_COUNT; kind++)
		if (esd_select_needs_kind(types, kind, lsm))
			return true;
	return false;
}

void esd_select_types(const struct es_sensor_control *control, uint64_t ret[ES_TYPE_WORDS])
{
	memset(ret, 0, ES_TYPE_WORDS * sizeof(ret[0]));
	for (unsigned int type = 0; type < ES_EVENT_TYPES; type++)
		if (esd_select_any_type(control, type))
			esd_types_add(ret, type);
}

static bool lookups_wanted(const struct es_sensor_control *control)
{
	static const uint8_t types[] = { ESD_OBJECT_LOOKUPS };

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (control->objects[types[i]])
			return true;
	return false;
}

void esd_select_client(struct es_sensor_control *control, unsigned int slot, const uint64_t types[ES_TYPE_WORDS])
{
	uint64_t bit = UINT64_C(1) << slot, all[ES_TYPE_WORDS];
	bool closes = control->subscribers[ESD_NOTIFY_CLOSE] | control->subscribers[ESD_NOTIFY_WRITE];

	if (!closes && (esd_types_has(types, ESD_NOTIFY_CLOSE) || esd_types_has(types, ESD_NOTIFY_WRITE)))
		__atomic_add_fetch(&control->written_epoch, 1, __ATOMIC_RELEASE);

	/* The kernel programs read these words while they change: each is written once, and whole. */
	for (unsigned int type = 0; type < ES_EVENT_TYPES; type++) {
		uint64_t word = control->subscribers[type];

		word = esd_types_has(types, type) ? word | bit : word & ~bit;
		__atomic_store_n(&control->subscribers[type], word, __ATOMIC_RELEASE);
		__atomic_store_n(&control->objects[type], control->by_object[type] ? word : 0, __ATOMIC_RELEASE);
	}
	__atomic_store_n(&control->object_lookups, lookups_wanted(control), __ATOMIC_RELEASE);
	esd_select_types(control, all);
	for (unsigned int type = 0; type < ES_EVENT_TYPES; type++)
		if (control->by_object[type])
			all[type / 64] &= ~(UINT64_C(1) << type % 64);
	for (unsigned int kind = 0; kind < ES_KIND_COUNT; kind++)
		__atomic_store_n(&control->kind_live[kind], esd_select_needs_kind(all, kind, control->lsm),
				 __ATOMIC_RELEASE);
}
