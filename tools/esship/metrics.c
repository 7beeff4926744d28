/* SPDX-License-Identifier: MIT */
#include "tools/esship/metrics.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "util/macro.h"

enum { REQUEST_MS = 500, BACKLOG = 8 };

/* Removes only a socket that no process listens at, as a death leaves it, and no other file that is configured. */
static int remove_left(const struct sockaddr_un *address)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct stat st;

	if (lstat(address->sun_path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 || errno != ECONNREFUSED)
		return -EADDRINUSE;
	return unlink(address->sun_path) < 0 && errno != ENOENT ? -errno : 0;
}

int metrics_listen(struct metrics *metrics)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	mode_t mask;
	int r = 0;

	metrics->fd = -1;
	if (!metrics->path)
		return 0;
	if (strlen(metrics->path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, metrics->path);
	metrics->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (metrics->fd < 0)
		return -errno;
	r = remove_left(&address);
	mask = umask(0117);
	if (r == 0 && (bind(metrics->fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(metrics->fd, BACKLOG) < 0))
		r = -errno;
	umask(mask);
	if (r < 0) {
		close(metrics->fd);
		metrics->fd = -1;
	}
	return r;
}

void metrics_close(struct metrics *metrics)
{
	if (metrics->fd < 0)
		return;
	close(metrics->fd);
	unlink(metrics->path);
	metrics->fd = -1;
}

/* --- the text --- */

static void say(FILE *out, const char *name, const char *type, const char *help, uint64_t value)
{
	fprintf(out, "# HELP esship_%s %s\n# TYPE esship_%s %s\nesship_%s %ju\n", name, help, name, type, name,
		(uintmax_t)value);
}

static void say_intake(FILE *out, struct intake *intake)
{
	struct intake_counts counts;

	intake_counts(intake, &counts);
	say(out, "events_received_total", "counter", "Events that passed the filters.", counts.received);
	say(out, "lines_written_total", "counter", "Lines in the spool, esship's own too.", counts.written);
	say(out, "events_lost_total", "counter", "Events that the kernel had no room for.", counts.lost);
	fprintf(out, "# HELP esship_events_dropped_total Events that the spool had no room for.\n"
		     "# TYPE esship_events_dropped_total counter\n"
		     "esship_events_dropped_total{kind=\"notify\"} %ju\n"
		     "esship_events_dropped_total{kind=\"decision\"} %ju\n",
		(uintmax_t)(counts.dropped - counts.dropped_decisions), (uintmax_t)counts.dropped_decisions);
	say(out, "spool_blocks_total", "counter", "Blocks written.", counts.blocks);
	say(out, "spool_failures_total", "counter", "Writes that failed and were tried again.", counts.failures);
}

enum { LINES, BYTES, BATCHES, FAILURES, REFUSED, BEHIND, UP, SINK_METRICS };

static const struct { const char *name, *type, *help; } sink_metrics[SINK_METRICS] = {
	[LINES] = { "sink_lines_total", "counter", "Lines that were acknowledged." },
	[BYTES] = { "sink_bytes_total", "counter", "Bytes of these." },
	[BATCHES] = { "sink_batches_total", "counter", "Batches of these." },
	[FAILURES] = { "sink_failures_total", "counter", "Batches that were not acknowledged, and tried again." },
	[REFUSED] = { "sink_refused_lines_total", "counter", "Lines that were acknowledged and thrown away by the other side." },
	[BEHIND] = { "sink_behind_bytes", "gauge", "Bytes in the spool that were not acknowledged yet." },
	[UP] = { "sink_up", "gauge", "0: the last batch was not acknowledged." },
};

static uint64_t sink_value(const struct sender_counts *counts, int metric)
{
	switch (metric) {
	case LINES:
		return counts->lines;
	case BYTES:
		return counts->bytes;
	case BATCHES:
		return counts->batches;
	case FAILURES:
		return counts->failures;
	case REFUSED:
		return counts->refused;
	case BEHIND:
		return counts->behind;
	default:
		return !counts->failing;
	}
}

static void say_sinks(FILE *out, const struct metrics *metrics)
{
	for (int metric = 0; metric < SINK_METRICS; metric++) {
		fprintf(out, "# HELP esship_%s %s\n# TYPE esship_%s %s\n", sink_metrics[metric].name,
			sink_metrics[metric].help, sink_metrics[metric].name, sink_metrics[metric].type);
		for (size_t i = 0; i < metrics->sender_count; i++) {
			const struct sink_config *config = sender_config(metrics->senders[i]);
			struct sender_counts counts;

			sender_counts(metrics->senders[i], &counts);
			fprintf(out, "esship_%s{sink=\"%s\",type=\"%s\"} %ju\n", sink_metrics[metric].name, config->name,
				config->type, (uintmax_t)sink_value(&counts, metric));
		}
	}
}

static char *make_text(const struct metrics *metrics, size_t *ret_length)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, ret_length);

	if (!out)
		return NULL;
	if (metrics->intake)
		say_intake(out, metrics->intake);
	say(out, "spool_bytes", "gauge", "Size of the spool.", spool_bytes(metrics->spool));
	say(out, "spool_bytes_max", "gauge", "What it may be.", metrics->spool_bytes_max);
	say(out, "spool_damaged_total", "counter", "Places in the spool that could not be read.",
	    spool_damaged(metrics->spool));
	say_sinks(out, metrics);
	fclose(out);
	return text;
}

/* --- connections --- */

void metrics_serve(struct metrics *metrics)
{
	_cleanup_close_ int fd = accept4(metrics->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct pollfd readable = { .fd = fd, .events = POLLIN };
	char request[1024], head[160];
	size_t length = 0;
	char *text;
	ssize_t n = 0;

	if (fd < 0)
		return;
	if (poll(&readable, 1, REQUEST_MS) > 0)
		n = read(fd, request, sizeof(request));
	text = make_text(metrics, &length);
	if (!text)
		return;
	snprintf(head, sizeof(head), "HTTP/1.0 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: %zu\r\n\r\n",
		 length);
	if (n > 0)
		(void)!send(fd, head, strlen(head), MSG_NOSIGNAL);
	(void)!send(fd, text, length, MSG_NOSIGNAL);
	(void)!read(fd, request, sizeof(request));	/* a late request: unread, it would reset the connection */
	free(text);
}
