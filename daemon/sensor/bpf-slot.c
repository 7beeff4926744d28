/* SPDX-License-Identifier: MIT */
#include "daemon/sensor/bpf-slot.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "util/macro.h"

int esd_bpf_process_count(struct esd_bpf *s, uint32_t pid, int change)
{
	int fd = bpf_map__fd(s->skel->maps.client_processes);
	uint32_t count = 0;

	(void)bpf_map_lookup_elem(fd, &pid, &count);
	count += change;
	return count ? bpf_map_update_elem(fd, &pid, &count, BPF_ANY) : bpf_map_delete_elem(fd, &pid);
}

int esd_bpf_slot_owner(struct esd_bpf *s, uint32_t number, pid_t pid)
{
	int r;

	s->base.clients[number] = (struct es_sensor_client){ .tgid = pid };
	r = esd_bpf_process_count(s, pid, 1);
	if (r == 0)
		s->slots[number].pid = pid;
	return r;
}

static int ring_map(struct esd_bpf_slot *slot)
{
	long page = sysconf(_SC_PAGESIZE);
	char *pages = mmap(NULL, 2 * page, PROT_READ, MAP_SHARED, slot->given.fds[ES_CLIENT_FD_RING], 0);

	if (pages == MAP_FAILED)
		return -errno;
	slot->ring_consumer = (unsigned long *)pages;
	slot->ring_producer = (unsigned long *)(pages + page);
	return 0;
}

int esd_bpf_slot_ring(struct esd_bpf *s, uint32_t number, struct esd_bpf_slot *slot, uint32_t bytes)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "es_ring", 0, 0, bytes, NULL), r;

	if (fd < 0)
		return fd;
	slot->given.fds[ES_CLIENT_FD_RING] = fd;
	r = ring_map(slot);
	return r < 0 ? r : bpf_map_update_elem(bpf_map__fd(s->skel->maps.rings), &number, &fd, BPF_ANY);
}

static int held_map(struct esd_bpf_slot *slot)
{
	void *held = mmap(NULL, ES_HELD_MAX * sizeof(struct es_held), PROT_READ | PROT_WRITE, MAP_SHARED,
			  slot->given.fds[ES_CLIENT_FD_HELD], 0);

	if (held == MAP_FAILED)
		return -errno;
	slot->given.held = held;
	return 0;
}

int esd_bpf_slot_map(struct esd_bpf_slot *slot)
{
	int r = ring_map(slot);

	return r < 0 ? r : held_map(slot);
}

int esd_bpf_slot_held(struct esd_bpf *s, uint32_t number, struct esd_bpf_slot *slot)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
	int fd, r;

	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "es_held", sizeof(uint32_t), sizeof(struct es_held), ES_HELD_MAX,
			    &options);
	if (fd < 0)
		return fd;
	slot->given.fds[ES_CLIENT_FD_HELD] = fd;
	r = held_map(slot);
	return r < 0 ? r : bpf_map_update_elem(bpf_map__fd(s->skel->maps.held), &number, &fd, BPF_ANY);
}

void esd_bpf_slot_clear(struct esd_bpf *s, uint32_t number)
{
	struct esd_bpf_slot *slot = &s->slots[number];

	s->hold->client_clear(s, number);
	(void)bpf_map_delete_elem(bpf_map__fd(s->skel->maps.rings), &number);
	(void)bpf_map_delete_elem(bpf_map__fd(s->skel->maps.held), &number);
	memset(&s->base.clients[number], 0, sizeof(s->base.clients[number]));
	if (slot->ring_consumer)
		munmap((void *)slot->ring_consumer, 2 * sysconf(_SC_PAGESIZE));
	if (slot->given.held)
		munmap(slot->given.held, ES_HELD_MAX * sizeof(struct es_held));
	closep(&slot->given.fds[ES_CLIENT_FD_RING]);
	closep(&slot->given.fds[ES_CLIENT_FD_HELD]);
	*slot = (struct esd_bpf_slot){};
}
