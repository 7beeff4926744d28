/* SPDX-License-Identifier: MIT */
#include "daemon/sensor/bpf-missed.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "util/macro.h"

/* Counts the events as lost for all subscribers of the type, although not all of them may have been selected. */
static void count_missed(void *owner, unsigned int type, uint64_t count)
{
	struct esd_bpf *s = owner;
	uint64_t slots = s->skel->bss->control.subscribers[type];

	for (unsigned int slot = 0; slot < ES_CLIENTS_MAX; slot++) {
		if (!(slots >> slot & 1))
			continue;
		__atomic_fetch_add(&s->base.clients[slot].lost[type], count, __ATOMIC_RELAXED);
		__atomic_fetch_add(&s->base.clients[slot].lost_all, count, __ATOMIC_RELAXED);
	}
}

static int missed_ready(struct loop_source *source, uint32_t events)
{
	struct esd_bpf *s = container_of(source, struct esd_bpf, missed);
	uint64_t count;

	(void)events;
	(void)!read(s->missed_fd, &count, sizeof(count));
	esd_objects_missed_since(&s->objects, count_missed, s);
	esd_tracepoints_missed_since(&s->tracepoints, count_missed, s);
	return 0;
}

void esd_bpf_missed_watch(struct esd_bpf *s, bool watch)
{
	const struct itimerspec timer = { .it_interval = { watch, 0 }, .it_value = { watch, 0 } };

	(void)timerfd_settime(s->missed_fd, 0, &timer, NULL);
}

int esd_bpf_missed_start(struct esd_bpf *s)
{
	s->missed_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	return s->missed_fd < 0 ? -errno : loop_add(s->loop, &s->missed, s->missed_fd, EPOLLIN, missed_ready);
}

void esd_bpf_missed_deinit(struct esd_bpf *s)
{
	if (s->missed_fd >= 0)
		loop_remove(s->loop, &s->missed);
	closep(&s->missed_fd);
}
