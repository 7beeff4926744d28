/* SPDX-License-Identifier: MIT */
#include "daemon/sensor/fake.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/sensor/event.h"
#include "util/macro.h"

static struct fake_sensor *fake_of(struct esd_sensor *sensor)
{
	return container_of(sensor, struct fake_sensor, base);
}

static void fake_client_remove(struct esd_sensor *sensor, unsigned int number)
{
	struct fake_slot *slot = &fake_of(sensor)->slots[number];

	if (!slot->used)
		return;
	for (int i = 0; i < ES_CLIENT_FDS; i++)
		closep(&slot->given.fds[i]);
	closep(&slot->gate_writer);
	memset(&fake_of(sensor)->clients[number], 0, sizeof(struct es_sensor_client));
	if (slot->held)
		munmap(slot->held, sizeof(struct es_held) * ES_HELD_MAX);
	*slot = (struct fake_slot){};
}

static int fake_client_add(struct esd_sensor *sensor, unsigned int number, pid_t pid, struct esd_sensor_slot *ret)
{
	struct fake_slot *slot = &fake_of(sensor)->slots[number];
	size_t size = sizeof(struct es_held) * ES_HELD_MAX;
	int gate[2];

	*slot = (struct fake_slot){ .used = true, .pid = pid, .gate_writer = -1,
				    .given = { .fds = { -1, -1, -1, -1, -1 }, .abort_fd = -1 } };
	fake_of(sensor)->clients[number].tgid = pid;
	for (int i = 0; i < ES_CLIENT_FDS; i++)
		if (i != ES_CLIENT_FD_GATE)
			slot->given.fds[i] = memfd_create("fake", MFD_CLOEXEC);
	if (pipe2(gate, O_CLOEXEC | O_NONBLOCK) < 0 || ftruncate(slot->given.fds[ES_CLIENT_FD_HELD], size) < 0) {
		fake_client_remove(sensor, number);
		return -ENFILE;
	}
	slot->given.fds[ES_CLIENT_FD_GATE] = gate[0];
	slot->gate_writer = gate[1];
	slot->held = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, slot->given.fds[ES_CLIENT_FD_HELD], 0);
	slot->given.held = slot->held;
	*ret = slot->given;
	return 0;
}

static int fake_load(struct esd_sensor *sensor, const uint64_t types[ES_TYPE_WORDS])
{
	struct fake_sensor *fake = fake_of(sensor);

	if (fake->load_fails)
		return -TAKE(fake->load_fails, 0);
	if (fake->load_steps)
		return fake->load_steps--, 1;
	for (unsigned int type = 0; type < ES_EVENT_TYPES; type++)
		if (esd_types_has(types, type) && esd_types_has(fake->load_refuses, type))
			sensor->capabilities[type].capability = ES_CAN_NOT;
	return 0;
}

static int fake_subscribe(struct esd_sensor *sensor, unsigned int slot, const uint64_t types[ES_TYPE_WORDS])
{
	struct fake_sensor *fake = fake_of(sensor);

	if (fake->subscribe_fails)
		return -TAKE(fake->subscribe_fails, 0);
	memcpy(fake->slots[slot].types, types, sizeof(fake->slots[slot].types));
	return 0;
}

static uint32_t fake_pidversion(struct esd_sensor *sensor, int pidfd)
{
	(void)sensor;
	return pidfd < 0 ? 0 : FAKE_PIDVERSION;
}

/* An entry without an id is a new one. */
static int fake_mute(struct esd_sensor *sensor, unsigned int slot, const struct esd_mute *mute,
		     const uint64_t types[ES_TYPE_WORDS], const uint64_t defaults[ES_TYPE_WORDS])
{
	struct fake_sensor *fake = fake_of(sensor);
	bool some = types[0] | types[1] | types[2];

	memcpy(fake->defaults, defaults, sizeof(fake->defaults));
	if (some && !mute->id && fake->slots[slot].mutes >= fake->mutes_max)
		return EDQUOT;
	fake->slots[slot].mutes += some && !mute->id;
	fake->slots[slot].mutes -= !some;
	return 0;
}

static void fake_mute_summary(struct esd_sensor *sensor, unsigned int slot, const struct esd_mute_summary *summary)
{
	fake_of(sensor)->slots[slot].summary = *summary;
}

static bool fake_process_runs(struct esd_sensor *sensor, pid_t pid, uint32_t pidversion)
{
	(void)pidversion;
	return pid != fake_of(sensor)->ended;
}

static void fake_counters(struct esd_sensor *sensor, unsigned int slot, struct esd_sensor_counters *ret)
{
	*ret = fake_of(sensor)->slots[slot].counters;
}

static void fake_stats(struct esd_sensor *sensor, struct esd_sensor_stats *ret)
{
	(void)sensor;
	*ret = (struct esd_sensor_stats){ .processes = 3 };
}

static void fake_cache_clear(struct esd_sensor *sensor)
{
	fake_of(sensor)->cache_cleared++;
}

static void fake_cache_info(struct esd_sensor *sensor, struct es_cache_info *ret)
{
	*ret = (struct es_cache_info){ .entries = 5, .room = 8, .cleared = fake_of(sensor)->cache_cleared };
}

static void fake_free(struct esd_sensor *sensor)
{
	for (unsigned int slot = 0; slot < ES_CLIENTS_MAX; slot++)
		fake_client_remove(sensor, slot);
	fake_of(sensor)->freed = true;
}

static const struct esd_sensor_ops fake_ops = {
	.free = fake_free,
	.client_add = fake_client_add,
	.client_remove = fake_client_remove,
	.load = fake_load,
	.subscribe = fake_subscribe,
	.pidversion = fake_pidversion,
	.mute = fake_mute,
	.mute_summary = fake_mute_summary,
	.process_runs = fake_process_runs,
	.counters = fake_counters,
	.stats = fake_stats,
	.cache_clear = fake_cache_clear,
	.cache_info = fake_cache_info,
};

void fake_sensor_init(struct fake_sensor *fake)
{
	struct es_capability_info *capabilities = fake->base.capabilities;

	*fake = (struct fake_sensor){ .base.ops = &fake_ops, .base.gate_queues = true, .base.reason = "a test",
				      .mutes_max = UINT_MAX };
	fake->base.clients = fake->clients;
	fake->base.clients_fd = fake->base.end_fd = -1;
	for (unsigned int type = 0; type < ES_EVENT_TYPES; type++)
		capabilities[type].capability = ES_CAN_DELIVER;
	capabilities[ESD_AUTH_OPEN].capability = ES_CAN_HOLD;
	capabilities[ESD_AUTH_EXEC].capability = ES_CAN_HOLD;
	capabilities[ESD_AUTH_UNLINK].capability = ES_CAN_NOT;
	capabilities[ESD_NOTIFY_IOKIT_OPEN].capability = ES_CAN_NEVER_HAPPEN;
}
