/* SPDX-License-Identifier: MIT */

/*
 * This machine's journal: a line is the MESSAGE of an entry. The journal has no acknowledgements, so an entry counts as
 * acknowledged when journald's socket has taken it. Under systemd, that socket and its content outlive journald.
 *
 * sd_journal_sendv() reports no error if there is no socket, and blocks while it is full. So check with our own socket
 * first.
 */

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <systemd/sd-journal.h>

#include "tools/esship/line.h"
#include "util/macro.h"

#define JOURNAL_SOCKET "/run/systemd/journal/socket"

struct journal_sink {
	const struct sink_config *config;
	const struct sink_stop *stop;
	char *message;			/* MESSAGE=line */
	size_t size;
};

static const char *journal_check(const struct sink_config *config)
{
	(void)config;
	return NULL;
}

static int journal_new(void **ret, const struct sink_config *config, const struct sink_stop *stop)
{
	struct journal_sink *sink = calloc(1, sizeof(*sink));

	if (!sink)
		return -ENOMEM;
	sink->config = config;
	sink->stop = stop;
	*ret = sink;
	return 0;
}

static void journal_free(void *context)
{
	struct journal_sink *sink = context;

	free(sink->message);
	free(sink);
}

static int journal_connect(void)
{
	static const struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = JOURNAL_SOCKET };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		int r = -errno;

		close(fd);
		return r;
	}
	return fd;
}

/* Waits until the socket takes one more entry. */
static int wait_writable(struct journal_sink *sink, int fd)
{
	struct pollfd fds[2] = {
		{ .fd = fd, .events = POLLOUT },
		{ .fd = sink->stop->fd, .events = POLLIN },
	};
	int n;

	do
		n = poll(fds, 2, (int)sink->config->timeout_ms);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (fds[1].revents)
		return -ECANCELED;
	if (fds[0].revents & (POLLERR | POLLHUP))
		return -ECONNREFUSED;
	return n == 0 ? -ETIMEDOUT : 0;
}

static int send_line(struct journal_sink *sink, const char *line, size_t length)
{
	static char priority[] = "PRIORITY=6", identifier[] = "SYSLOG_IDENTIFIER=esship", field[] = "MESSAGE=";
	size_t needed = length + strlen(field);
	struct iovec fields[3] = {
		{ NULL, needed }, { priority, strlen(priority) }, { identifier, strlen(identifier) },
	};

	if (needed > sink->size) {
		char *larger = realloc(sink->message, needed);

		if (!larger)
			return -ENOMEM;
		sink->message = larger;
		sink->size = needed;
	}
	memcpy(sink->message, field, strlen(field));
	memcpy(sink->message + strlen(field), line, length);
	fields[0].iov_base = sink->message;
	return sd_journal_sendv(fields, ARRAY_SIZE(fields));
}

static int journal_send(void *context, const struct sink_batch *batch, char problem[SINK_PROBLEM_BYTES])
{
	_cleanup_close_ int fd = journal_connect();
	struct journal_sink *sink = context;
	int r = fd < 0 ? fd : 0;
	const char *line;
	size_t at = 0, length;

	while (r >= 0 && line_next(batch, &at, &line, &length)) {
		r = wait_writable(sink, fd);
		if (r == 0)
			r = send_line(sink, line, length);
	}
	if (r >= 0)
		r = wait_writable(sink, fd);	/* is the process that took them still there? */
	if (r < 0)
		snprintf(problem, SINK_PROBLEM_BYTES, "the journal, " JOURNAL_SOCKET ": %s", strerror(-r));
	return r < 0 ? r : 0;
}

const struct sink_kind sink_journal = {
	.name = "journal", .check = journal_check, .new = journal_new, .free = journal_free, .send = journal_send,
};
