/* SPDX-License-Identifier: MIT */
#include "daemon/hold/deadline.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "daemon/sensor/event.h"
#include "daemon/serve/client.h"
#include "daemon/serve/daemon.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/macro.h"

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

static void tell(struct esd_client *client, enum es_note_kind kind, const struct esd_late *late, uint32_t mode)
{
	struct es_note_info note = {
		.kind = kind,
		.pid = client->pid,
		.outcome = mode,
		.type = late->type,
		.op_pid = late->tgid,
		.op_tid = late->tid,
		.late_ns = late->late_ns,
	};

	client->missed++;
	memcpy(note.executable, client->executable, sizeof(note.executable));
	memcpy(note.path, late->path, sizeof(late->path));
	esd_daemon_note(client->daemon, &note);
}

/* True: it is to be killed. */
static bool client_late(struct esd_client *client, uint64_t now_ns, uint32_t mode)
{
	struct esd_late late;
	unsigned int index = 0;

	while (esd_watch_late(&client->watch, now_ns, 0, &index, &late)) {
		if (esd_watch_kills(&late, mode)) {
			tell(client, ES_NOTE_MISSED, &late, ES_MISS_KILL);
			return true;
		}
		if (esd_watch_settle(&client->watch, &late, mode == ES_MISS_ALLOW))
			tell(client, ES_NOTE_MISSED, &late, mode);
	}
	return false;
}

/* Who is killed has only the first one named: the rest goes on with its gate's end. */
static bool client_stalled(struct esd_client *client, uint64_t now_ns, uint32_t mode)
{
	struct esd_watch *watch = &client->watch;
	struct esd_late late = { .type = ES_EVENT_TYPES };
	uint64_t since_ns;

	if (!esd_watch_stalled(watch, now_ns, 0, &since_ns))
		return false;
	if (mode == ES_MISS_KILL) {
		(void)esd_watch_settle_unread(watch, true, &late);
		late.late_ns = now_ns - since_ns;
		tell(client, ES_NOTE_STALLED, &late, mode);
		return true;
	}
	for (int i = 0; i < ES_HELD_MAX && esd_watch_settle_unread(watch, mode == ES_MISS_ALLOW, &late); i++) {
		late.late_ns = now_ns - since_ns;
		tell(client, ES_NOTE_STALLED, &late, mode);
	}
	return false;
}

void esd_deadline_check(struct esd_daemon *daemon, uint64_t now_ns)
{
	for (unsigned int slot = 0; slot < ES_CLIENTS_MAX; slot++) {
		struct esd_client *client = daemon->clients[slot];
		uint32_t mode;

		if (!client)
			continue;
		mode = client->watch.settings->miss_mode;
		if (client_late(client, now_ns, mode) || client_stalled(client, now_ns, mode))
			esd_client_kill(client);
	}
}

/* Does anything wait, or could it? An unsubscription doesn't answer what was asked before. */
static bool any_awaited(const struct esd_daemon *daemon)
{
	for (unsigned int slot = 0; slot < ES_CLIENTS_MAX; slot++) {
		const struct esd_client *client = daemon->clients[slot];

		if (client && (esd_types_auth(client->types) || esd_watch_any(&client->watch)))
			return true;
	}
	return false;
}

static void timer_set(struct esd_daemon *daemon, uint64_t now_ns)
{
	uint64_t next = UINT64_MAX, one;
	struct itimerspec timer = {};

	for (unsigned int slot = 0; slot < ES_CLIENTS_MAX; slot++) {
		if (!daemon->clients[slot])
			continue;
		one = esd_watch_next_ns(&daemon->clients[slot]->watch, now_ns, 0);
		if (one < next)
			next = one;
	}
	next++;				/* a deadline is missed when it is over */
	timer.it_value = (struct timespec){ .tv_sec = next / NS_PER_S, .tv_nsec = next % NS_PER_S };
	if (timerfd_settime(daemon->deadline.fd, TFD_TIMER_ABSTIME, &timer, NULL) < 0)
		log_error("can't set the timer for deadlines: %s; the warden watches them", strerror(errno));
}

static void deadline_stop(struct esd_daemon *daemon)
{
	esd_deadline_deinit(&daemon->deadline, &daemon->loop);
	for (unsigned int slot = 0; slot < ES_CLIENTS_MAX; slot++)
		if (daemon->clients[slot])
			esd_warden_forget(&daemon->warden, slot);
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
	if (now - deadline->awaited_ns > NS_PER_S)
		deadline_stop(daemon);
	else
		timer_set(daemon, clock_ns());
	return 0;
}

static int timer_start(struct esd_daemon *daemon)
{
	struct esd_deadline *deadline = &daemon->deadline;

	deadline->fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (deadline->fd < 0)
		return -errno;
	return loop_add(&daemon->loop, &deadline->timer, deadline->fd, EPOLLIN, timer_ready);
}

void esd_deadline_rearm(struct esd_daemon *daemon)
{
	struct esd_deadline *deadline = &daemon->deadline;
	uint64_t now = clock_ns();
	int r = 0;

	if (!daemon->client_count) {
		esd_deadline_deinit(deadline, &daemon->loop);
		return;
	}
	if (any_awaited(daemon))
		deadline->awaited_ns = now;
	else if (deadline->fd < 0)
		return;
	if (deadline->fd < 0)
		r = timer_start(daemon);
	if (r < 0)
		log_error("no timer for deadlines: %s; the warden watches them", strerror(-r));
	else
		timer_set(daemon, now);
}
