/* SPDX-License-Identifier: MIT */
#include "daemon/sensor/bpf-take-over.h"

#include <errno.h>

#include "daemon/sensor/bpf-missed.h"
#include "daemon/sensor/bpf-needed.h"
#include "daemon/sensor/bpf-reports.h"
#include "daemon/sensor/bpf-slot.h"
#include "daemon/sensor/keep.h"
#include "daemon/sensor/select.h"
#include "util/macro.h"

static void slot_keep(struct esd_bpf_slot *slot, struct archive *archive)
{
	ARCHIVE(archive, slot->used);
	ARCHIVE(archive, slot->dead);
	if (!slot->used && !slot->dead)
		return;
	ARCHIVE(archive, slot->pid);
	ARCHIVE(archive, slot->types);
	archive_fd(archive, &slot->given.fds[ES_CLIENT_FD_RING]);
	archive_fd(archive, &slot->given.fds[ES_CLIENT_FD_HELD]);
}

/* The slot for what the daemon itself receives is cleared, and taken anew if it is needed. */
static void slot_read(struct esd_bpf *s, unsigned int number, bool own, struct archive *archive)
{
	struct esd_bpf_slot *slot = &s->slots[number];

	slot->given = (struct esd_sensor_slot)ESD_BPF_SLOT_NONE;
	slot_keep(slot, archive);
	if (slot->used && own) {
		slot->used = false;
		slot->dead = true;
	}
	if (slot->used && !archive->bad && esd_bpf_slot_map(slot) < 0)
		archive->bad = true;
}

void esd_bpf_keep_rest(struct esd_bpf *s, struct archive *archive)
{
	uint64_t own_slots = s->base.own_slots;

	esd_programs_keep(&s->programs, archive);
	esd_keep_links(archive, s->tracepoints.links, ARRAY_SIZE(s->tracepoints.links));
	ARCHIVE(archive, s->tracepoints.filled);
	ARCHIVE(archive, s->tracepoints.watch);
	esd_keep_links(archive, s->objects.links, ARRAY_SIZE(s->objects.links));
	ARCHIVE(archive, s->objects.refused);
	ARCHIVE(archive, s->objects.state);
	ARCHIVE(archive, s->objects.why);
	ARCHIVE(archive, s->mute_generation);
	ARCHIVE(archive, own_slots);
	for (unsigned int number = 0; number < ES_CLIENTS_MAX; number++) {
		if (archive->reading)
			slot_read(s, number, own_slots >> number & 1, archive);
		else
			slot_keep(&s->slots[number], archive);
	}
}

void esd_bpf_keep(struct esd_sensor *sensor, struct archive *archive)
{
	struct esd_bpf *s = esd_bpf_of(sensor);

	s->hold->keep_first(s, archive);
	esd_keep_maps(s->skel->obj, archive);
	esd_bpf_keep_rest(s, archive);
	s->hold->keep(s, archive);
}

/* What a daemon that was killed had just begun in a slot counts for nothing: its client asks again. */
static void slot_half_made(struct esd_bpf *s, uint32_t number)
{
	uint32_t id;

	if (!s->base.clients[number].tgid && bpf_map_lookup_elem(bpf_map__fd(s->skel->maps.rings), &number, &id) < 0)
		return;
	s->skel->bss->control.gate_pid[number] = 0;
	s->slots[number] = (struct esd_bpf_slot){ .dead = true, .given = ESD_BPF_SLOT_NONE };
}

static void slot_go_on(struct esd_bpf *s, uint32_t number)
{
	static const uint64_t none[ES_TYPE_WORDS];
	struct esd_bpf_slot *slot = &s->slots[number];

	if (!slot->used && !slot->dead)
		slot_half_made(s, number);
	esd_select_client(&s->skel->bss->control, number, slot->used ? slot->types : none);
	s->clients += slot->used;
}

/* Where a hook's program or another isn't attached though it is needed, the daemon before died just when it did that. */
int esd_bpf_go_on(struct esd_bpf *s)
{
	uint64_t types[ES_TYPE_WORDS];
	int r;

	s->skel->bss->control.reporters = 0;
	for (uint32_t number = 0; number < ES_CLIENTS_MAX; number++)
		slot_go_on(s, number);
	esd_select_types(&s->skel->bss->control, types);
	esd_bpf_missed_watch(s, s->clients);
	r = esd_bpf_attach(s);
	if (r == 0)
		r = s->hold->widen(s, 0, types);
	if (r == 0)
		r = esd_bpf_reports_go_on(s, types);
	esd_bpf_reap_later(s);
	return r;
}
