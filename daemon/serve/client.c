/* SPDX-License-Identifier: MIT */
#include "daemon/serve/client.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/sensor/event.h"
#include "daemon/serve/daemon.h"
#include "daemon/serve/peer.h"
#include "util/archive.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/macro.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

enum {
	CLEARS_PER_SECOND = 10,
	GROUPS_MAX = 1024,		/* a process's further groups are ignored */
};

/*
 * The process that connected. Before Linux 6.5 we must find it by its number. Another process has that number only if
 * the peer has died. Then the connection is closed, unless the peer passed it on, which is its own mistake.
 */
static int peer_pidfd(const struct esd_peer *peer)
{
	socklen_t size = sizeof(int);
	int fd = -1;

	if (peer->pid <= 0)	/* in a pid namespace that isn't below ours */
		return -ESRCH;
	if (getsockopt(peer->fd, SOL_SOCKET, SO_PEERPIDFD, &fd, &size) == 0)
		return fd;
	fd = pidfd_open(peer->pid, 0);
	return fd < 0 ? -errno : fd;
}

static void client_end(struct esd_client *client)
{
	client->ended = true;
	client->daemon->any_ended = true;
}

static int client_died(struct loop_source *source, uint32_t events)
{
	struct esd_client *client = container_of(source, struct esd_client, death);

	(void)events;
	loop_remove(&client->daemon->loop, source);
	client_end(client);
	return 0;
}

/* The path of its program; empty if the process is gone. A program that was replaced keeps its path. */
static void executable_read(const struct esd_client *client, char *path, size_t size)
{
	static const char deleted[] = " (deleted)";
	char link[32];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/%d/exe", client->pid);
	n = readlink(link, path, size - 1);
	if (n < 0 || pidfd_send_signal(client->pidfd, 0, NULL, 0) < 0)
		n = 0;
	path[n] = 0;
	if (n > (ssize_t)strlen(deleted) && !strcmp(path + n - strlen(deleted), deleted))
		path[n - strlen(deleted)] = 0;
}

