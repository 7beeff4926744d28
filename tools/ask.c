/* SPDX-License-Identifier: MIT */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sysexits.h>

#include "tools/ask.h"
#include "util/log.h"
#include "util/macro.h"

enum { REPLY_BYTES = 256 * 1024 };	/* more than any reply has */

static const char *socket_path(void)
{
	const char *path = secure_getenv(ES_SOCKET_ENV);

	return path ?: ES_SOCKET_PATH;
}

/* A connection to the daemon; -ECONNREFUSED: none is running. */
int daemon_connect(int *ret_fd)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *path = socket_path();
	_cleanup_close_ int fd = -1;

	if (strlen(path) >= sizeof(address.sun_path)) {
		log_error("%s: too long for a socket's path", path);
		return -ENAMETOOLONG;
	}
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return errno == ENOENT ? -ECONNREFUSED : -errno;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* One question. *ret_reply is the reply with its data behind it; its sizes have been checked. */
int daemon_ask_this(int fd, const struct es_request *request, size_t entry_bytes, struct es_reply **ret_reply)
{
	_cleanup_free_ struct es_reply *reply = malloc(REPLY_BYTES);
	ssize_t n;

	if (!reply)
		return -ENOMEM;
	if (send(fd, request, sizeof(*request), MSG_NOSIGNAL) < 0)
		return -errno;
	do
		n = recv(fd, reply, REPLY_BYTES, MSG_TRUNC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (n < (ssize_t)sizeof(*reply) || reply->op != request->op)
		return -EPROTO;
	if (reply->error)
		return -reply->error;
	if ((size_t)n != sizeof(*reply) + reply->data_bytes || reply->data_bytes / entry_bytes < reply->count)
		return -EPROTO;
	*ret_reply = TAKE_POINTER(reply);
	return 0;
}

int daemon_ask(int fd, enum es_request_op op, size_t entry_bytes, struct es_reply **ret_reply)
{
	const struct es_request request = { .abi = ES_ABI_VERSION, .op = op };

	return daemon_ask_this(fd, &request, entry_bytes, ret_reply);
}

int daemon_ask_descriptors(int fd, enum es_request_op op, int *ret_fds, unsigned int count)
{
	const struct es_request request = { .abi = ES_ABI_VERSION, .op = op };
	struct es_reply reply = {};
	struct iovec iov = { .iov_base = &reply, .iov_len = sizeof(reply) };
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int) * ES_CLIENT_FDS)];
	} control;
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	struct cmsghdr *header;
	ssize_t n;

	if (send(fd, &request, sizeof(request), MSG_NOSIGNAL) < 0)
		return -errno;
	do
		n = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (n != sizeof(reply) || reply.op != op)
		return -EPROTO;
	if (reply.error)
		return -reply.error;
	header = CMSG_FIRSTHDR(&message);
	if (!header || header->cmsg_type != SCM_RIGHTS || header->cmsg_len != CMSG_LEN(sizeof(int) * count))
		return -EPROTO;
	memcpy(ret_fds, CMSG_DATA(header), sizeof(int) * count);
	return 0;
}

int ask_failed(int error)
{
	switch (-error) {
	case ECONNREFUSED:
		log_error("no daemon is running (nobody listens on %s)", socket_path());
		return EXIT_FAILURE;
	case EHOSTDOWN:
		log_error("no daemon is running, and none could be started, see above");
		return EXIT_FAILURE;
	case EPROTO:
		log_error("the running endpointsecurityd is of another version than this esctl: restart it");
		return EXIT_FAILURE;
	case EPERM:
	case EACCES:
		log_error("not permitted: run as root");
		return EX_NOPERM;
	default:
		log_error("can't ask endpointsecurityd on %s: %s", socket_path(), strerror(-error));
		return EXIT_FAILURE;
	}
}

/* Connects and asks; negative: see ask_failed(). */
int ask_running(enum es_request_op op, size_t entry_bytes, struct es_reply **ret_reply)
{
	_cleanup_close_ int fd = -1;
	int r;

	r = daemon_connect(&fd);
	if (r < 0)
		return r;
	return daemon_ask(fd, op, entry_bytes, ret_reply);
}

const char *sensor_name(uint32_t sensor)
{
	static const char *const names[] = {
		[ES_SENSOR_NONE] = "none",
		[ES_SENSOR_TRACEPOINT] = "tracepoint",
		[ES_SENSOR_LSM] = "lsm",
		[ES_SENSOR_REPLAY] = "replay",
	};

	return sensor < ARRAY_SIZE(names) ? names[sensor] : "unknown";
}
