/* SPDX-License-Identifier: MIT */
#include "daemon/sensor/bpf-sensor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "daemon/sensor/bpf-capability.h"
#include "daemon/sensor/bpf-load.h"
#include "daemon/sensor/bpf-missed.h"
#include "daemon/sensor/bpf-mute.h"
#include "daemon/sensor/bpf-needed.h"
#include "daemon/sensor/bpf-reports.h"
#include "daemon/sensor/bpf-slot.h"
#include "daemon/sensor/bpf-take-over.h"
#include "daemon/sensor/select.h"
#include "util/log.h"

static size_t clients_bytes(void)
{
	return ES_CLIENTS_MAX * sizeof(struct es_sensor_client);
}

/* ---- clients ---- */

/* Clears one dead slot per turn, so that other clients' deaths and requests can come in between. */
static int reaper_ready(struct loop_source *source, uint32_t events)
{
	struct esd_bpf *s = container_of(source, struct esd_bpf, reaper);
	uint64_t count;

	(void)events;
	s->base.changed = true;
	for (uint32_t number = 0; number < ES_CLIENTS_MAX; number++) {
		if (s->slots[number].dead) {
			esd_bpf_slot_clear(s, number);
			return 0;
		}
	}
	if (esd_bpf_reports_trim(s))
		return 0;
	if (!s->clients && esd_objects_detach_one(&s->objects))
		return 0;
	(void)!read(s->reaper_fd, &count, sizeof(count));
	esd_bpf_detach(s);
	if (s->hold->trim)
		s->hold->trim(s);
	return 0;
}

static void sensor_client_remove(struct esd_sensor *sensor, unsigned int number)
{
	static const uint64_t none[ES_TYPE_WORDS];
	struct esd_bpf *s = esd_bpf_of(sensor);
	struct esd_bpf_slot *slot = &s->slots[number];

	if (!slot->used)
		return;
	esd_select_client(&s->skel->bss->control, number, none);
	s->hold->client_let_go(s, number);
	if (slot->pid)
		(void)esd_bpf_process_count(s, slot->pid, -1);
	slot->used = false;
	slot->dead = true;
	s->clients--;
	esd_bpf_reports_unwant(s);
	if (!s->clients)
		esd_bpf_missed_watch(s, false);
	esd_bpf_reap_later(s);
}

static int sensor_client_add(struct esd_sensor *sensor, unsigned int number, pid_t pid, struct esd_sensor_slot *ret)
{
	struct esd_bpf *s = esd_bpf_of(sensor);
	struct esd_bpf_slot *slot = &s->slots[number];
	int r;

	if (slot->dead)
		esd_bpf_slot_clear(s, number);
	*slot = (struct esd_bpf_slot){ .used = true, .given = ESD_BPF_SLOT_NONE };
	slot->given.fds[ES_CLIENT_FD_END] = s->base.end_fd;
	s->clients++;
	if (s->clients == 1)
		esd_bpf_missed_watch(s, true);
	r = esd_bpf_slot_owner(s, number, pid);
	if (r == 0)
		r = esd_bpf_slot_ring(s, number, slot, s->ring_bytes);
	if (r == 0)
		r = esd_bpf_slot_held(s, number, slot);
	if (r == 0)
		r = s->hold->client_add(s, number, pid);
	if (r == 0)
		r = esd_bpf_attach(s);
	if (r == 0 && s->clients == 1)
		r = esd_bpf_fill_tasks(s);
	if (r < 0) {
		sensor_client_remove(sensor, number);
		return r;
	}
	*ret = slot->given;
	return 0;
}

/* Unneeded programs are detached later: neither the client that unsubscribes nor its waiting tasks wait for that. */
static int subscribe_to(struct esd_bpf *s, unsigned int number, const uint64_t types[ES_TYPE_WORDS])
{
	struct esd_bpf_slot *slot = &s->slots[number];
	int r;

	r = s->hold->narrow(s, number, types);
	if (r < 0)
		return r;
	esd_select_client(&s->skel->bss->control, number, types);
	memcpy(slot->types, types, sizeof(slot->types));
	esd_bpf_reports_unwant(s);
	r = esd_bpf_attach(s);
	if (r < 0)
		return r;
	esd_bpf_reap_later(s);
	return s->hold->widen(s, number, types);
}

static int sensor_subscribe(struct esd_sensor *sensor, unsigned int slot, const uint64_t types[ES_TYPE_WORDS])
{
	struct esd_bpf *s = esd_bpf_of(sensor);
	uint64_t before[ES_TYPE_WORDS];
	int r;

	memcpy(before, s->slots[slot].types, sizeof(before));
	r = subscribe_to(s, slot, types);
	if (r < 0 && subscribe_to(s, slot, before) < 0)
		log_error("can't restore the subscriptions of the client in slot %u", slot);
	return r;
}

