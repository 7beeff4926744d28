/* SPDX-License-Identifier: MIT */
#include "daemon/sensor/tracepoints.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>

#include "daemon/sensor/event.h"
#include "daemon/sensor/select.h"
#include "util/log.h"
#include "util/macro.h"

/* What makes a program necessary. */
enum need {
	NEED_CLIENT,
	NEED_CLIENT_LSM,		/* only with LSM programs */
	NEED_CLIENT_ONLY,		/* only without; both are optional: they make some events more exact */
	NEED_SYSCALLS,
	NEED_RESTARTS,
	NEED_TYPES,
};

/* In the order of attaching: processes first, so that all others find their process known. */
static const struct row {
	const char *program;
	const char *tracepoint;
	enum need need;
	uint8_t types[2];		/* the types that it delivers; one type is there twice */
} rows[] = {
	{ "on_fork", "sched_process_fork", NEED_CLIENT, { ESD_NOTIFY_FORK, ESD_NOTIFY_FORK } },
	{ "lsm_exec_begins", "sched_prepare_exec", NEED_CLIENT_LSM, {} },
	{ "on_exec_begins", "sched_prepare_exec", NEED_CLIENT_ONLY, {} },
	{ "on_exec", "sched_process_exec", NEED_CLIENT, { ESD_NOTIFY_EXEC, ESD_NOTIFY_EXEC } },
	{ "on_exit", "sched_process_exit", NEED_CLIENT, { ESD_NOTIFY_EXIT, ESD_NOTIFY_EXIT } },
	{ "on_sys_enter", "sys_enter", NEED_SYSCALLS, {} },
	{ "on_sys_exit", "sys_exit", NEED_SYSCALLS, {} },
	{ "on_call_over", "sys_exit", NEED_RESTARTS, {} },
	{ "on_signal_deliver", "signal_deliver", NEED_RESTARTS, {} },
	{ "on_signal", "signal_generate", NEED_TYPES, { ESD_NOTIFY_SIGNAL, ESD_NOTIFY_PROC_SUSPEND_RESUME } },
	{ "on_module_load", "module_load", NEED_TYPES, { ESD_NOTIFY_KEXTLOAD, ESD_NOTIFY_KEXTLOAD } },
	{ "on_module_free", "module_free", NEED_TYPES, { ESD_NOTIFY_KEXTUNLOAD, ESD_NOTIFY_KEXTUNLOAD } },
};

_Static_assert(ARRAY_SIZE(rows) <= ESD_TRACEPOINTS, "struct esd_tracepoints has room for them");

/* The programs that see a kind of system call. */
static const struct {
	const char *enter, *exit;
} kinds[ES_KIND_COUNT] = {
#define ES_KIND(name, enter, exit) [ES_KIND_##name] = { enter, exit },
#include "abi/syscalls.def"
};

void esd_tracepoints_init(struct esd_tracepoints *tracepoints, struct sensor_bpf *skel,
			  struct esd_programs *programs)
{
	*tracepoints = (struct esd_tracepoints){ .skel = skel };
	for (size_t i = 0; i < ARRAY_SIZE(tracepoints->links); i++)
		tracepoints->links[i] = -1;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tracepoints->programs[i] = esd_programs_find(programs, rows[i].program);
	for (unsigned int kind = 0; kind < ES_KIND_COUNT; kind++) {
		tracepoints->enters[kind] = kinds[kind].enter ? esd_programs_find(programs, kinds[kind].enter) : NULL;
		tracepoints->exits[kind] = kinds[kind].exit ? esd_programs_find(programs, kinds[kind].exit) : NULL;
	}
}

/* ---- what is needed ---- */

static bool lsm(const struct esd_tracepoints *t)
{
	return t->skel->bss->control.lsm;
}

static bool row_needed(const struct esd_tracepoints *t, const struct row *row, const struct esd_want *want)
{
	switch (row->need) {
	case NEED_CLIENT:
		return want->clients;
	case NEED_CLIENT_LSM:
		return want->clients && lsm(t);
	case NEED_CLIENT_ONLY:
		return want->clients && !lsm(t);
	case NEED_SYSCALLS:
		return esd_select_kinds(want->types, lsm(t));
	case NEED_RESTARTS:
		return want->restarts;
	case NEED_TYPES:
		return esd_types_has(want->types, row->types[0]) || esd_types_has(want->types, row->types[1]);
	}
	return false;
}

/* A program that only makes events more exact doesn't make a type unavailable. */
static bool row_refuses(const struct row *row)
{
	return row->need != NEED_CLIENT_LSM && row->need != NEED_CLIENT_ONLY;
}

static bool is_refused(const struct esd_program *program)
{
	return program->error;
}

