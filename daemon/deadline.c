/* SPDX-License-Identifier: MIT */
#include "daemon/deadline.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "daemon/client.h"
#include "daemon/daemon.h"
#include "daemon/event.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/macro.h"

#define CHECK_EVERY_NS (50 * NS_PER_MS)

void esd_deadline_init(struct esd_deadline *deadline)
{
	*deadline = (struct esd_deadline){ .timer = LOOP_SOURCE_NONE, .fd = -1 };
}

void esd_deadline_deinit(struct esd_deadline *deadline, struct loop *loop)
{
	loop_remove(loop, &deadline->timer);
	closep(&deadline->fd);
	deadline->fd = -1;
}

/* An entry that is late, copied, and seen twice with the same id: the client may answer it while we look. */
static bool entry_late(const struct es_held *entry, uint64_t now_ns, struct es_held *ret)
{
	uint64_t id = __atomic_load_n(&entry->auth_id, __ATOMIC_ACQUIRE);

	if (!id)
		return false;
	ret->deadline_ns = __atomic_load_n(&entry->deadline_ns, __ATOMIC_ACQUIRE);
	ret->tid = __atomic_load_n(&entry->tid, __ATOMIC_ACQUIRE);
	ret->type = __atomic_load_n(&entry->type, __ATOMIC_ACQUIRE);
	if (!ret->deadline_ns || ret->deadline_ns >= now_ns)
		return false;
	return __atomic_load_n(&entry->auth_id, __ATOMIC_RELAXED) == id;
}

/* Does anything wait, or could it? An unsubscription doesn't answer what was asked before. */
static bool client_awaited(const struct esd_client *client)
{
	if (esd_types_auth(client->types))
		return true;
	for (unsigned int i = 0; i < ES_HELD_MAX; i++)
		if (__atomic_load_n(&client->given.held[i].auth_id, __ATOMIC_RELAXED))
			return true;
	return false;
}

static bool client_missed(struct esd_client *client, uint64_t now_ns)
{
	struct es_held late;

	for (unsigned int i = 0; i < ES_HELD_MAX; i++) {
		if (!entry_late(&client->given.held[i], now_ns, &late))
			continue;
		log_limited(&client->daemon->misses, LOG_LEVEL_WARNING,
			    "pid %d (%s) missed the deadline of %s for thread %u by %" PRIu64 " ms: killed",
			    client->pid, client->executable,
			    late.type < ES_EVENT_TYPES ? esd_events[late.type].name : "an event", late.tid,
			    (uint64_t)((now_ns - late.deadline_ns) / NS_PER_MS));
		return true;
	}
	return false;
}

/* Does it leave its gate alone now? */
static bool gate_untouched(struct esd_client *client, uint64_t *ret_asked, int *ret_queued)
{
	struct pollfd gate = { .fd = client->given.fds[ES_CLIENT_FD_GATE], .events = POLLIN };
	struct esd_sensor_counters counters;

	if (!client->daemon->sensor->gate_queues || poll(&gate, 1, 0) != 1 || !(gate.revents & POLLIN))
		return false;
	if (ioctl(gate.fd, FIONREAD, ret_queued) < 0)
		return false;
	client->daemon->sensor->ops->counters(client->daemon->sensor, client->slot, &counters);
	*ret_asked = counters.asked;
	return true;
}

static bool client_stalled(struct esd_client *client, uint64_t now_ns)
{
	struct esd_deadline_watch *watch = &client->watch;
	uint64_t asked = 0;
	int queued = 0;

	if (!gate_untouched(client, &asked, &queued)) {
		watch->since_ns = 0;
		return false;
	}
	if (!watch->since_ns || asked != watch->asked || queued < watch->queued)
		*watch = (struct esd_deadline_watch){ .since_ns = now_ns, .asked = asked };
	watch->queued = queued;
	if (now_ns - watch->since_ns <= client->daemon->deadline_ns)
		return false;
	log_limited(&client->daemon->misses, LOG_LEVEL_WARNING,
		    "pid %d (%s) has not looked at what waits for it for %" PRIu64 " ms: killed", client->pid,
		    client->executable, (uint64_t)((now_ns - watch->since_ns) / NS_PER_MS));
	return true;
}

void esd_deadline_check(struct esd_daemon *daemon, uint64_t now_ns)
{
	for (unsigned int slot = 0; slot < ES_CLIENTS_MAX; slot++) {
		struct esd_client *client = daemon->clients[slot];

		if (!client)
			continue;
		if (client_missed(client, now_ns) || client_stalled(client, now_ns))
			esd_client_kill(client);
	}
}

static bool any_awaited(const struct esd_daemon *daemon)
{
	for (unsigned int slot = 0; slot < ES_CLIENTS_MAX; slot++)
		if (daemon->clients[slot] && client_awaited(daemon->clients[slot]))
			return true;
	return false;
}

/* It goes on for a second more: a kernel program that was about to ask may not have said so yet. */
static int timer_ready(struct loop_source *source, uint32_t events)
{
	struct esd_daemon *daemon = container_of(source, struct esd_daemon, deadline.timer);
	struct esd_deadline *deadline = &daemon->deadline;
	uint64_t now = clock_ns(), ticks;

	(void)events;
	if (read(source->fd, &ticks, sizeof(ticks)) != sizeof(ticks))
		return 0;
	esd_deadline_check(daemon, now);
	if (deadline->fd < 0)			/* that was the last client */
		return 0;
	if (any_awaited(daemon))
		deadline->awaited_ns = now;
	else if (now - deadline->awaited_ns > NS_PER_S)
		esd_deadline_deinit(deadline, &daemon->loop);
	return 0;
}

static int timer_start(struct esd_daemon *daemon)
{
	struct itimerspec every = { .it_interval.tv_nsec = CHECK_EVERY_NS, .it_value.tv_nsec = CHECK_EVERY_NS };
	struct esd_deadline *deadline = &daemon->deadline;

	deadline->awaited_ns = clock_ns();
	deadline->fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (deadline->fd < 0 || timerfd_settime(deadline->fd, 0, &every, NULL) < 0)
		return -errno;
	return loop_add(&daemon->loop, &deadline->timer, deadline->fd, EPOLLIN, timer_ready);
}

void esd_deadline_rearm(struct esd_daemon *daemon)
{
	struct esd_deadline *deadline = &daemon->deadline;
	int r;

	if (!daemon->client_count) {
		esd_deadline_deinit(deadline, &daemon->loop);
		return;
	}
	if (deadline->fd >= 0 || !any_awaited(daemon))
		return;
	r = timer_start(daemon);
	if (r < 0)
		log_error("no timer for deadlines: %s; they are not watched", strerror(-r));
}
