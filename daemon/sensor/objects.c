/* SPDX-License-Identifier: MIT */
#include "daemon/sensor/objects.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/sensor/event.h"
#include "daemon/sensor/object-probes.h"
#include "daemon/sensor/select.h"
#include "util/log.h"
#include "util/macro.h"

enum { TYPES_PER_ROW = 10 };

/*
 * The programs, and the types that each sees. A hook's programs are lsm_see_NAME, on the LSM hook, and see_NAME, on
 * the function that calls the hook. A function's programs are enter_NAME and done_NAME, at its beginning and end.
 * Those that not every kernel has may be missing: there the operation takes another way.
 */
static const struct row {
	const char *name;
	enum {
		HOOK,
		DONE,
		ENTRY,
	} at;
	bool optional;
	const char *unless;		/* unused if the row of this name can be used */
	uint8_t count;
	uint8_t types[TYPES_PER_ROW];
} rows[] = {
#define ROW(at, name, optional, unless, ...) \
	{ #name, at, optional, unless, sizeof((uint8_t[]){ __VA_ARGS__ }), { __VA_ARGS__ } },
#define ES_SEEN(at, name, ...) ROW(at, name, false, NULL, __VA_ARGS__)
#define ES_SEEN_IF(at, name, ...) ROW(at, name, true, NULL, __VA_ARGS__)
#define ES_SEEN_UNLESS(other, at, name, ...) ROW(at, name, false, #other, __VA_ARGS__)
#define ES_SEEN_LOOKUP ES_SEEN
#define TYPE(name) ESD_##name,
#include "abi/hooks.def"
#undef ROW
};

_Static_assert(ARRAY_SIZE(rows) <= ESD_OBJECT_ROWS, "struct esd_objects has room for them");

static struct esd_program *find(struct esd_programs *programs, const char *prefix, const char *name)
{
	char program[64];

	snprintf(program, sizeof(program), "%s%s", prefix, name);
	return esd_programs_find(programs, program);
}

static const char *const prefixes[] = { [HOOK] = "see_", [DONE] = "done_", [ENTRY] = "enter_" };

void esd_objects_init(struct esd_objects *objects, struct sensor_bpf *skel, struct esd_programs *programs)
{
	*objects = (struct esd_objects){ .skel = skel };
	for (size_t i = 0; i < ARRAY_SIZE(objects->links); i++)
		objects->links[i] = -1;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		objects->hooks[i] = rows[i].at == HOOK ? find(programs, "lsm_see_", rows[i].name) : NULL;
		objects->functions[i] = find(programs, prefixes[rows[i].at], rows[i].name);
	}
}

void esd_objects_deinit(struct esd_objects *objects)
{
	if (!objects->skel)
		return;
	while (esd_objects_detach_one(objects))
		;
}

/* ---- which programs ---- */

static bool row_has(const struct row *row, unsigned int type)
{
	for (unsigned int i = 0; i < row->count; i++)
		if (row->types[i] == type)
			return true;
	return false;
}

static bool type_has_rows(unsigned int type)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (row_has(&rows[i], type))
			return true;
	return false;
}

static bool can_be_used(const struct esd_program *program)
{
	return program && (program->fd >= 0 || esd_program_untried(program));
}

/* The one of the two that is used; NULL: neither can be. */
static struct esd_program *usable(const struct esd_objects *objects, size_t row)
{
	return can_be_used(objects->hooks[row]) ? objects->hooks[row] :
	       can_be_used(objects->functions[row]) ? objects->functions[row] : NULL;
}

/* Does this row report the type on this kernel? */
static bool row_serves(const struct esd_objects *objects, size_t row, unsigned int type)
{
	if (!row_has(&rows[row], type))
		return false;
	for (size_t i = 0; rows[row].unless && i < ARRAY_SIZE(rows); i++)
		if (!strcmp(rows[i].name, rows[row].unless) && usable(objects, i))
			return false;
	return true;
}

/* ---- loading ---- */

/* 1: one of the type's programs was loaded, or refused; 0: there was nothing to load. */
static int type_load(struct esd_objects *objects, unsigned int type)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct esd_program *program = row_serves(objects, i, type) ? usable(objects, i) : NULL;
		int r;

		if (!program || program->fd >= 0)
			continue;
		r = esd_program_try(program);
		if (r < 0)
			return r;
		if (r == EPERM)		/* with an empty verifier log: this kernel refuses all such programs */
			objects->refused = r;
		return 1;
	}
	return 0;
}

static int row_attach(struct esd_objects *objects, size_t row)
{
	const struct esd_program *program = usable(objects, row);

	if (objects->links[row] >= 0 || !program || program->fd < 0)
		return 0;
	objects->links[row] = esd_program_attach(program);
	return objects->links[row] < 0 ? objects->links[row] : 0;
}

