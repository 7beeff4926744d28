/* SPDX-License-Identifier: MIT */
#include "daemon/serve/daemon.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "daemon/sensor/event.h"
#include "util/clock.h"
#include "util/macro.h"

int esd_daemon_init(struct esd_daemon *daemon)
{
	*daemon = (struct esd_daemon){ .started_ns = clock_ns(), .warden = ESD_WARDEN_NONE,
				       .warden_source = LOOP_SOURCE_NONE, .again_source = LOOP_SOURCE_NONE };
	TAILQ_INIT(&daemon->anonymous);
	TAILQ_INIT(&daemon->promoted);
	TAILQ_INIT(&daemon->again);
	esd_scope_init(&daemon->scope);
	esd_deadline_init(&daemon->deadline, &daemon->loop, &daemon->warden);
	daemon->again_fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
	if (daemon->again_fd < 0)
		return -errno;
	return loop_init(&daemon->loop);
}

void esd_daemon_deinit(struct esd_daemon *daemon)
{
	daemon->identity = esd_identity_free(daemon->identity);
	esd_sensor_freep(&daemon->sensor);
	daemon->sensor = NULL;
	esd_deadline_deinit(&daemon->deadline);
	esd_scope_deinit(&daemon->scope);
	esd_access_deinit(&daemon->access);
	loop_remove(&daemon->loop, &daemon->warden_source);
	esd_warden_end(&daemon->warden);
	closep(&daemon->again_fd);
	loop_deinit(&daemon->loop);
}

/* ---- notes ---- */

static const char *outcome(const struct es_note_info *note)
{
	static const char *const outcomes[ES_MISS_MODES] = {
		[ES_MISS_KILL] = "killed, and the operation goes on",
		[ES_MISS_DENY] = "the operation is denied",
		[ES_MISS_ALLOW] = "the operation goes on",
	};

	return outcomes[note->outcome < ES_MISS_MODES ? note->outcome : 0];
}

static const char *refusal(int error)
{
	switch (error) {
	case EPERM:
		return "it isn't root";
	case ENOKEY:
		return "no file in clients.d names it";
	case EACCES:
		return "a file in clients.d says it may not";
	case EUSERS:
		return "there are as many clients as can be";
	default:
		return strerror(error);
	}
}

static void late_text(char text[32], uint64_t ns)
{
	if (ns < NS_PER_MS)
		snprintf(text, 32, "less than 1 ms");
	else
		snprintf(text, 32, "%" PRIu64 " ms", ns / NS_PER_MS);
}

static void log_missed(struct esd_daemon *daemon, const struct es_note_info *note, const char *executable,
		       const char *path)
{
	const char *type = note->type < ES_EVENT_TYPES ? esd_events[note->type].name : "an operation";
	const char *warden = note->by_warden ? " (seen to by the warden, since the daemon hung, or was busy)" : "";
	char late[32];
	struct log_limit unlimited = {};
	/* No limit for kills: a client is killed only once, but one that lives can be late again and again. */
	struct log_limit *limit = note->outcome == ES_MISS_KILL ? &unlimited : &daemon->misses;

	late_text(late, note->late_ns);
	if (!path[0])
		path = "something";
	if (note->kind == ES_NOTE_MISSED)
		log_limited(limit, LOG_LEVEL_WARNING,
			    "pid %d (%s) missed the deadline of %s of %s by pid %d (thread %d) by %s: %s%s",
			    note->pid, executable, type, path, note->op_pid, note->op_tid, late, outcome(note),
			    warden);
	else
		log_limited(limit, LOG_LEVEL_WARNING,
			    "pid %d (%s) has not looked at what waits for it for %s, "
			    "%s of %s by thread %d: %s%s", note->pid, executable, late, type, path, note->op_tid,
			    outcome(note), warden);
}

void esd_daemon_note(struct esd_daemon *daemon, const struct es_note_info *note)
{
	char executable[sizeof(note->executable)], path[sizeof(note->path)];

	esd_notes_add(&daemon->notes, note);
	esd_text_clean(executable, sizeof(executable), note->executable);
	esd_text_clean(path, sizeof(path), note->path);
	switch ((enum es_note_kind)note->kind) {
	case ES_NOTE_CAME:
		log_debug("client: pid %d, %s", note->pid, executable);
		break;
	case ES_NOTE_WENT:
		log_debug("client gone: pid %d, %s", note->pid, executable);
		break;
	case ES_NOTE_REFUSED:
		log_limited(&daemon->refusals, LOG_LEVEL_NOTICE, "pid %d (%s) may not be a client: %s", note->pid,
			    executable, refusal(note->error));
		break;
	case ES_NOTE_MISSED:
	case ES_NOTE_STALLED:
		log_missed(daemon, note, executable, path);
		break;
	case ES_NOTE_BROKEN:
		log_warning("pid %d (%s) is disconnected", note->pid, executable);
		break;
	case ES_NOTE_LIST:
		break;			/* the reader of the list has logged it */
	}
}

/* ---- the warden ---- */

static int warden_ready(struct loop_source *source, uint32_t events)
{
	struct esd_daemon *daemon = container_of(source, struct esd_daemon, warden_source);
	struct es_note_info note;
	int r = esd_warden_hear(&daemon->warden, &note);

	(void)events;
	if (r > 0)
		esd_daemon_note(daemon, &note);
	if (r >= 0)
		return 0;
	log_error("the warden process has ended: if this daemon hangs or is killed while a client is stopped, what waits "
		  "for the client waits until it is continued; restart the daemon");
	loop_remove(&daemon->loop, source);
	esd_warden_end(&daemon->warden);
	return 0;
}

int esd_daemon_start_warden(struct esd_daemon *daemon)
{
	int r = esd_warden_start(&daemon->warden);

	if (r < 0)
		return r;
	return loop_add(&daemon->loop, &daemon->warden_source, daemon->warden.fd, EPOLLIN, warden_ready);
}
