/* SPDX-License-Identifier: MIT */
#include "daemon/serve/status.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/serve/client.h"
#include "daemon/serve/daemon.h"
#include "util/clock.h"

static uint64_t client_waiting(const struct esd_client *client)
{
	uint64_t waiting = 0;

	for (unsigned int i = 0; i < ES_HELD_MAX; i++) {
		const struct es_held *entry = &client->given.held[i];

		waiting += __atomic_load_n(&entry->auth_id, __ATOMIC_RELAXED) &&
			   __atomic_load_n(&entry->deadline_ns, __ATOMIC_RELAXED);
	}
	return waiting;
}

static void client_tell(const struct esd_client *client, struct es_client_info *ret)
{
	struct esd_sensor *sensor = client->daemon->sensor;
	struct esd_sensor_counters counters = {};

	sensor->ops->counters(sensor, client->slot, &counters);
	memset(ret, 0, sizeof(*ret));
	ret->slot = client->slot;
	ret->pid = client->pid;
	memcpy(ret->types, client->types, sizeof(ret->types));
	ret->delivered = counters.delivered;
	ret->lost = counters.lost;
	ret->waiting = client_waiting(client);
	ret->ring_bytes = client->daemon->ring_bytes;
	ret->ring_used = counters.ring_used;
	ret->missed = client->missed;
	memcpy(ret->executable, client->executable, sizeof(ret->executable));
}

unsigned int esd_status_clients(const struct esd_daemon *daemon, struct es_client_info ret[ES_CLIENTS_MAX])
{
	unsigned int count = 0;

	for (unsigned int slot = 0; slot < ES_CLIENTS_MAX; slot++)
		if (daemon->clients[slot])
			client_tell(daemon->clients[slot], &ret[count++]);
	return count;
}

static void identity_tell(struct esd_identity *identity, struct es_status_info *ret)
{
	struct esd_identity_stats stats;

	if (!identity)
		return;
	esd_identity_stats(identity, &stats);
	ret->identity = stats.started ? ES_IDENTITY_ON : ES_IDENTITY_IDLE;
	ret->identity_known = stats.known;
	ret->identity_pending = stats.pending;
	ret->identity_not = stats.not_known;
	ret->identity_dropped = stats.dropped;
	ret->identity_bytes = stats.read_bytes;
	ret->identity_files = stats.database_files;
}

void esd_status_daemon(const struct esd_daemon *daemon, struct es_status_info *ret)
{
	struct esd_sensor *sensor = daemon->sensor;
	struct esd_sensor_stats stats = {};

	sensor->ops->stats(sensor, &stats);
	memset(ret, 0, sizeof(*ret));
	ret->sensor = sensor->number;
	ret->pid = getpid();
	ret->is_private = daemon->is_private;
	ret->clients = daemon->client_count;
	ret->started_ns = daemon->started_ns;
	ret->processes = stats.processes;
	ret->deadline_ns = daemon->limits.deadline_ms * NS_PER_MS;
	ret->unresolved = stats.unresolved;
	ret->missed_runs = stats.missed_runs;
	ret->not_held = stats.not_held;
	identity_tell(daemon->identity, ret);
	snprintf(ret->sensor_reason, sizeof(ret->sensor_reason), "%s", sensor->reason);
	snprintf(ret->scope, sizeof(ret->scope), "%s", daemon->scope.text);
}