static int type_attach(struct esd_objects *objects, unsigned int type)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int r = row_serves(objects, i, type) ? row_attach(objects, i) : 0;

		if (r < 0)
			return r;
	}
	return 0;
}

/* True: the object programs can't report the type; the reason is in why[type]. */
static bool type_missing(struct esd_objects *objects, unsigned int type)
{
	char *why = objects->why[type];
	size_t size = sizeof(objects->why[0]);

	if (objects->refused) {
		snprintf(why, size, "this kernel takes no programs at its functions: %s", strerror(objects->refused));
		return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (!row_serves(objects, i, type) || rows[i].optional || usable(objects, i))
			continue;
		snprintf(why, size, "no program can be at %s%s", rows[i].at == HOOK ? "security_" : "", rows[i].name);
		return true;
	}
	return false;
}

/* All programs of the type are loaded: tries whether they see the operation. */
static void type_try(struct esd_objects *objects, unsigned int type)
{
	struct es_sensor_control *control = &objects->skel->bss->control;
	char *why = objects->why[type];
	int r;

	objects->state[type] = ESD_OBJECT_NOT;
	if (type_missing(objects, type))
		return;
	r = type_attach(objects, type);
	if (r < 0) {
		snprintf(why, sizeof(objects->why[0]), "a program can't be attached: %s", strerror(-r));
		return;
	}
	r = esd_object_probe(control, type, why, sizeof(objects->why[0]));
	if (r < 0) {
		/* Without auditing (audit=0) there are no messages either way: esd_bpf_told_of_users(). */
		if (r != -EPROTONOSUPPORT)
			log_warning("NOTIFY_%s is told by system calls: %s", esd_events[type].name + strlen("NOTIFY_"), why);
		return;
	}
	objects->state[type] = ESD_OBJECT_USED;
	__atomic_store_n(&control->by_object[type], 1, __ATOMIC_RELEASE);
}

int esd_objects_load(struct esd_objects *objects, const uint64_t types[ES_TYPE_WORDS])
{
	unsigned int type;

	for (type = esd_types_next(types, 0); type < ES_EVENT_TYPES; type = esd_types_next(types, type + 1)) {
		int r;

		if (objects->state[type] != ESD_OBJECT_UNTRIED || !type_has_rows(type))
			continue;
		r = objects->refused ? 0 : type_load(objects, type);
		if (r)
			return r;
		type_try(objects, type);
		return 1;
	}
	return 0;
}

/* ---- what is told by them ---- */

void esd_objects_subtract(const struct esd_objects *objects, uint64_t types[ES_TYPE_WORDS])
{
	for (unsigned int type = 0; type < ES_EVENT_TYPES; type++)
		if (objects->state[type] == ESD_OBJECT_USED)
			types[type / 64] &= ~(UINT64_C(1) << type % 64);
}

bool esd_objects_tell(const struct esd_objects *objects, unsigned int type, char *how, size_t size)
{
	if (objects->state[type] != ESD_OBJECT_USED)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (!row_serves(objects, i, type) || !usable(objects, i))
			continue;
		snprintf(how, size, "the kernel's objects, at %s%s", rows[i].at == HOOK ? "security_" : "", rows[i].name);
		return true;
	}
	return false;
}

int esd_objects_attach(struct esd_objects *objects, const uint64_t types[ES_TYPE_WORDS])
{
	unsigned int type;

	for (type = esd_types_next(types, 0); type < ES_EVENT_TYPES; type = esd_types_next(types, type + 1)) {
		int r = objects->state[type] == ESD_OBJECT_USED ? type_attach(objects, type) : 0;

		if (r < 0)
			return r;
	}
	return 0;
}

bool esd_objects_detach_one(struct esd_objects *objects)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (objects->links[i] < 0)
			continue;
		close(objects->links[i]);
		objects->links[i] = -1;
		return true;
	}
	return false;
}

uint64_t esd_objects_missed(const struct esd_objects *objects)
{
	uint64_t missed = 0;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct esd_program *program = objects->functions[i];

		if (program && program->fd >= 0)
			missed += esd_program_missed(program);
	}
	return missed;
}

static unsigned int wanted_type(const struct esd_objects *objects, const struct row *row)
{
	for (unsigned int i = 0; i < row->count; i++)
		if (objects->skel->bss->control.objects[row->types[i]])
			return row->types[i];
	return row->types[0];
}

void esd_objects_missed_since(struct esd_objects *objects, esd_missed_f *missed, void *owner)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct esd_program *program = objects->functions[i];
		uint64_t count = program && program->fd >= 0 ? esd_program_missed_since(program) : 0;

		if (count)
			missed(owner, wanted_type(objects, &rows[i]), count);
	}
}
