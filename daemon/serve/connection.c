/* SPDX-License-Identifier: MIT */
#include "daemon/serve/connection.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/serve/client.h"
#include "daemon/serve/control.h"
#include "daemon/serve/daemon.h"
#include "util/archive.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/macro.h"

static void complain(const struct esd_connection *connection, const char *about)
{
	log_limited(&connection->peer.daemon->complaints, LOG_LEVEL_WARNING, "connection of pid %d (uid %u) ended: %s",
		    connection->peer.pid, connection->peer.uid, about);
}

static void again_leave(struct esd_connection *connection)
{
	struct esd_daemon *daemon = connection->peer.daemon;

	if (!connection->again)
		return;
	TAILQ_REMOVE(&daemon->again, connection, again_link);
	connection->again = false;
	if (TAILQ_EMPTY(&daemon->again))
		loop_remove(&daemon->loop, &daemon->again_source);
}

static void connection_free(struct esd_connection *connection)
{
	struct esd_daemon *daemon = connection->peer.daemon;

	loop_remove(&daemon->loop, &connection->source);
	again_leave(connection);
	daemon->changed |= connection->promoted;
	if (connection->promoted) {
		TAILQ_REMOVE(&daemon->promoted, connection, link);
	} else {
		TAILQ_REMOVE(&daemon->anonymous, connection, link);
		daemon->anonymous_count[connection->peer.uid == 0]--;
	}
	esd_client_free(connection->peer.client);
	close(connection->peer.fd);
	free(connection);
}

/* It has become a client. */
static void promote(struct esd_connection *connection)
{
	struct esd_daemon *daemon = connection->peer.daemon;

	TAILQ_REMOVE(&daemon->anonymous, connection, link);
	daemon->anonymous_count[connection->peer.uid == 0]--;
	TAILQ_INSERT_TAIL(&daemon->promoted, connection, link);
	connection->promoted = true;
	daemon->changed = true;
}

void esd_connections_reap(struct esd_daemon *daemon)
{
	struct esd_connection *connection, *next;

	if (!daemon->any_ended)
		return;
	daemon->any_ended = false;
	for (connection = TAILQ_FIRST(&daemon->promoted); connection; connection = next) {
		next = TAILQ_NEXT(connection, link);
		if (connection->peer.client->ended)
			connection_free(connection);
	}
}

static void reap(struct loop *loop)
{
	struct esd_daemon *daemon = container_of(loop, struct esd_daemon, loop);

	esd_connections_reap(daemon);
	esd_daemon_save(daemon);
}

void esd_connections_end(struct esd_daemon *daemon)
{
	struct esd_connection *connection;

	while ((connection = TAILQ_FIRST(&daemon->promoted)) || (connection = TAILQ_FIRST(&daemon->anonymous)))
		connection_free(connection);
}

void esd_connections_expire(struct esd_daemon *daemon, uint64_t now_ns)
{
	struct esd_connection *connection;

	while ((connection = TAILQ_FIRST(&daemon->anonymous)) &&
	       now_ns - connection->used_ns > ESD_ANONYMOUS_IDLE_S * NS_PER_S)
		connection_free(connection);
}

static void touch(struct esd_connection *connection)
{
	struct esd_daemon *daemon = connection->peer.daemon;

	connection->used_ns = clock_ns();
	if (connection->promoted)
		return;
	TAILQ_REMOVE(&daemon->anonymous, connection, link);
	TAILQ_INSERT_TAIL(&daemon->anonymous, connection, link);
}

/* Until it returns, another daemon would answer that this one died. */
static int dispatch(struct esd_connection *connection, const struct es_request *request, size_t size, bool cut)
{
	struct esd_daemon *daemon = connection->peer.daemon;
	int r;

	if (daemon->busy)
		daemon->busy(daemon, connection->promoted ? connection->peer.fd : -1, request->op);
	daemon->changed = true;
	r = esd_control_dispatch(&connection->peer, request, size, cut);
	if (daemon->busy)
		daemon->busy(daemon, -1, 0);
	return r;
}

/*
 * Receives one packet. There is no buffer for control data, so the kernel drops descriptors that come with the packet.
 * 0: go on; positive: end the connection.
 */
