/* SPDX-License-Identifier: MIT */
#include "daemon/sensor/select.h"

#include <string.h>

#include "daemon/sensor/event.h"
#include "util/macro.h"

bool esd_select_any_type(const struct es_sensor_control *control, unsigned int type)
{
	return control->subscribers[type];
}

/* An LSM program sees for itself how a file is opened, and that it isn't by an exec. */
static bool type_needs_calls(unsigned int type, bool lsm)
{
	return !(lsm && type == ESD_AUTH_OPEN);
}

uint64_t esd_select_kinds(const uint64_t types[ES_TYPE_WORDS], bool lsm)
{
	uint64_t kinds = 0;
	unsigned int type;

	for (type = esd_types_next(types, 0); type < ES_EVENT_TYPES; type = esd_types_next(types, type + 1))
		if (type_needs_calls(type, lsm))
			kinds |= esd_events[type].calls;
	return kinds;
}

void esd_select_types(const struct es_sensor_control *control, uint64_t ret[ES_TYPE_WORDS])
{
	memset(ret, 0, ES_TYPE_WORDS * sizeof(ret[0]));
	for (unsigned int type = 0; type < ES_EVENT_TYPES; type++)
		if (esd_select_any_type(control, type))
			esd_types_add(ret, type);
}

/* Does a type that the object programs report need the targets of path arguments? */
static bool lookups_wanted(const struct es_sensor_control *control)
{
	static const uint8_t types[] = {
#define ES_SEEN_LOOKUP(at, name, ...) __VA_ARGS__
#define TYPE(name) ESD_##name,
#include "abi/hooks.def"
	};

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (control->objects[types[i]])
			return true;
	return false;
}

void esd_select_client(struct es_sensor_control *control, unsigned int slot, const uint64_t types[ES_TYPE_WORDS])
{
	uint64_t bit = UINT64_C(1) << slot, all[ES_TYPE_WORDS], kinds;
	bool closes = control->subscribers[ESD_NOTIFY_CLOSE] | control->subscribers[ESD_NOTIFY_WRITE];

	if (!closes && (esd_types_has(types, ESD_NOTIFY_CLOSE) || esd_types_has(types, ESD_NOTIFY_WRITE)))
		__atomic_add_fetch(&control->written_epoch, 1, __ATOMIC_RELEASE);

	/* The kernel programs may read a word at any time. So write each one once, with all its bits. */
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
	kinds = esd_select_kinds(all, control->lsm);
	for (unsigned int kind = 0; kind < ES_KIND_COUNT; kind++)
		__atomic_store_n(&control->kind_live[kind], kinds >> kind & 1, __ATOMIC_RELEASE);
}
