/* SPDX-License-Identifier: MIT */
#include "daemon/sensor/bpf-reports.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "daemon/sensor/bpf-needed.h"
#include "daemon/sensor/bpf-slot.h"
#include "daemon/sensor/select.h"
#include "util/log.h"

enum { RING_BYTES = 1024 * 1024 };

void esd_bpf_reports_unwant(struct esd_bpf *s)
{
	for (unsigned int i = 0; i < ES_REPORTERS; i++)
		s->reports[i].wanted = false;
	s->sessions.wanted = false;
}

static bool reports_wanted(const struct esd_bpf *s, const struct esd_reports *reports)
{
	uint64_t types[ES_TYPE_WORDS];

	esd_select_types(&s->skel->bss->control, types);
	return reports->wanted || esd_reports_any(reports->subject, types);
}

/* One that runs for nobody; NULL: none. */
static struct esd_reports *reports_unneeded(struct esd_bpf *s)
{
	for (unsigned int i = 0; i < ES_REPORTERS; i++)
		if (s->reports[i].slot >= 0 && !reports_wanted(s, &s->reports[i]))
			return &s->reports[i];
	return NULL;
}

static int reports_slot_make(struct esd_bpf *s, struct esd_reports *reports, unsigned int number)
{
	struct esd_bpf_slot *slot = &s->slots[number];
	int r;

	*slot = (struct esd_bpf_slot){ .used = true, .given = ESD_BPF_SLOT_NONE };
	s->base.clients[number] = (struct es_sensor_client){ .tgid = getpid() };
	r = esd_bpf_slot_ring(s, number, slot, RING_BYTES);
	if (r == 0)
		r = esd_reports_start(reports, &s->base, number, slot->given.fds[ES_CLIENT_FD_RING],
				      bpf_map__fd(s->skel->maps.reports));
	return r;
}

static void reports_select(struct esd_bpf *s, unsigned int number, const uint64_t types[ES_TYPE_WORDS])
{
	__atomic_store_n(&s->skel->bss->control.reporters, s->base.own_slots, __ATOMIC_RELEASE);
	esd_select_client(&s->skel->bss->control, number, types);
}

/* The last slot that is free: clients take the first ones. */
static int reports_slot_find(const struct esd_bpf *s)
{
	for (int number = ES_CLIENTS_MAX - 1; number >= 0; number--)
		if (!s->slots[number].used && !s->slots[number].dead)
			return number;
	return -EUSERS;
}

static void reports_slot_free(struct esd_bpf *s, unsigned int number)
{
	s->base.own_slots &= ~(UINT64_C(1) << number);
	__atomic_store_n(&s->skel->bss->control.reporters, s->base.own_slots, __ATOMIC_RELEASE);
	esd_bpf_slot_clear(s, number);
}

static void reports_stop(struct esd_bpf *s, struct esd_reports *reports)
{
	static const uint64_t none[ES_TYPE_WORDS];
	int number = reports->slot;

	reports->wanted = false;
	if (number < 0)
		return;
	esd_select_client(&s->skel->bss->control, (unsigned int)number, none);
	esd_reports_stop(reports);
	reports_slot_free(s, (unsigned int)number);
}

static int reports_start(struct esd_bpf *s, struct esd_reports *reports)
{
	int number = reports_slot_find(s), r;
	uint64_t types[ES_TYPE_WORDS];

	if (number < 0)
		return number;
	s->base.own_slots |= UINT64_C(1) << number;
	reports->wanted = true;
	r = reports_slot_make(s, reports, number);
	if (r < 0) {
		reports_slot_free(s, number);
	} else {
		esd_reports_needed(reports->subject, types);
		reports_select(s, number, types);
		r = esd_bpf_attach(s);
	}
	if (r == 0)
		r = esd_reports_run(reports);
	if (r < 0) {
		log_error("can't look at %s: %s", reports->subject->name, strerror(-r));
		reports_stop(s, reports);
	}
	return r;
}