static int receive(struct esd_connection *connection)
{
	struct {
		struct es_request request;
		char data[ES_REQUEST_DATA];
	} packet;
	struct iovec iov = { .iov_base = &packet, .iov_len = sizeof(packet) };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	n = recvmsg(connection->peer.fd, &message, MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : 1;
	if (n == 0)
		return 1;
	if (message.msg_flags & MSG_CTRUNC) {
		complain(connection, "it sent file descriptors");
		return 1;
	}
	touch(connection);
	connection->request = packet.request;
	return dispatch(connection, &packet.request, n, message.msg_flags & MSG_TRUNC);
}

static int connection_ready(struct loop_source *source, uint32_t events);

/* Starts or stops reading requests. The loop reports the peer's end in any case. */
static int listen_to(struct esd_connection *connection, bool requests)
{
	struct loop *loop = &connection->peer.daemon->loop;

	loop_remove(loop, &connection->source);
	return loop_add(loop, &connection->source, connection->peer.fd, EPOLLRDHUP | (requests ? EPOLLIN : 0),
			connection_ready);
}

static int again_ready(struct loop_source *source, uint32_t events);

/* Appends the connection to the queue, so that each one there gets its turn. */
static int again_join(struct esd_connection *connection)
{
	struct esd_daemon *daemon = connection->peer.daemon;

	if (TAILQ_EMPTY(&daemon->again) &&
	    loop_add(&daemon->loop, &daemon->again_source, daemon->again_fd, EPOLLIN, again_ready) < 0)
		return ESD_CONTROL_END;
	TAILQ_INSERT_TAIL(&daemon->again, connection, again_link);
	connection->again = true;
	return 0;
}

/* Acts on the result of esd_control_dispatch(). */
static void dispatched(struct esd_connection *connection, int r)
{
	if (connection->peer.client && !connection->promoted)
		promote(connection);
	if (r == ESD_CONTROL_AGAIN)
		r = again_join(connection);
	if (r > ESD_CONTROL_END)
		complain(connection, esd_control_complaint(r));
	if (r)
		connection_free(connection);
}

static int again_ready(struct loop_source *source, uint32_t events)
{
	struct esd_daemon *daemon = container_of(source, struct esd_daemon, again_source);
	struct esd_connection *connection = TAILQ_FIRST(&daemon->again);
	int r;

	(void)events;
	again_leave(connection);
	touch(connection);
	r = dispatch(connection, &connection->request, sizeof(connection->request), false);
	if (r == 0 && listen_to(connection, true) < 0)
		r = ESD_CONTROL_END;
	dispatched(connection, r);
	return 0;
}

static int connection_ready(struct loop_source *source, uint32_t events)
{
	struct esd_connection *connection = container_of(source, struct esd_connection, source);
	int r = 0;

	if (events & EPOLLIN)
		r = receive(connection);
	else if (events & (EPOLLHUP | EPOLLERR | EPOLLRDHUP))
		r = ESD_CONTROL_END;
	if (r == ESD_CONTROL_AGAIN && listen_to(connection, false) < 0)
		r = ESD_CONTROL_END;
	dispatched(connection, r);
	return 0;
}

/* Ends the connection of the same class that is idle longest. */
static void make_room(struct esd_daemon *daemon, bool root)
{
	struct esd_connection *connection;

	if (daemon->anonymous_count[root] < (root ? ESD_ANONYMOUS_MAX : ESD_ANONYMOUS_MAX_OTHERS))
		return;
	TAILQ_FOREACH(connection, &daemon->anonymous, link) {
		if ((connection->peer.uid == 0) != root)
			continue;
		complain(connection, "too many connections, and this one was idle longest");
		connection_free(connection);
		return;
	}
}

int esd_connection_new(struct esd_daemon *daemon, int fd)
{
	_cleanup_close_ int owned = fd;
	struct esd_connection *connection;
	struct ucred peer;
	socklen_t size = sizeof(peer);
	int r;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return -errno;
	make_room(daemon, peer.uid == 0);
	connection = calloc(1, sizeof(*connection));
	if (!connection)
		return -ENOMEM;
	*connection = (struct esd_connection){
		.peer = { .daemon = daemon, .fd = TAKE_FD(owned), .pid = peer.pid, .uid = peer.uid },
		.source = LOOP_SOURCE_NONE,
		.used_ns = clock_ns(),
	};
	TAILQ_INSERT_TAIL(&daemon->anonymous, connection, link);
	daemon->anonymous_count[connection->peer.uid == 0]++;
	daemon->loop.after = reap;
	r = listen_to(connection, true);
	if (r < 0)
		connection_free(connection);
	return r;
}

/* ---- another daemon that goes on ---- */

static void peer_keep(struct esd_connection *connection, struct archive *archive)
{
	archive_fd(archive, &connection->peer.fd);
	ARCHIVE(archive, connection->peer.pid);
	ARCHIVE(archive, connection->peer.uid);
	ARCHIVE(archive, connection->again);
	ARCHIVE(archive, connection->request);
}

void esd_connections_keep(struct esd_daemon *daemon, struct archive *archive)
{
	struct esd_connection *connection;
	unsigned int count = 0;

	TAILQ_FOREACH(connection, &daemon->promoted, link)
		count++;
	ARCHIVE(archive, count);
	TAILQ_FOREACH(connection, &daemon->promoted, link) {
		peer_keep(connection, archive);
		esd_client_keep(connection->peer.client, archive);
	}
}

/* A request in steps begins anew. */
static int go_on(struct esd_connection *connection, struct archive *archive)
{
	struct esd_daemon *daemon = connection->peer.daemon;
	bool again;
	int r;

	peer_keep(connection, archive);
	again = connection->again;
	connection->again = false;
	if (archive->bad)
		return -EBADMSG;
	r = esd_client_go_on(&connection->peer.client, &connection->peer, archive);
	if (r < 0)
		return r;
	connection->promoted = true;
	TAILQ_INSERT_TAIL(&daemon->promoted, connection, link);
	r = listen_to(connection, !again);
	return r == 0 && again && again_join(connection) ? -ENOMEM : r;
}

static void ask_again(struct esd_connection *connection, uint32_t op)
{
	const struct es_reply reply = { .op = op, .error = EAGAIN, .sensor = connection->peer.daemon->sensor->number };

	(void)esd_control_reply(&connection->peer, &reply, NULL, NULL, 0);
}

int esd_connections_go_on(struct esd_daemon *daemon, struct archive *archive, int busy_fd, uint32_t busy_op)
{
	struct esd_connection *connection;
	unsigned int count = 0;
	int r = 0;

	ARCHIVE(archive, count);
	daemon->loop.after = reap;
	for (; r == 0 && count; count--) {
		connection = calloc(1, sizeof(*connection));
		if (!connection)
			return -ENOMEM;
		connection->peer.daemon = daemon;
		connection->source = (struct loop_source)LOOP_SOURCE_NONE;
		connection->used_ns = clock_ns();
		r = go_on(connection, archive);
		if (r < 0 && !connection->promoted)
			free(connection);
		else if (r == 0 && connection->peer.fd == busy_fd && !connection->again)
			ask_again(connection, busy_op);
	}
	return r;
}