static bool same_file(const char *a, const char *b)
{
	struct stat one, other;

	return stat(a, &one) == 0 && stat(b, &other) == 0 && one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

/*
 * A path in clients.d is one of the daemon's mount namespace. A process in another one may have mounted anything at
 * that path. So its program must be the very file that the daemon finds there.
 */
static bool path_is_ours(const struct esd_peer *peer, const char *path)
{
	char space[32], link[32];

	snprintf(space, sizeof(space), "/proc/%d/ns/mnt", peer->pid);
	snprintf(link, sizeof(link), "/proc/%d/exe", peer->pid);
	return same_file(space, "/proc/self/ns/mnt") || same_file(link, path);
}

/* Writes the client's deadlines to where the kernel programs read them. */
static void deadlines_apply(struct esd_client *client)
{
	struct es_sensor_client *settings = client->watch.settings;

	for (unsigned int type = 0; type < ES_EVENT_TYPES; type++)
		__atomic_store_n(&settings->deadline_ms[type],
				 esd_limits_ms(&client->daemon->limits, &client->deadlines, type), __ATOMIC_RELAXED);
	esd_deadline_rearm(&client->daemon->deadline);
}

static void client_note(struct esd_client *client, enum es_note_kind kind, int error)
{
	struct es_note_info note = { .kind = kind, .pid = client->pid, .error = error, .type = ES_EVENT_TYPES };

	memcpy(note.executable, client->executable, sizeof(note.executable));
	esd_daemon_note(client->daemon, &note);
}

static void client_missed(struct esd_watch *watch, enum es_note_kind kind, const struct esd_late *late, uint32_t mode)
{
	struct esd_client *client = container_of(watch, struct esd_client, watch);
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

static void client_kill(struct esd_watch *watch)
{
	struct esd_client *client = container_of(watch, struct esd_client, watch);

	if (pidfd_send_signal(client->pidfd, SIGKILL, NULL, 0) < 0 && errno != ESRCH)
		log_error("can't kill pid %d: %s; what waits for it is let go all the same", client->pid,
			  strerror(errno));
	client_end(client);
}

static const struct esd_deadline_ops deadline_ops = { .missed = client_missed, .kill = client_kill };

static void client_settings(struct esd_client *client)
{
	struct esd_sensor *sensor = client->daemon->sensor;

	client->watch = (struct esd_watch){
		.sensor = sensor->number,
		.queues = sensor->gate_queues,
		.bit = ES_OUTSIDE_DAEMON,
		.slot = client->slot,
		.gate_fd = client->given.fds[ES_CLIENT_FD_GATE],
		.ask_fd = sensor->number == ES_SENSOR_TRACEPOINT ? client->given.fds[ES_CLIENT_FD_ASK] : -1,
		.abort_fd = client->given.abort_fd,
		.held = client->given.held,
		.settings = &sensor->clients[client->slot],
	};
	esd_deadline_join(&client->daemon->deadline, &client->watch, &deadline_ops);
	deadlines_apply(client);
}

static int slot_take(struct esd_client *client)
{
	struct esd_daemon *daemon = client->daemon;
	unsigned int slot = 0;
	int r;

	while (slot < ES_CLIENTS_MAX && (daemon->clients[slot] || daemon->sensor->own_slots >> slot & 1))
		slot++;
	if (slot == ES_CLIENTS_MAX)
		return EUSERS;
	r = daemon->sensor->ops->client_add(daemon->sensor, slot, client->pid, &client->given);
	if (r < 0) {
		log_error("can't make what a client needs (pid %d, %s): %s", client->pid, client->executable,
			  strerror(-r));
		return r;
	}
	client->slot = slot;
	client_settings(client);
	daemon->clients[slot] = client;
	daemon->client_count++;
	r = esd_mutes_init(&client->mutes, daemon->sensor, slot);
	if (r)
		log_error("can't mute what a new client has muted: %s", strerror(r < 0 ? -r : r));
	return r > 0 ? -r : r;
}

static void slot_leave(struct esd_client *client)
{
	struct esd_daemon *daemon = client->daemon;

	if (daemon->clients[client->slot] != client)
		return;
	daemon->sensor->ops->client_remove(daemon->sensor, client->slot);
	esd_mutes_deinit(&client->mutes);
	daemon->clients[client->slot] = NULL;
	daemon->client_count--;
	client_note(client, ES_NOTE_WENT, 0);
	esd_warden_forget(&daemon->warden, client->slot);
	esd_deadline_leave(&daemon->deadline, client->slot);
	if (daemon->is_private && daemon->client_count == 0)
		loop_stop(&daemon->loop, 0);
}

void *esd_client_free(struct esd_client *client)
{
	struct esd_daemon *daemon;

	if (!client)
		return NULL;
	daemon = client->daemon;
	slot_leave(client);
	loop_remove(&daemon->loop, &client->death);
	closep(&client->pidfd);
	free(client);
	return NULL;
}

static void esd_client_freep(struct esd_client **client)
{
	esd_client_free(*client);
}

/* Its group first, then the others that it has. */
static size_t groups_read(int fd, gid_t *groups, size_t max)
{
	socklen_t size = sizeof(struct ucred);
	struct ucred peer = {};

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return 0;
	groups[0] = peer.gid;
	size = (max - 1) * sizeof(*groups);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups + 1, &size) < 0)
		return 1;
	return 1 + size / sizeof(*groups);
}

/* Checks EPERM first, then ENOKEY and EACCES. The caller checks EUSERS last. */
static int client_admit(const struct esd_peer *peer, const char *executable)
{
	gid_t groups[1 + GROUPS_MAX];
	size_t count;

	if (!esd_daemon_serves(peer->daemon, peer->uid))
		return EPERM;
	count = groups_read(peer->fd, groups, ARRAY_SIZE(groups));
	return esd_access_decide(&peer->daemon->access, path_is_ours(peer, executable) ? executable : "", groups,
				 count);
}

int esd_client_new(struct esd_client **ret, const struct esd_peer *peer)
{
	_cleanup_(esd_client_freep) struct esd_client *client = NULL;
	struct esd_daemon *daemon = peer->daemon;
	char executable[4096];
	int r;

	client = calloc(1, sizeof(*client));
	if (!client)
		return -ENOMEM;
	*client = (struct esd_client){ .daemon = daemon, .death = LOOP_SOURCE_NONE, .pid = peer->pid };
	client->pidfd = peer_pidfd(peer);
	if (client->pidfd < 0) {
		log_warning("the process that wants to be a client can't be followed (pid %d): %s", client->pid,
			    strerror(-client->pidfd));
		return client->pidfd;
	}
	executable_read(client, executable, sizeof(executable));
	snprintf(client->executable, sizeof(client->executable), "%s", executable);
	r = client_admit(peer, executable);
	if (r == 0)
		r = slot_take(client);
	if (r > 0)
		client_note(client, ES_NOTE_REFUSED, r);
	if (r)
		return r;
	r = loop_add(&daemon->loop, &client->death, client->pidfd, EPOLLIN, client_died);
	if (r < 0)
		return r;
	client_note(client, ES_NOTE_CAME, 0);
	*ret = TAKE_POINTER(client);
	return 0;
}