static int reports_load(struct esd_bpf *s, struct esd_reports *reports, const uint64_t types[ES_TYPE_WORDS])
{
	uint64_t needed[ES_TYPE_WORDS];
	struct esd_want want;
	int r;

	if (!esd_reports_any(reports->subject, types))
		return 0;
	esd_reports_needed(reports->subject, needed);
	r = esd_objects_load(&s->objects, needed);
	if (r)
		return r;
	want = esd_bpf_want(s, needed);
	r = esd_tracepoints_load(&s->tracepoints, &want);
	if (r)
		return r;
	if (esd_program_untried(reports->program))
		return esd_program_load(reports->program) < 0 ? -ENOMEM : 1;
	return 0;
}

static bool sessions_wanted(const struct esd_bpf *s)
{
	uint64_t types[ES_TYPE_WORDS];

	esd_select_types(&s->skel->bss->control, types);
	return s->sessions.wanted || esd_session_reports_any(types);
}

static int sessions_start(struct esd_bpf *s)
{
	int r = esd_session_reports_start(&s->sessions, bpf_map__fd(s->skel->maps.reports));

	if (r < 0)
		log_error("can't listen to systemd-logind: %s", strerror(-r));
	return r;
}

static int sessions_load(struct esd_bpf *s, const uint64_t types[ES_TYPE_WORDS])
{
	if (!esd_session_reports_any(types) || !esd_program_untried(s->sessions.program))
		return 0;
	return esd_program_load(s->sessions.program) < 0 ? -ENOMEM : 1;
}

static int sessions_begin(struct esd_bpf *s, const uint64_t types[ES_TYPE_WORDS])
{
	int r;

	if (!esd_session_reports_any(types))
		return 0;
	s->sessions.wanted = true;
	r = sessions_start(s);
	return r < 0 ? r : !esd_session_reports_begun(&s->sessions);
}

/* Programs send their messages about users to the kernel's auditing, by system calls of this kind. */
static bool any_about_users(const uint64_t types[ES_TYPE_WORDS])
{
	return esd_select_kinds(types, false) >> ES_KIND_SEND & 1;
}

static void accounts_start(struct esd_bpf *s, const uint64_t types[ES_TYPE_WORDS])
{
	if (any_about_users(types))
		esd_accounts_start(&s->accounts, s->loop, bpf_map__fd(s->skel->maps.accounts),
				   bpf_map__fd(s->skel->maps.account_names));
}

int esd_bpf_reports_load(struct esd_bpf *s, const uint64_t types[ES_TYPE_WORDS])
{
	int r = 0;

	for (unsigned int i = 0; r == 0 && i < ES_REPORTERS; i++)
		r = reports_load(s, &s->reports[i], types);
	if (r == 0)
		r = sessions_load(s, types);
	if (r == 0)
		accounts_start(s, types);
	return r;
}

/* A reporter reads its files after every change of them is seen, and before the subscription is in force. */
int esd_bpf_reports_begin(struct esd_bpf *s, const uint64_t types[ES_TYPE_WORDS])
{
	int r = sessions_begin(s, types);
	bool begun = r == 0;

	if (r < 0)
		return r;
	for (unsigned int i = 0; i < ES_REPORTERS; i++) {
		struct esd_reports *reports = &s->reports[i];

		if (!esd_reports_any(reports->subject, types))
			continue;
		reports->wanted = true;
		r = reports->slot < 0 ? reports_start(s, reports) : 0;
		if (r < 0)
			return r;
		begun &= esd_reports_begun(reports);
	}
	return !begun;
}

int esd_bpf_reports_go_on(struct esd_bpf *s, const uint64_t types[ES_TYPE_WORDS])
{
	int r = 0;

	accounts_start(s, types);
	for (unsigned int i = 0; r == 0 && i < ES_REPORTERS; i++)
		if (esd_reports_any(s->reports[i].subject, types))
			r = reports_start(s, &s->reports[i]);
	return r == 0 && esd_session_reports_any(types) ? sessions_start(s) : r;
}

bool esd_bpf_reports_trim(struct esd_bpf *s)
{
	struct esd_reports *unneeded = reports_unneeded(s);

	if (unneeded)
		reports_stop(s, unneeded);
	else if (!sessions_wanted(s))
		esd_session_reports_stop(&s->sessions);
	return unneeded;
}

void esd_bpf_reports_stop(struct esd_bpf *s)
{
	for (unsigned int i = 0; i < ES_REPORTERS; i++)
		reports_stop(s, &s->reports[i]);
	esd_session_reports_stop(&s->sessions);
}
