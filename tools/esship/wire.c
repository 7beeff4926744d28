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

enum { SETTLE_STEP_MS = 5 };

static uint64_t deadline_of(const struct wire *wire)
{
	return clock_ns() + wire->config->timeout_ms * NS_PER_MS;
}

/* Until the socket is ready for that, up to a time. */
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

static int fail(struct wire *wire, int error, char *problem, const char *what)
{
	snprintf(problem, SINK_PROBLEM_BYTES, "%s:%s: %s: %s", wire->config->host, wire->config->port, what, strerror(-error));
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

static int start_tls(struct wire *wire, uint64_t deadline, char *problem)
{
	int r = tls_new(&wire->tls, wire->config, wire->fd, problem);

	while (r == 0 && (r = tls_handshake(wire->tls, problem)) > 0) {
		r = wait_for(wire, r == TLS_READ ? POLLIN : POLLOUT, deadline);
		if (r < 0)
			return fail(wire, r, problem, "TLS");
	}
	if (r < 0)
		wire_close(wire);
	return r;
}

int wire_open(struct wire *wire, char problem[SINK_PROBLEM_BYTES])
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG }, *addresses;
	uint64_t deadline = deadline_of(wire);
	int r = getaddrinfo(wire->config->host, wire->config->port, &hints, &addresses);

	if (r) {
		snprintf(problem, SINK_PROBLEM_BYTES, "%s: %s", wire->config->host, gai_strerror(r));
		return -EHOSTUNREACH;
	}
	r = -EHOSTUNREACH;
	for (const struct addrinfo *address = addresses; address; address = address->ai_next) {
		r = connect_to(wire, address, deadline);
		if (r == 0)
			break;
		wire_close(wire);
	}
	freeaddrinfo(addresses);
	if (r < 0)
		return fail(wire, r, problem, "no connection");
	return wire->config->tls ? start_tls(wire, deadline, problem) : 0;
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
		data += done;
		length -= done;
	}
	return 0;
}

/* The other side never has anything to say: what can be read is its end (or, of TLS, a session ticket). */
static int look_alive(struct wire *wire)
{
	char byte;
	ssize_t n = recv(wire->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

	if (n == 0)
		return -ECONNRESET;
	return n < 0 && errno != EAGAIN && errno != EINTR ? -errno : 0;
}

int wire_settle(struct wire *wire, char problem[SINK_PROBLEM_BYTES])
{
	uint64_t deadline = deadline_of(wire);
	int left = 0, r;

	for (;;) {
		r = look_alive(wire);
		if (r == 0 && ioctl(wire->fd, SIOCOUTQ, &left) < 0)
			r = -errno;
		if (r == 0 && !left)
			return 0;
		if (r == 0 && atomic_load(&wire->stop->now))
			r = -ECANCELED;
		if (r == 0 && clock_ns() > deadline)
			r = -ETIMEDOUT;
		if (r < 0)
			return fail(wire, r, problem, "the other side");
		poll(NULL, 0, SETTLE_STEP_MS);
	}
}