static bool is_silent(const struct es_capability_info *info)
{
	return info->capability == ES_CAN_NEVER_HAPPEN || info->capability == ES_CAN_BE_SILENT;
}

/* Logs each type that never delivers an event, once, so that the owner of a ported program can see why it gets none. */
static void say_never(struct esd_client *client, const uint64_t types[ES_TYPE_WORDS])
{
	struct esd_daemon *daemon = client->daemon;
	unsigned int type;

	for (type = esd_types_next(types, 0); type < ES_EVENT_TYPES; type = esd_types_next(types, type + 1)) {
		if (!is_silent(&daemon->sensor->capabilities[type]) ||
		    esd_types_has(daemon->never_said, type))
			continue;
		esd_types_add(daemon->never_said, type);
		log_notice("%s (pid %d) subscribed to %s, of which nothing comes: %s", client->executable, client->pid,
			   esd_events[type].name, daemon->sensor->capabilities[type].how);
	}
}

static bool type_refused(const struct esd_client *client, unsigned int type)
{
	const struct es_capability_info *capabilities = client->daemon->sensor->capabilities;

	return type >= ES_EVENT_TYPES || capabilities[type].capability == ES_CAN_NOT;
}

static void warden_tell(struct esd_client *client)
{
	struct esd_warden_name name = { .pid = client->pid };

	memcpy(name.executable, client->executable, sizeof(name.executable));
	esd_warden_watch(&client->daemon->warden, &client->watch, &name, client->pidfd,
			 client->given.fds[ES_CLIENT_FD_HELD]);
}

/* The warden must know a client for as long as an operation can wait for it. */
static int client_set_types(struct esd_client *client, const uint64_t types[ES_TYPE_WORDS])
{
	struct esd_daemon *daemon = client->daemon;
	int r;

	if (esd_types_auth(types))
		warden_tell(client);
	r = daemon->sensor->ops->subscribe(daemon->sensor, client->slot, types);
	if (r < 0) {
		log_error("can't change the subscriptions of pid %d (%s): %s", client->pid, client->executable,
			  strerror(-r));
		return r;
	}
	memcpy(client->types, types, sizeof(client->types));
	esd_deadline_asked(&daemon->deadline, client->slot, esd_types_auth(types));
	return 0;
}

static bool any_refused(const struct esd_client *client, const uint64_t types[ES_TYPE_WORDS], uint32_t *ret_refused)
{
	unsigned int type;

	for (type = esd_types_next(types, 0); type < ES_TYPE_WORDS * 64; type = esd_types_next(types, type + 1)) {
		if (type_refused(client, type)) {
			*ret_refused = type;
			return true;
		}
	}
	return false;
}

int esd_client_subscribe(struct esd_client *client, const uint64_t types[ES_TYPE_WORDS], uint32_t *ret_refused)
{
	struct esd_sensor *sensor = client->daemon->sensor;
	uint64_t all[ES_TYPE_WORDS];
	int r;

	if (any_refused(client, types, ret_refused))
		return EOPNOTSUPP;
	r = sensor->ops->load(sensor, types);
	if (r)
		return r > 0 ? EAGAIN : r;
	if (any_refused(client, types, ret_refused))
		return EOPNOTSUPP;
	r = sensor->ops->begin ? sensor->ops->begin(sensor, types) : 0;
	if (r)
		return r > 0 ? EAGAIN : r;
	for (int i = 0; i < ES_TYPE_WORDS; i++)
		all[i] = client->types[i] | types[i];
	r = client_set_types(client, all);
	if (r == 0)
		say_never(client, types);
	return r;
}

int esd_client_unsubscribe(struct esd_client *client, const uint64_t types[ES_TYPE_WORDS])
{
	uint64_t rest[ES_TYPE_WORDS];

	for (int i = 0; i < ES_TYPE_WORDS; i++)
		rest[i] = client->types[i] & ~types[i];
	return client_set_types(client, rest);
}

