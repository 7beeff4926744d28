/* SPDX-License-Identifier: MIT */

/*
 * The sensor for kernels where LSM programs don't load. AUTH_OPEN and AUTH_EXEC wait in fanotify groups
 * (gate-fanotify.c); other AUTH types aren't available. The kernel programs must know of a subscription as long as its
 * marks exist: so place marks after it begins, and remove them before it ends.
 */

#include "daemon/sensor/tracepoint.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "daemon/sensor/bpf-sensor.h"
#include "daemon/sensor/event.h"
#include "daemon/sensor/gate-fanotify.h"
#include "util/log.h"
#include "util/macro.h"

struct tracepoint_slot {
	struct esd_gate gate;
	int no_gate;			/* replaces the gate if the kernel has none: never readable; 0: not made */
};

struct tracepoint {
	struct esd_bpf base;
	struct esd_gates gates;
	bool can_ask;
	struct esd_program *ask;	/* borrowed */
	int gate_error;			/* 0: the gate can make operations wait */
	struct tracepoint_slot slots[ES_CLIENTS_MAX];
};

static struct tracepoint *tracepoint_of(struct esd_bpf *s)
{
	return container_of(s, struct tracepoint, base);
}

/* The ask program finds the waiting task by its number. Older kernels don't have the functions for that. */
static bool can_ask(const struct btf *btf)
{
	return btf__find_by_name_kind(btf, "bpf_task_from_pid", BTF_KIND_FUNC) >= 0 &&
	       btf__find_by_name_kind(btf, "bpf_rcu_read_lock", BTF_KIND_FUNC) >= 0;
}

static void tracepoint_choose(struct esd_bpf *s, const struct btf *btf)
{
	struct tracepoint *t = tracepoint_of(s);
	struct bpf_program *program;

	t->can_ask = can_ask(btf);
	t->ask = esd_programs_find(&s->programs, "ask");
	bpf_program__set_autoload(s->skel->progs.ask, t->can_ask);
	bpf_object__for_each_program(program, s->skel->obj)
		if (bpf_program__type(program) == BPF_PROG_TYPE_LSM)
			bpf_program__set_autoload(program, false);
}

static int tracepoint_start(struct esd_bpf *s, const struct esd_sensor_config *config)
{
	struct tracepoint *t = tracepoint_of(s);
	int r;

	r = esd_gates_init(&t->gates, config->loop, config->scope);
	if (r < 0) {
		log_error("can't open /proc/self/mountinfo: %s; is /proc mounted?", strerror(-r));
		return r;
	}
	r = t->can_ask ? esd_program_load(t->ask) : ENOTSUP;
	if (r < 0)
		return r;
	t->gate_error = r ? -r : esd_gate_probe();
	s->base.gate_queues = t->gate_error == 0;
	return 0;
}

static void tracepoint_stop(struct esd_bpf *s)
{
	esd_gates_deinit(&tracepoint_of(s)->gates);
}

static int tracepoint_client_add(struct esd_bpf *s, unsigned int number, pid_t pid)
{
	struct tracepoint *t = tracepoint_of(s);
	struct tracepoint_slot *slot = &t->slots[number];
	int r;

	(void)pid;
	if (t->gate_error) {
		slot->no_gate = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		s->slots[number].given.fds[ES_CLIENT_FD_GATE] = slot->no_gate;
		s->slots[number].given.fds[ES_CLIENT_FD_ASK] = slot->no_gate;
		return slot->no_gate < 0 ? -errno : 0;
	}
	r = esd_gate_init(&slot->gate, &t->gates);
	if (r < 0)
		return r;
	s->slots[number].given.fds[ES_CLIENT_FD_GATE] = slot->gate.fd;
	s->slots[number].given.fds[ES_CLIENT_FD_ASK] = t->ask->fd;
	return 0;
}

static void tracepoint_client_let_go(struct esd_bpf *s, unsigned int number)
{
	esd_gate_let_go(&tracepoint_of(s)->slots[number].gate);
}

static void tracepoint_client_clear(struct esd_bpf *s, unsigned int number)
{
	struct tracepoint_slot *slot = &tracepoint_of(s)->slots[number];

	esd_gate_deinit(&slot->gate);
	if (slot->no_gate > 0)
		close(slot->no_gate);
	*slot = (struct tracepoint_slot){};
}

static int tracepoint_narrow(struct esd_bpf *s, unsigned int number, const uint64_t types[ES_TYPE_WORDS])
{
	struct tracepoint *t = tracepoint_of(s);

	return t->gate_error ? 0 : esd_gate_retain(&t->slots[number].gate, esd_gate_mask(types));
}

static int tracepoint_widen(struct esd_bpf *s, unsigned int number, const uint64_t types[ES_TYPE_WORDS])
{
	struct tracepoint *t = tracepoint_of(s);

	return t->gate_error ? 0 : esd_gate_add(&t->slots[number].gate, esd_gate_mask(types));
}

static enum es_capability tracepoint_capability(const struct esd_bpf *s, unsigned int type, char *how, size_t size)
{
	const struct tracepoint *t = container_of(s, struct tracepoint, base);
	const struct esd_event *event = &esd_events[type];

	if (!strcmp(event->tracepoint, "-")) {
		snprintf(how, size, "the tracepoint sensor can't hold it; needs BPF LSM (%s)", event->hook);
		return ES_CAN_NOT;
	}
	if (!t->can_ask) {
		snprintf(how, size, "this kernel has no BPF function bpf_task_from_pid");
		return ES_CAN_NOT;
	}
	if (t->ask->error) {
		snprintf(how, size, "the kernel refuses the program ask: %s", strerror(-t->ask->error));
		return ES_CAN_NOT;
	}
	if (t->gate_error) {
		snprintf(how, size, "no fanotify permission events: %s", strerror(-t->gate_error));
		return ES_CAN_NOT;
	}
	snprintf(how, size, "%s", event->tracepoint);
	return ES_CAN_HOLD;
}

static const struct esd_hold tracepoint_hold = {
	.number = ES_SENSOR_TRACEPOINT,
	.choose = tracepoint_choose,
	.start = tracepoint_start,
	.stop = tracepoint_stop,
	.client_add = tracepoint_client_add,
	.client_let_go = tracepoint_client_let_go,
	.client_clear = tracepoint_client_clear,
	.narrow = tracepoint_narrow,
	.widen = tracepoint_widen,
	.capability = tracepoint_capability,
};

int esd_sensor_tracepoint_new(struct esd_sensor **ret, const struct esd_sensor_config *config, const struct btf *btf,
			      const char *reason)
{
	struct tracepoint *t = calloc(1, sizeof(*t));
	int r;

	if (!t)
		return -ENOMEM;
	r = esd_bpf_init(&t->base, &tracepoint_hold, config, btf, reason);
	if (r < 0)
		return r;
	*ret = &t->base.base;
	return 0;
}
