/* SPDX-License-Identifier: MIT */
#include "control.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <EndpointSecurity/ESLinux.h>

#include "log.h"
#include "start.h"
#include "util/clock.h"
#include "util/macro.h"

enum {
	REPLY_SECONDS = 60,			/* another daemon may have to begin, where one has died */
	SUBSCRIBE_SECONDS = 120,		/* the daemon may load programs, slow on a slow machine */
	ATTEMPTS = 3,
	LISTEN_MS = 1000,			/* how long to wait for a daemon that another process is starting */
	STEP_MS = 20,
};

/* ---- how long to wait ---- */

static _Atomic uint32_t timeout_ms;	/* 0: none is set */

void es_linux_set_connect_timeout_milliseconds(uint32_t milliseconds)
{
	timeout_ms = milliseconds;
}

static uint64_t now_ms(void)
{
	return clock_ns() / NS_PER_MS;
}

/* When to give up; UINT64_MAX: each step has its own time. */
static uint64_t give_up_ms(void)
{
	uint32_t ms = timeout_ms;

	return ms ? now_ms() + ms : UINT64_MAX;
}

static uint64_t left_ms(uint64_t until_ms, uint64_t longest_ms)
{
	uint64_t now = now_ms();

	if (until_ms == UINT64_MAX || until_ms > now + longest_ms)
		return longest_ms;
	return until_ms > now ? until_ms - now : 0;
}

void esl_control_init(struct esl_control *control)
{
	control->fd = -1;
	pthread_mutex_init(&control->lock, NULL);
}

void esl_control_close(struct esl_control *control)
{
	closep(&control->fd);
	control->fd = -1;
	pthread_mutex_destroy(&control->lock);
}

bool esl_control_is_named(void)
{
	const char *path = secure_getenv(ES_SOCKET_ENV);

	return path && *path;
}

static const char *socket_path(void)
{
	return esl_control_is_named() ? getenv(ES_SOCKET_ENV) : ES_SOCKET_PATH;
}

/* To the socket, 0 would be for ever. */
static int be_patient_ms(int fd, int option, uint64_t ms)
{
	const struct timeval patience = { .tv_sec = (time_t)(ms / 1000), .tv_usec = (suseconds_t)(ms % 1000 * 1000 + !ms) };

	return setsockopt(fd, SOL_SOCKET, option, &patience, sizeof(patience)) < 0 ? -errno : 0;
}

static int be_patient(int fd, int option, int seconds)
{
	return be_patient_ms(fd, option, (uint64_t)seconds * 1000);
}

static int open_socket(const char *path, uint64_t until_ms, int *ret_fd)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	_cleanup_close_ int fd = -1;
	int r;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);

	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	r = be_patient_ms(fd, SO_SNDTIMEO, left_ms(until_ms, REPLY_SECONDS * 1000));
	if (r < 0)
		return r;
	while (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		if (errno != EINTR)
			return -errno;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static bool nobody_listens(int error)
{
	return error == -ENOENT || error == -ECONNREFUSED;
}

/* Another process may have been faster: gives its daemon a moment to listen. */
static int wait_for_listener(const char *path, uint64_t until_ms, int *ret_fd)
{
	int r = -ECONNREFUSED;

	for (int waited = 0; waited < LISTEN_MS && nobody_listens(r); waited += STEP_MS) {
		const struct timespec step = { .tv_nsec = STEP_MS * 1000000L };

		r = open_socket(path, until_ms, ret_fd);
		if (nobody_listens(r))
			nanosleep(&step, NULL);
	}
	return r;
}

static int tell_cannot_connect(const char *path, int error)
{
	esl_log("cannot connect to the daemon's socket %s: %s; see that %s names the right one", path, esl_errno(error),
		ES_SOCKET_ENV);
	return error;
}

/*
 * When our daemon is ready, it listens, or has yielded to another private daemon that did. That one may have ended
 * with its last client since; then the next attempt starts a new one. Only root can start a daemon: others get EPERM,
 * as from a daemon.
 */
static int open_or_start(const char *path, uint64_t until_ms, int *ret_fd)
{
	struct esl_start start = {};
	int r = -ECONNREFUSED, started = 0;

	for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
		r = open_socket(path, until_ms, ret_fd);
		if (r < 0 && geteuid() != 0)
			return EPERM;
		if (!nobody_listens(r))
			return r < 0 ? tell_cannot_connect(path, r) : r;
		start = (struct esl_start){ .ready_ms = left_ms(until_ms, ESL_READY_MS) };
		started = esl_start_daemon(&start);
		if (started < 0)
			break;
		r = open_socket(path, until_ms, ret_fd);
		if (r == 0)
			return 0;
	}
	if (started == 0) {
		esl_log("%s says it listens, but nobody answers at %s (%s): set %s for both alike", start.path, path,
			esl_errno(r), ES_SOCKET_ENV);
		return r;
	}
	if (start.may_be_listening && wait_for_listener(path, until_ms, ret_fd) == 0)
		return 0;
	esl_log("no daemon listens at %s, and none could be started for this program: %s; "
		"start endpointsecurityd, or name its file in %s", path, start.reason, ES_DAEMON_ENV);
	return started;
}

