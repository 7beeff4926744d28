/* SPDX-License-Identifier: MIT */
#include "daemon/hold/deadline.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "daemon/sensor/event.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/macro.h"

void esd_deadline_init(struct esd_deadline *deadline, struct loop *loop, struct esd_warden *warden)
{
	*deadline = (struct esd_deadline){ .loop = loop, .warden = warden, .timer = LOOP_SOURCE_NONE, .fd = -1 };
}

void esd_deadline_deinit(struct esd_deadline *deadline)
{
	loop_remove(deadline->loop, &deadline->timer);
	closep(&deadline->fd);
	deadline->fd = -1;
}

void esd_deadline_join(struct esd_deadline *deadline, struct esd_watch *watch, const struct esd_deadline_ops *ops)
{
	deadline->clients[watch->slot] = (struct esd_deadline_client){ .watch = watch, .ops = ops };
	deadline->count++;
}

void esd_deadline_leave(struct esd_deadline *deadline, unsigned int slot)
{
	deadline->clients[slot] = (struct esd_deadline_client){};
	deadline->count--;
	esd_deadline_rearm(deadline);
}

void esd_deadline_asked(struct esd_deadline *deadline, unsigned int slot, bool asked)
{
	deadline->clients[slot].asked = asked;
	esd_deadline_rearm(deadline);
}

/* True: kill the client. */
static bool client_late(struct esd_deadline_client *client, uint64_t now_ns, uint32_t mode)
{
	struct esd_late late;
	unsigned int index = 0;

	while (esd_watch_late(client->watch, now_ns, 0, &index, &late)) {
		if (esd_watch_kills(&late, mode)) {
			client->ops->missed(client->watch, ES_NOTE_MISSED, &late, ES_MISS_KILL);
			return true;
		}
		if (esd_watch_settle(client->watch, &late, mode == ES_MISS_ALLOW))
			client->ops->missed(client->watch, ES_NOTE_MISSED, &late, mode);
	}
	return false;
}

/* True: kill the client. Then only its first unread operation is reported; the rest go on when its gate is closed. */
static bool client_stalled(struct esd_deadline_client *client, uint64_t now_ns, uint32_t mode)
{
	struct esd_watch *watch = client->watch;
	struct esd_late late = { .type = ES_EVENT_TYPES };
	uint64_t since_ns;

	if (!esd_watch_stalled(watch, now_ns, 0, &since_ns))
		return false;
	if (mode == ES_MISS_KILL) {
		(void)esd_watch_settle_unread(watch, true, &late);
		late.late_ns = now_ns - since_ns;
		client->ops->missed(watch, ES_NOTE_STALLED, &late, mode);
		return true;
	}
	for (int i = 0; i < ES_HELD_MAX && esd_watch_settle_unread(watch, mode == ES_MISS_ALLOW, &late); i++) {
		late.late_ns = now_ns - since_ns;
		client->ops->missed(watch, ES_NOTE_STALLED, &late, mode);
	}
	return false;
}

void esd_deadline_check(struct esd_deadline *deadline, uint64_t now_ns)
{
	for (unsigned int slot = 0; slot < ES_CLIENTS_MAX; slot++) {
		struct esd_deadline_client *client = &deadline->clients[slot];
		uint32_t mode;

		if (!client->watch || client->killed)
			continue;
		mode = client->watch->settings->miss_mode;
		if (client_late(client, now_ns, mode) || client_stalled(client, now_ns, mode)) {
			client->killed = true;
			client->ops->kill(client->watch);
		}
	}
}

/* Does any operation wait, or could one? Check entries too: unsubscribing doesn't answer earlier questions. */
static bool any_awaited(const struct esd_deadline *deadline)
{
	for (unsigned int slot = 0; slot < ES_CLIENTS_MAX; slot++) {
		const struct esd_deadline_client *client = &deadline->clients[slot];

		if (client->watch && (client->asked || esd_watch_any(client->watch)))
			return true;
	}
	return false;
}

static void timer_set(struct esd_deadline *deadline, uint64_t now_ns)
{
	uint64_t next = UINT64_MAX, one;
	struct itimerspec timer = {};

	for (unsigned int slot = 0; slot < ES_CLIENTS_MAX; slot++) {
		if (!deadline->clients[slot].watch)
			continue;
		one = esd_watch_next_ns(deadline->clients[slot].watch, now_ns, 0);
		if (one < next)
			next = one;
	}
	next++;				/* an answer is late only after its deadline, not at it */
	timer.it_value = (struct timespec){ .tv_sec = next / NS_PER_S, .tv_nsec = next % NS_PER_S };
	if (timerfd_settime(deadline->fd, TFD_TIMER_ABSTIME, &timer, NULL) < 0)
		log_error("can't set the timer for deadlines: %s; the warden watches them", strerror(errno));
}

static void deadline_stop(struct esd_deadline *deadline)
{
	esd_deadline_deinit(deadline);
	for (unsigned int slot = 0; slot < ES_CLIENTS_MAX; slot++)
		if (deadline->clients[slot].watch)
			esd_warden_forget(deadline->warden, slot);
}

/* Keeps the timer for a second after the last wait: a kernel program may be about to ask but have no entry yet. */
static int timer_ready(struct loop_source *source, uint32_t events)
{
	struct esd_deadline *deadline = container_of(source, struct esd_deadline, timer);
	uint64_t now = clock_ns(), ticks;

	(void)events;
	if (read(source->fd, &ticks, sizeof(ticks)) != sizeof(ticks))
		return 0;
	esd_deadline_check(deadline, now);
	if (any_awaited(deadline))
		deadline->awaited_ns = now;
	if (now - deadline->awaited_ns > NS_PER_S)
		deadline_stop(deadline);
	else
		timer_set(deadline, clock_ns());
	return 0;
}

static int timer_start(struct esd_deadline *deadline)
{
	deadline->fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (deadline->fd < 0)
		return -errno;
	return loop_add(deadline->loop, &deadline->timer, deadline->fd, EPOLLIN, timer_ready);
}

void esd_deadline_rearm(struct esd_deadline *deadline)
{
	uint64_t now = clock_ns();
	int r = 0;

	if (!deadline->count) {
		esd_deadline_deinit(deadline);
		return;
	}
	if (any_awaited(deadline))
		deadline->awaited_ns = now;
	else if (deadline->fd < 0)
		return;
	if (deadline->fd < 0)
		r = timer_start(deadline);
	if (r < 0)
		log_error("no timer for deadlines: %s; the warden watches them", strerror(-r));
	else
		timer_set(deadline, now);
}