/* Finds a program that `want` needs and for which is() is true. *ret_row NULL: it is for a kind of call. */
static struct esd_program *needed_find(struct esd_tracepoints *t, const struct esd_want *want,
				       bool (*is)(const struct esd_program *program), const struct row **ret_row)
{
	uint64_t kinds = esd_select_kinds(want->types, lsm(t));

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		*ret_row = &rows[i];
		if (is(t->programs[i]) && row_needed(t, &rows[i], want) && (is != is_refused || row_refuses(&rows[i])))
			return t->programs[i];
	}
	*ret_row = NULL;
	for (unsigned int kind = 0; kind < ES_KIND_COUNT; kind++) {
		if (!(kinds >> kind & 1))
			continue;
		if (t->enters[kind] && is(t->enters[kind]))
			return t->enters[kind];
		if (t->exits[kind] && is(t->exits[kind]))
			return t->exits[kind];
	}
	return NULL;
}

/* ---- loading ---- */

static int array_fill(const struct bpf_map *array, uint32_t kind, const struct esd_program *program)
{
	if (!program || program->fd < 0)
		return 0;
	return bpf_map_update_elem(bpf_map__fd(array), &kind, &program->fd, BPF_ANY);
}

static int arrays_fill(struct esd_tracepoints *t, const uint64_t types[ES_TYPE_WORDS])
{
	uint64_t kinds = esd_select_kinds(types, lsm(t));

	for (unsigned int kind = 0; kind < ES_KIND_COUNT; kind++) {
		int r;

		if (t->filled[kind] || !(kinds >> kind & 1))
			continue;
		r = array_fill(t->skel->maps.enters, kind, t->enters[kind]);
		if (r == 0)
			r = array_fill(t->skel->maps.exits, kind, t->exits[kind]);
		if (r < 0) {
			log_error("can't put the programs for a kind of system call into place: %s", strerror(-r));
			return r;
		}
		t->filled[kind] = true;
	}
	return 0;
}

int esd_tracepoints_load(struct esd_tracepoints *tracepoints, const struct esd_want *want)
{
	const struct row *row;
	struct esd_program *program = needed_find(tracepoints, want, esd_program_untried, &row);
	int r;

	if (!program)
		return arrays_fill(tracepoints, want->types);
	r = esd_program_load(program);
	return r < 0 ? r : 1;
}

int esd_tracepoints_refuse(struct esd_tracepoints *tracepoints, const struct esd_want *want, char *how, size_t size)
{
	const struct row *row;
	const struct esd_program *program = needed_find(tracepoints, want, is_refused, &row);

	if (!program)
		return 0;
	if (row && program->error == -ENOENT) {
		snprintf(how, size, "this kernel has no tracepoint %s", row->tracepoint);
		return -ENOENT;
	}
	snprintf(how, size, "the kernel refuses the program %s: %s", program->name, strerror(-program->error));
	return program->error == -ENOENT ? -EINVAL : program->error;
}

/* ---- attaching ---- */

/* Each period in which the ends of calls are watched has its own number. 0: they aren't watched. */
static void calls_watched(struct esd_tracepoints *t, const struct row *row, bool watched)
{
	if (row->need == NEED_RESTARTS)
		t->skel->bss->control.calls_watched = watched ? ++t->watch : 0;
}

int esd_tracepoints_attach(struct esd_tracepoints *tracepoints, const struct esd_want *want)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct esd_program *program = tracepoints->programs[i];

		if (tracepoints->links[i] >= 0 || program->fd < 0 || !row_needed(tracepoints, &rows[i], want))
			continue;
		tracepoints->links[i] = esd_program_attach(program);
		if (tracepoints->links[i] < 0)
			return tracepoints->links[i];
		calls_watched(tracepoints, &rows[i], true);
	}
	return 0;
}

void esd_tracepoints_detach(struct esd_tracepoints *tracepoints, const struct esd_want *want)
{
	for (size_t i = ARRAY_SIZE(rows); i-- > 0;) {
		if (tracepoints->links[i] < 0 || row_needed(tracepoints, &rows[i], want))
			continue;
		calls_watched(tracepoints, &rows[i], false);
		closep(&tracepoints->links[i]);
		tracepoints->links[i] = -1;
	}
}

uint64_t esd_tracepoints_missed(const struct esd_tracepoints *tracepoints)
{
	uint64_t missed = 0;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		missed += esd_program_missed(tracepoints->programs[i]);
	return missed;
}

void esd_tracepoints_missed_since(struct esd_tracepoints *tracepoints,
				  void (*missed)(void *owner, unsigned int type, uint64_t count), void *owner)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t count = rows[i].types[0] ? esd_program_missed_since(tracepoints->programs[i]) : 0;

		if (count)
			missed(owner, rows[i].types[0], count);
	}
}