int esd_client_set_miss_mode(struct esd_client *client, uint32_t mode)
{
	if (mode >= ES_MISS_MODES)
		return EINVAL;
	__atomic_store_n(&client->watch.settings->miss_mode, mode, __ATOMIC_RELAXED);
	return 0;
}

int esd_client_set_deadline_max(struct esd_client *client, const uint64_t types[ES_TYPE_WORDS], uint32_t ms)
{
	int r = esd_limits_set_max(&client->daemon->limits, &client->deadlines, types, ms);

	if (r == 0)
		deadlines_apply(client);
	return r;
}

int esd_client_set_deadline_min(struct esd_client *client, const uint64_t types[ES_TYPE_WORDS], uint32_t ms)
{
	int r;

	if (!client->descendants)
		return EPERM;
	r = esd_limits_set_min(&client->daemon->limits, &client->deadlines, types, ms);
	if (r == 0)
		deadlines_apply(client);
	return r;
}

int esd_client_get_deadline_max(const struct esd_client *client, uint32_t type, uint32_t *ret_ms)
{
	uint32_t ms = esd_limits_ms(&client->daemon->limits, &client->deadlines, type);

	if (!ms)
		return EINVAL;
	*ret_ms = ms;
	return 0;
}

int esd_client_get_deadline_min(const struct esd_client *client, uint32_t type, uint32_t *ret_ms)
{
	if (!client->descendants)
		return EPERM;
	if (!esd_limits_system_ms(&client->daemon->limits, type))
		return EINVAL;
	*ret_ms = client->deadlines.min_ms[type];
	return 0;
}

/* Enforces the rate limit even if there is no cache to clear. */
int esd_client_clear_cache(struct esd_client *client)
{
	struct esd_sensor *sensor = client->daemon->sensor;
	uint64_t now = clock_ns();

	if (now - client->cleared_ns > NS_PER_S) {
		client->cleared_ns = now;
		client->cleared = 0;
	}
	if (++client->cleared > CLEARS_PER_SECOND)
		return EBUSY;
	sensor->ops->cache_clear(sensor);
	return 0;
}

void esd_client_broken(void *daemon_, unsigned int slot)
{
	struct esd_daemon *daemon = daemon_;

	if (!daemon->clients[slot])
		return;
	client_note(daemon->clients[slot], ES_NOTE_BROKEN, 0);
	client_end(daemon->clients[slot]);
}

/* ---- another daemon that goes on ---- */

void esd_client_keep(struct esd_client *client, struct archive *archive)
{
	archive_fd(archive, &client->pidfd);
	ARCHIVE(archive, client->pid);
	ARCHIVE(archive, client->slot);
	ARCHIVE(archive, client->types);
	ARCHIVE(archive, client->deadlines);
	ARCHIVE(archive, client->missed);
	ARCHIVE(archive, client->executable);
	if (!archive->reading)
		esd_mutes_keep(&client->mutes, archive);
}

/* The sensor has the slot, with its subscriptions and the miss mode. */
static int slot_go_on(struct esd_client *client, struct archive *archive)
{
	struct esd_daemon *daemon = client->daemon;
	bool asked = esd_types_auth(client->types);
	int r;

	daemon->sensor->ops->slot(daemon->sensor, client->slot, &client->given);
	client_settings(client);
	daemon->clients[client->slot] = client;
	daemon->client_count++;
	r = esd_mutes_go_on(&client->mutes, daemon->sensor, client->slot, archive);
	if (r == 0 && asked)
		warden_tell(client);
	esd_deadline_asked(&daemon->deadline, client->slot, asked);
	return r < 0 ? r : -r;
}

int esd_client_go_on(struct esd_client **ret, const struct esd_peer *peer, struct archive *archive)
{
	_cleanup_(esd_client_freep) struct esd_client *client = calloc(1, sizeof(*client));
	struct esd_daemon *daemon = peer->daemon;
	int r;

	if (!client)
		return -ENOMEM;
	*client = (struct esd_client){ .daemon = daemon, .death = LOOP_SOURCE_NONE, .pidfd = -1 };
	esd_client_keep(client, archive);
	if (archive->bad || client->slot >= ES_CLIENTS_MAX)
		return -EBADMSG;
	r = slot_go_on(client, archive);
	if (r == 0)
		r = loop_add(&daemon->loop, &client->death, client->pidfd, EPOLLIN, client_died);
	if (r < 0)
		return r;
	*ret = TAKE_POINTER(client);
	return 0;
}