/* ---- processes and counters ---- */

static bool sensor_process_runs(struct esd_sensor *sensor, pid_t pid, uint32_t pidversion)
{
	struct esd_bpf *s = esd_bpf_of(sensor);
	const struct bpf_map *processes = s->skel->maps.processes;
	_cleanup_free_ struct es_sensor_process *process = malloc(bpf_map__value_size(processes));
	_cleanup_close_ int pidfd = pid > 0 ? pidfd_open(pid, 0) : -1;

	if (!process || pidfd < 0 || bpf_map_lookup_elem(bpf_map__fd(processes), &pidfd, process) < 0)
		return false;
	return process->pidversion == pidversion && !process->exited;
}

static void sensor_counters(struct esd_sensor *sensor, unsigned int number, struct esd_sensor_counters *ret)
{
	struct esd_bpf *s = esd_bpf_of(sensor);
	struct esd_bpf_slot *slot = &s->slots[number];
	const struct es_sensor_client *client = &sensor->clients[number];
	unsigned long consumer = __atomic_load_n(slot->ring_consumer, __ATOMIC_ACQUIRE);	/* the client's word for it */
	unsigned long used = __atomic_load_n(slot->ring_producer, __ATOMIC_ACQUIRE) - consumer;

	*ret = (struct esd_sensor_counters){
		.delivered = __atomic_load_n(&client->delivered, __ATOMIC_RELAXED),
		.lost = __atomic_load_n(&client->lost_all, __ATOMIC_RELAXED),
		.ring_used = used > s->ring_bytes ? s->ring_bytes : used,
	};
}

/* Stored with the process's first thread, and found by its pidfd. The first member, see bpf/base/maps.bpf.h. */
static uint32_t sensor_pidversion(struct esd_sensor *sensor, int pidfd)
{
	const struct bpf_map *processes = esd_bpf_of(sensor)->skel->maps.processes;
	_cleanup_free_ uint32_t *process = calloc(1, bpf_map__value_size(processes));

	if (!process || bpf_map_lookup_elem(bpf_map__fd(processes), &pidfd, process) < 0)
		return 0;
	return process[0];
}

static void sensor_stats(struct esd_sensor *sensor, struct esd_sensor_stats *ret)
{
	struct esd_bpf *s = esd_bpf_of(sensor);
	const struct es_sensor_stats *stats = &s->skel->bss->stats;

	*ret = (struct esd_sensor_stats){
		.processes = stats->processes,
		.unresolved = stats->unresolved,
		.not_held = stats->not_held,
		.missed_runs = esd_tracepoints_missed(&s->tracepoints) + esd_objects_missed(&s->objects),
	};
}

static void sensor_cache_clear(struct esd_sensor *sensor)
{
	struct esd_bpf *s = esd_bpf_of(sensor);

	if (s->hold->cache_clear)
		s->hold->cache_clear(s);
}

static void sensor_cache_info(struct esd_sensor *sensor, struct es_cache_info *ret)
{
	struct esd_bpf *s = esd_bpf_of(sensor);

	if (s->hold->cache_info)
		s->hold->cache_info(s, ret);
	else
		snprintf(ret->how, sizeof(ret->how), "none: without BPF LSM the kernel doesn't tell of every change of "
			 "a file");
}

static void sensor_slot(struct esd_sensor *sensor, unsigned int number, struct esd_sensor_slot *ret)
{
	*ret = esd_bpf_of(sensor)->slots[number].given;
}

/* ---- before a subscription ---- */

static int sensor_load(struct esd_sensor *sensor, const uint64_t types[ES_TYPE_WORDS])
{
	struct esd_bpf *s = esd_bpf_of(sensor);
	struct esd_want want;
	int r;

	r = s->hold->load ? s->hold->load(s, types) : 0;
	if (r == 0)
		r = esd_objects_load(&s->objects, types);
	if (r)
		return r;
	want = esd_bpf_want(s, types);
	r = esd_tracepoints_load(&s->tracepoints, &want);
	if (r == 0)
		r = esd_bpf_reports_load(s, types);
	if (r)
		return r;
	esd_bpf_capabilities(s, types);
	esd_bpf_reap_later(s);			/* detaches programs that were only tried, if there is no client */
	return 0;
}

static int sensor_begin(struct esd_sensor *sensor, const uint64_t types[ES_TYPE_WORDS])
{
	return esd_bpf_reports_begin(esd_bpf_of(sensor), types);
}

/* ---- the sensor ---- */

