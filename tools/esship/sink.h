/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A destination of lines. A sink gets whole frames of the spool, one after the other, on a thread of its own. send()
 * returns when the other side has acknowledged all lines. After a failure, the sink later gets the same frame again.
 * So a line may arrive twice, but none is left out.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/esship/segment.h"

enum { SINK_HEADERS_MAX = 16, SINK_PROBLEM_BYTES = 256 };

/* From the configuration. Each kind ignores the options that it doesn't have. Strings are borrowed. */
struct sink_config {
	const char *name, *type;
	const char *path, *url, *host, *port, *ca, *certificate, *key, *facility, *subject, *credentials;
	const char *brokers, *topic, *user, *password, *mechanism;
	const char *headers[SINK_HEADERS_MAX];
	unsigned int header_count;
	bool tls;
	bool sync;			/* of a file: wait until the data is on the disk */
	uint64_t rotate_bytes;
	unsigned int keep;
	unsigned int timeout_ms;
	unsigned int retry_ms;		/* the longest wait between tries */
};

/* A sink that waits must check this: it must end. */
struct sink_stop {
	atomic_bool now;
	int fd;				/* readable then */
};

struct sink_batch {
	const char *lines;
	size_t length;
	uint32_t count;
	uint64_t first, last;
	const char *client;		/* the client with these numbers */
};

struct sink_kind {
	const char *name;
	const char *absent;		/* the library that it was built without; NULL: it can be used */

	/* NULL, or what is missing in the configuration. */
	const char *(*check)(const struct sink_config *config);
	int (*new)(void **ret, const struct sink_config *config, const struct sink_stop *stop);
	void (*free)(void *sink);

	/* 0: acknowledged. Negative: not, and `problem` says why. Positive: not; try again after so many ms. */
	int (*send)(void *sink, const struct sink_batch *batch, char problem[SINK_PROBLEM_BYTES]);

	/* Lines that the other side acknowledged but reports as discarded. NULL: this protocol can't report that. */
	uint64_t (*refused)(void *sink);
};

extern const struct sink_kind sink_file, sink_http, sink_journal, sink_kafka, sink_nats, sink_otlp, sink_syslog;

/* One URL, or several with commas between, for display: without user and password, and without the query. */
enum { SINK_URL_BYTES = 120 };
void sink_url_shown(char ret[SINK_URL_BYTES], const char *urls);

/* NULL: there is no such kind. */
const struct sink_kind *sink_find(const char *type);

/* "file, http, journal, kafka, nats, otlp and syslog" */
extern const char sink_names[];
