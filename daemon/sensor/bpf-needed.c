/* SPDX-License-Identifier: MIT */
#include "daemon/sensor/bpf-needed.h"

#include <string.h>
#include <unistd.h>

#include "daemon/sensor/select.h"
#include "util/log.h"

struct esd_want esd_bpf_want(const struct esd_bpf *s, const uint64_t types[ES_TYPE_WORDS])
{
	struct esd_want want = { .clients = true, .restarts = s->hold->restarts && s->hold->restarts(s, types) };

	memcpy(want.types, types, sizeof(want.types));
	esd_objects_subtract(&s->objects, want.types);
	return want;
}

static struct esd_want want_now(const struct esd_bpf *s)
{
	uint64_t types[ES_TYPE_WORDS];
	struct esd_want want;

	esd_select_types(&s->skel->bss->control, types);
	want = esd_bpf_want(s, types);
	want.clients = s->clients;
	return want;
}

void esd_bpf_detach(struct esd_bpf *s)
{
	const struct esd_want want = want_now(s);

	esd_tracepoints_detach(&s->tracepoints, &want);
}

int esd_bpf_attach(struct esd_bpf *s)
{
	const struct esd_want want = want_now(s);
	uint64_t types[ES_TYPE_WORDS];
	int r;

	esd_select_types(&s->skel->bss->control, types);
	r = esd_objects_attach(&s->objects, types);
	return r < 0 ? r : esd_tracepoints_attach(&s->tracepoints, &want);
}

void esd_bpf_reap_later(struct esd_bpf *s)
{
	(void)!write(s->reaper_fd, &(uint64_t){ 1 }, sizeof(uint64_t));
}

void esd_bpf_refresh(struct esd_bpf *s)
{
	s->base.changed = true;
	if (esd_bpf_attach(s) < 0)
		log_error("calls that start over may be asked about again and again");
	esd_bpf_reap_later(s);
}