static void sensor_free(struct esd_sensor *sensor)
{
	struct esd_bpf *s = esd_bpf_of(sensor);

	if (s->tracepoints.skel) {
		esd_bpf_reports_stop(s);
		for (unsigned int slot = 0; slot < ES_CLIENTS_MAX; slot++)
			sensor_client_remove(sensor, slot);
		for (unsigned int slot = 0; slot < ES_CLIENTS_MAX; slot++)
			if (s->slots[slot].dead)
				esd_bpf_slot_clear(s, slot);
		esd_bpf_detach(s);
		esd_objects_deinit(&s->objects);
	}
	s->hold->stop(s);
	esd_accounts_deinit(&s->accounts);
	for (unsigned int i = 0; i < ES_REPORTERS; i++)
		esd_reports_deinit(&s->reports[i]);
	if (s->base.clients)
		munmap(s->base.clients, clients_bytes());
	sensor_bpf__destroy(s->skel);
	esd_programs_deinit(&s->programs);
	if (s->reaper_fd >= 0)
		loop_remove(s->loop, &s->reaper);
	closep(&s->reaper_fd);
	esd_bpf_missed_deinit(s);
	closep(&s->base.end_fd);
	free(s);
}

static const struct esd_sensor_ops sensor_ops = {
	.free = sensor_free,
	.client_add = sensor_client_add,
	.client_remove = sensor_client_remove,
	.load = sensor_load,
	.begin = sensor_begin,
	.subscribe = sensor_subscribe,
	.pidversion = sensor_pidversion,
	.mute = esd_bpf_mute,
	.mute_summary = esd_bpf_mute_summary,
	.process_runs = sensor_process_runs,
	.counters = sensor_counters,
	.stats = sensor_stats,
	.cache_clear = sensor_cache_clear,
	.cache_info = sensor_cache_info,
	.keep = esd_bpf_keep,
	.slot = sensor_slot,
};

static int clients_map(struct esd_bpf *s)
{
	int fd = bpf_map__fd(s->skel->maps.clients);
	void *clients = mmap(NULL, clients_bytes(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (clients == MAP_FAILED)
		return -errno;
	s->base.clients = clients;
	s->base.clients_fd = fd;
	return 0;
}

/* A descriptor by which clients can wait but not write, since all share one map. */
static int end_map(struct esd_bpf *s)
{
	LIBBPF_OPTS(bpf_get_fd_by_id_opts, options, .open_flags = BPF_F_RDONLY);
	struct bpf_map_info info = {};
	uint32_t size = sizeof(info);
	int r;

	r = bpf_obj_get_info_by_fd(bpf_map__fd(s->skel->maps.end), &info, &size);
	if (r == 0)
		r = s->base.end_fd = bpf_map_get_fd_by_id_opts(info.id, &options);
	if (r < 0)
		log_error("the map that tells of the daemon's end can't be opened: %s", strerror(-r));
	return r < 0 ? r : 0;
}

static int sensor_start(struct esd_bpf *s, const struct esd_sensor_config *config, const struct btf *btf)
{
	int r;

	r = esd_bpf_load(s, config->scope, btf);
	if (r < 0)
		return r;
	s->reaper_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->reaper_fd < 0)
		return -errno;
	r = loop_add(s->loop, &s->reaper, s->reaper_fd, EPOLLIN, reaper_ready);
	if (r < 0)
		return r;
	r = esd_bpf_missed_start(s);
	if (r < 0)
		return r;
	r = clients_map(s);
	if (r < 0)
		return r;
	r = end_map(s);
	if (r < 0)
		return r;
	r = s->hold->start(s, config);
	return r == 0 && s->kept ? esd_bpf_go_on(s) : r;
}

int esd_bpf_init(struct esd_bpf *s, const struct esd_hold *hold, const struct esd_sensor_config *config,
		 const struct btf *btf, const char *reason)
{
	uint64_t all[ES_TYPE_WORDS];
	int r;

	memset(all, 0xff, sizeof(all));
	s->base.ops = &sensor_ops;
	s->base.number = hold->number;
	s->hold = hold;
	s->loop = config->loop;
	s->reaper = (struct loop_source)LOOP_SOURCE_NONE;
	s->missed = (struct loop_source)LOOP_SOURCE_NONE;
	s->reaper_fd = s->missed_fd = s->base.end_fd = -1;
	s->kept = config->kept;
	s->base.keeps = hold->keep;
	s->ring_bytes = config->ring_bytes;
	s->report_folders[0] = config->accounts;
	s->report_folders[1] = config->items;
	s->bus = config->bus;
	snprintf(s->base.reason, sizeof(s->base.reason), "%s", reason);
	r = sensor_start(s, config, btf);
	if (r < 0) {
		sensor_free(&s->base);
		return r;
	}
	s->kept = NULL;
	s->told_of_users = esd_bpf_told_of_users();
	esd_bpf_capabilities(s, all);
	return 0;
}
