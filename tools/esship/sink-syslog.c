/* SPDX-License-Identifier: MIT */

/*
 * A collector that takes syslog: RFC 5424 over TCP or TLS, with the length before each message (RFC 6587, 5425).
 *
 * Syslog has no acknowledgements. A batch counts as acknowledged when the other machine has its bytes and the
 * connection still exists. But a collector that dies may not have read them all. So the sink keeps the last lines, and
 * sends them again after a lost connection. It can't detect a collector that reads lines and dies before it has stored
 * them.
 */

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/esship/line.h"
#include "tools/esship/wire.h"
#include "util/macro.h"

enum {
	KEEP_BYTES = 8 * 1024 * 1024,	/* more than the other side's socket holds unread */
	HEADER_BYTES = 192,
	SEVERITY_INFORMATIONAL = 6,
};

struct syslog_sink {
	struct wire wire;
	char host[65];
	int facility;
	struct kept {
		char *data;
		size_t length;
		size_t size;
	} kept;				/* messages that were sent, the last at the end */
	size_t batch_at;		/* offset, in it, of the batch that is being sent */
	bool fresh;			/* the kept lines haven't been sent on this connection */
};

static int facility_of(const char *name)
{
	static const char *const names[] = {
		"kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "ntp",
		"security", "console", "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(names[i], name))
			return (int)i;
	return -EINVAL;
}

/* Checks the range, since getaddrinfo(3) takes any number and truncates it. */
static bool is_port(const char *text)
{
	char *end;
	long number = strtol(text, &end, 10);

	return isalnum((unsigned char)*text) && (*end ? end == text : number >= 1 && number <= 65535);
}

static const char *syslog_check(const struct sink_config *config)
{
	if (!config->host || !*config->host || !config->port)
		return "host and port: those of the collector";
	if (!is_port(config->port))
		return "port: a number from 1 to 65535, or a name of services(5)";
	if (facility_of(config->facility) < 0)
		return "facility: as syslog.conf(5) names it, local0 for example";
	if (config->tls && tls_absent)
		return "tls: esship was built without libssl";
	return NULL;
}

static int syslog_new(void **ret, const struct sink_config *config, const struct sink_stop *stop)
{
	struct syslog_sink *sink = calloc(1, sizeof(*sink));

	if (!sink)
		return -ENOMEM;
	sink->wire = (struct wire){ .config = config, .stop = stop, .fd = -1 };
	sink->facility = facility_of(config->facility);
	if (gethostname(sink->host, sizeof(sink->host) - 1) < 0)
		strcpy(sink->host, "-");
	*ret = sink;
	return 0;
}

static void syslog_free(void *context)
{
	struct syslog_sink *sink = context;

	wire_close(&sink->wire);
	free(sink->kept.data);
	free(sink);
}

/* The event's time in microseconds: syslog takes no more digits. */
static void put_time(char ret[40], const char *line, size_t length)
{
	enum { SECONDS = 19, DIGITS = 6 };
	const char *at = line_time(line, length);

	if (at)
		snprintf(ret, 40, "%.*sZ", SECONDS + 1 + DIGITS, at);
	else
		strcpy(ret, "-");
}

static int keep(struct kept *kept, const char *data, size_t length)
{
	size_t size = kept->size ?: 64 * 1024;
	char *larger;

	while (size - kept->length < length)
		size *= 2;
	if (size != kept->size) {
		larger = realloc(kept->data, size);
		if (!larger)
			return -ENOMEM;
		kept->data = larger;
		kept->size = size;
	}
	memcpy(kept->data + kept->length, data, length);
	kept->length += length;
	return 0;
}

static int keep_message(struct syslog_sink *sink, const char *line, size_t length)
{
	char header[HEADER_BYTES], count[24], time[40];
	int header_length, r;

	put_time(time, line, length);
	header_length = snprintf(header, sizeof(header), "<%d>1 %s %s esship %d event - ",
				 sink->facility * 8 + SEVERITY_INFORMATIONAL, time, sink->host, (int)getpid());
	snprintf(count, sizeof(count), "%zu ", (size_t)header_length + length);
	r = keep(&sink->kept, count, strlen(count));
	if (r == 0)
		r = keep(&sink->kept, header, (size_t)header_length);
	if (r == 0)
		r = keep(&sink->kept, line, length);
	return r;
}

/*
 * Removes whole messages from the beginning; each has its length before it. Does so only when there is twice as much as
 * must be kept, since the rest has to be moved.
 */
static void forget_oldest(struct kept *kept)
{
	size_t at = 0;

	if (kept->length < 2 * KEEP_BYTES)
		return;
	while (kept->length - at > KEEP_BYTES) {
		char *end;
		size_t length = strtoul(kept->data + at, &end, 10);

		at = (size_t)(end + 1 - kept->data) + length;
	}
	kept->length -= at;
	if (at)
		memmove(kept->data, kept->data + at, kept->length);
}

/* Appends the batch to the kept messages. */
static int keep_batch(struct syslog_sink *sink, const struct sink_batch *batch)
{
	size_t at = 0, length;
	const char *line;
	int r = 0;

	forget_oldest(&sink->kept);
	sink->batch_at = sink->kept.length;
	while (r == 0 && line_next(batch, &at, &line, &length))
		r = keep_message(sink, line, length);
	return r;
}

static int syslog_send(void *context, const struct sink_batch *batch, char problem[SINK_PROBLEM_BYTES])
{
	struct syslog_sink *sink = context;
	size_t from;
	int r = keep_batch(sink, batch);

	if (r < 0)
		snprintf(problem, SINK_PROBLEM_BYTES, "no memory");
	if (r == 0 && sink->wire.fd < 0) {
		r = wire_open(&sink->wire, problem);
		sink->fresh = true;
	}
	from = sink->fresh ? 0 : sink->batch_at;
	if (r == 0)
		r = wire_write(&sink->wire, sink->kept.data + from, sink->kept.length - from, problem);
	if (r == 0)
		r = wire_settle(&sink->wire, problem);
	if (r < 0)
		sink->kept.length = sink->batch_at;	/* the sender passes the batch again */
	else
		sink->fresh = false;
	return r;
}

const struct sink_kind sink_syslog = {
	.name = "syslog", .check = syslog_check, .new = syslog_new, .free = syslog_free, .send = syslog_send,
};