/* Sends the request, with request->data_bytes of `data` behind it. */
static int send_request(int fd, const struct es_request *request, const void *data)
{
	struct iovec iov[] = {
		{ .iov_base = (void *)request, .iov_len = sizeof(*request) },
		{ .iov_base = (void *)data, .iov_len = request->data_bytes },
	};
	struct msghdr message = { .msg_iov = iov, .msg_iovlen = ARRAY_SIZE(iov) };
	ssize_t n;

	do
		n = sendmsg(fd, &message, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return (size_t)n == sizeof(*request) + request->data_bytes ? 0 : -EIO;
}

/* Takes the reply's descriptors into ret_fds; closes all of them if they aren't exactly as many as wanted. */
static int take_fds(struct msghdr *header, int *ret_fds, unsigned int wanted)
{
	int fds[ES_CLIENT_FDS];
	size_t count = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
		size_t here = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < here; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(fd), sizeof(fd));
			if (ret_fds && count < ARRAY_SIZE(fds))
				fds[count++] = fd;
			else
				close(fd);
		}
	}
	if (!ret_fds || (count == wanted && !(header->msg_flags & MSG_CTRUNC))) {
		if (ret_fds)
			memcpy(ret_fds, fds, count * sizeof(fds[0]));
		return 0;
	}
	for (size_t i = 0; i < count; i++)
		close(fds[i]);
	return -EBADMSG;
}

/*
 * With ret_fds, a reply that is no refusal must carry fd_count descriptors. Up to `size` bytes of the reply's data go
 * to ret_data; more is an error.
 */
