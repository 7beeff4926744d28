/* SPDX-License-Identifier: MIT */
#include "tools/esship/wire.h"

#include <errno.h>
#include <linux/sockios.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "util/clock.h"

enum {
	SETTLE_STEP_MS = 5,
	HEAR_MOST = 16,			/* reads at a time from a server that keeps sending */
	WELCOME_MS = 1000,		/* how long to wait for a TLS 1.3 server's refusal */
};

/* The deadline is for the next step only: a slow server that makes progress is fine. */
static uint64_t deadline_of(const struct wire *wire)
{
	return clock_ns() + wire->config->timeout_ms * NS_PER_MS;
}

/* Waits until the socket is ready for the events, or the deadline. */
static int wait_for(const struct wire *wire, short events, uint64_t deadline_ns)
{
	struct pollfd fds[2] = { { .fd = wire->fd, .events = events }, { .fd = wire->stop->fd, .events = POLLIN } };
	uint64_t now = clock_ns();
	int n = now < deadline_ns ? poll(fds, 2, (int)((deadline_ns - now) / NS_PER_MS) + 1) : 0;

	if (n < 0 && errno != EINTR)
		return -errno;
	if (fds[1].revents)
		return -ECANCELED;
	return n == 0 ? -ETIMEDOUT : 0;
}

/* An error message of TLS is better than an errno. */
static int fail(struct wire *wire, int error, char *problem, const char *what)
{
	char why[SINK_PROBLEM_BYTES / 2];

	snprintf(why, sizeof(why), "%s", *problem ? problem : strerror(-error));
	snprintf(problem, SINK_PROBLEM_BYTES, "%.80s:%.20s: %s: %s", wire->config->host, wire->config->port, what, why);
	wire_close(wire);
	return error;
}

static int connect_to(struct wire *wire, const struct addrinfo *address, uint64_t deadline)
{
	int yes = 1, error = 0, r;
	socklen_t length = sizeof(error);

	wire->fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (wire->fd < 0)
		return -errno;
	setsockopt(wire->fd, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof(yes));
	setsockopt(wire->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &wire->config->timeout_ms, sizeof(wire->config->timeout_ms));
	if (connect(wire->fd, address->ai_addr, address->ai_addrlen) == 0)
		return 0;
	if (errno != EINPROGRESS)
		return -errno;
	r = wait_for(wire, POLLOUT, deadline);
	if (r < 0)
		return r;
	return getsockopt(wire->fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0 ? -errno : -error;
}

/*
 * In TLS 1.3 our handshake is done before the server has seen our certificate, or that we have none. So wait a little
 * for its next message: tickets, or a refusal. A server may also send none.
 */
static int wait_welcome(struct wire *wire, char *problem)
{
	uint64_t most = WELCOME_MS * NS_PER_MS, deadline = deadline_of(wire), end = clock_ns() + most;
	int r;

	if (!tls_is_early(wire->tls))
		return 0;
	r = wait_for(wire, POLLIN, end < deadline ? end : deadline);
	if (r == -ETIMEDOUT)
		return 0;
	return r < 0 ? r : tls_hear(wire->tls, problem);
}

static int start_tls(struct wire *wire, uint64_t deadline, char *problem)
{
	int r = tls_new(&wire->tls, wire->config, wire->fd, problem);

	while (r == 0 && (r = tls_handshake(wire->tls, problem)) > 0)
		r = wait_for(wire, r == TLS_READ ? POLLIN : POLLOUT, deadline);
	if (r == 0)
		r = wait_welcome(wire, problem);
	return r < 0 ? fail(wire, r, problem, "TLS") : 0;
}

/* Limits the time for each address, so that one that doesn't answer leaves time for the next ones. */
static int connect_to_any(struct wire *wire, const struct addrinfo *addresses)
{
	uint64_t left_ns = wire->config->timeout_ms * NS_PER_MS;
	unsigned int left = 0;
	int r = -EHOSTUNREACH;

	for (const struct addrinfo *address = addresses; address; address = address->ai_next)
		left++;
	for (const struct addrinfo *address = addresses; address && r < 0 && r != -ECANCELED; address = address->ai_next) {
		uint64_t now = clock_ns(), took;

		r = connect_to(wire, address, now + left_ns / left--);
		took = clock_ns() - now;
		left_ns -= took < left_ns ? took : left_ns;
		if (r < 0)
			wire_close(wire);
	}
	return r;
}

int wire_open(struct wire *wire, char problem[SINK_PROBLEM_BYTES])
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG }, *addresses;
	int r = getaddrinfo(wire->config->host, wire->config->port, &hints, &addresses);

	if (r) {
		snprintf(problem, SINK_PROBLEM_BYTES, "%s: %s", wire->config->host, gai_strerror(r));
		return -EHOSTUNREACH;
	}
	r = connect_to_any(wire, addresses);
	freeaddrinfo(addresses);
	if (r < 0)
		return fail(wire, r, problem, "no connection");
	return wire->config->tls ? start_tls(wire, deadline_of(wire), problem) : 0;
}

void wire_close(struct wire *wire)
{
	tls_free(wire->tls);
	wire->tls = NULL;
	if (wire->fd >= 0)
		close(wire->fd);
	wire->fd = -1;
}

/* Some of it. */
static int write_some(struct wire *wire, const char *data, size_t length, size_t *ret, char *problem)
{
	ssize_t n;

	*ret = 0;
	if (wire->tls)
		return tls_write(wire->tls, data, length, ret, problem);
	n = send(wire->fd, data, length, MSG_NOSIGNAL);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? TLS_WRITE : -errno;
	*ret = (size_t)n;
	return 0;
}

int wire_write(struct wire *wire, const char *data, size_t length, char problem[SINK_PROBLEM_BYTES])
{
	uint64_t deadline = deadline_of(wire);

	while (length) {
		size_t done;
		int r = write_some(wire, data, length, &done, problem);

		if (r > 0)
			r = wait_for(wire, r == TLS_READ ? POLLIN : POLLOUT, deadline);
		if (r < 0)
			return fail(wire, r, problem, "writing");
		if (done)
			deadline = deadline_of(wire);
		data += done;
		length -= done;
	}
	return 0;
}

/* Checks that the connection is alive. The server has no data for us: we read its end, or something useless. */
static int look_alive(struct wire *wire, char *problem)
{
	char useless[4096];
	ssize_t n = 1;

	if (wire->tls)
		return tls_hear(wire->tls, problem);
	for (int i = 0; i < HEAR_MOST && n > 0; i++)
		n = recv(wire->fd, useless, sizeof(useless), MSG_DONTWAIT);
	if (n == 0)
		return -ECONNRESET;
	return n < 0 && errno != EAGAIN && errno != EINTR ? -errno : 0;
}

int wire_settle(struct wire *wire, char problem[SINK_PROBLEM_BYTES])
{
	uint64_t deadline = deadline_of(wire);
	int left = 0, before = 0, r;

	for (;;) {
		r = look_alive(wire, problem);
		if (r == 0 && ioctl(wire->fd, SIOCOUTQ, &left) < 0)
			r = -errno;
		if (r == 0 && !left)
			return 0;
		if (left < before)
			deadline = deadline_of(wire);
		before = left;
		if (r == 0 && atomic_load(&wire->stop->now))
			r = -ECANCELED;
		if (r == 0 && clock_ns() > deadline)
			r = -ETIMEDOUT;
		if (r < 0)
			return fail(wire, r, problem, "the other side");
		poll(NULL, 0, SETTLE_STEP_MS);
	}
}