static int receive_reply(int fd, uint32_t op, struct es_reply *ret_reply, int *ret_fds, unsigned int fd_count,
			 void *ret_data, size_t size)
{
	union {
		char bytes[CMSG_SPACE(ES_CLIENT_FDS * sizeof(int))];
		struct cmsghdr align;
	} control = {};
	struct es_reply reply;
	struct iovec iov[] = {
		{ .iov_base = &reply, .iov_len = sizeof(reply) },
		{ .iov_base = ret_data, .iov_len = size },
	};
	struct msghdr header = {
		.msg_iov = iov,
		.msg_iovlen = ARRAY_SIZE(iov),
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	ssize_t n;
	int r;

	do
		n = recvmsg(fd, &header, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	if (n == 0)
		return -ECONNRESET;

	r = take_fds(&header, ret_fds && n == sizeof(reply) && !reply.error ? ret_fds : NULL, fd_count);
	if (r < 0)
		return r;
	if (n < (ssize_t)sizeof(reply) || header.msg_flags & MSG_TRUNC || reply.op != op || reply.error < 0 ||
	    (size_t)n != sizeof(reply) + reply.data_bytes)
		return -EBADMSG;
	*ret_reply = reply;
	return reply.error;
}

static int request_client(int fd, uint64_t until_ms, struct es_reply *ret_reply, int *ret_fds)
{
	const struct es_request request = { .abi = ES_ABI_VERSION, .op = ES_REQUEST_CLIENT };
	int r, later;

	r = be_patient_ms(fd, SO_RCVTIMEO, left_ms(until_ms, REPLY_SECONDS * 1000));
	if (r == 0)
		r = send_request(fd, &request, NULL);
	if (r < 0)
		return r;
	r = receive_reply(fd, ES_REQUEST_CLIENT, ret_reply, ret_fds, ES_CLIENT_FDS, NULL, 0);
	later = be_patient(fd, SO_RCVTIMEO, REPLY_SECONDS);
	if (later == 0)
		later = be_patient(fd, SO_SNDTIMEO, REPLY_SECONDS);
	return r ?: later;
}

/* A private daemon may end, with its last client, just when we connect to it: the next attempt starts a new one. */
int esl_control_connect(struct esl_control *control, struct es_reply *ret_reply, int ret_fds[ES_CLIENT_FDS])
{
	const char *path = socket_path();
	uint64_t until_ms = give_up_ms();
	int r = -ECONNRESET;

	for (int attempt = 0; attempt < ATTEMPTS && (r == -ECONNRESET || r == -EPIPE); attempt++) {
		_cleanup_close_ int fd = -1;

		r = open_or_start(path, until_ms, &fd);
		if (r)
			return r;
		r = request_client(fd, until_ms, ret_reply, ret_fds);
		if (r == 0)
			control->fd = TAKE_FD(fd);
	}
	if (r < 0)
		esl_log("the daemon at %s gave no usable answer (%s); its log says why", path, esl_errno(r));
	return r;
}

int esl_control_request(struct esl_control *control, enum es_request_op op, const uint64_t types[ES_TYPE_WORDS],
			struct es_reply *ret_reply)
{
	struct es_request request = { .abi = ES_ABI_VERSION, .op = op };

	if (types)
		memcpy(request.types, types, sizeof(request.types));
	return esl_control_ask(control, &request, NULL, ret_reply, NULL, 0);
}

/* A daemon that goes on where another one died asks for the request anew; maybe the other one had replied already. */
static void drop_stale(int fd)
{
	char byte;

	while (recv(fd, &byte, sizeof(byte), MSG_DONTWAIT | MSG_TRUNC) > 0)
		;
}

static int ask(struct esl_control *control, const struct es_request *request, const void *data,
	       struct es_reply *ret_reply, int *ret_fds, unsigned int fd_count, void *ret_data, size_t size)
{
	int r = EAGAIN;

	pthread_mutex_lock(&control->lock);
	if (request->op == ES_REQUEST_SUBSCRIBE)
		(void)be_patient(control->fd, SO_RCVTIMEO, SUBSCRIBE_SECONDS);
	for (int attempt = 0; attempt < ATTEMPTS && r == EAGAIN; attempt++) {
		drop_stale(control->fd);
		r = send_request(control->fd, request, data);
		if (r == 0)
			r = receive_reply(control->fd, request->op, ret_reply, ret_fds, fd_count, ret_data, size);
	}
	/* A late reply would be taken for the reply to the next request. */
	if (r == -ETIMEDOUT || r == -EBADMSG)
		shutdown(control->fd, SHUT_RDWR);
	else if (request->op == ES_REQUEST_SUBSCRIBE)
		(void)be_patient(control->fd, SO_RCVTIMEO, REPLY_SECONDS);
	pthread_mutex_unlock(&control->lock);
	return r;
}

int esl_control_ask(struct esl_control *control, const struct es_request *request, const void *data,
		    struct es_reply *ret_reply, void *ret_data, size_t size)
{
	return ask(control, request, data, ret_reply, NULL, 0, ret_data, size);
}

int esl_control_descriptors(struct esl_control *control, enum es_request_op op, int *ret_fds, unsigned int count)
{
	const struct es_request request = { .abi = ES_ABI_VERSION, .op = op };
	struct es_reply reply;

	return ask(control, &request, NULL, &reply, ret_fds, count, NULL, 0);
}
