/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Where lines go. A sink is given whole frames of the spool, one after the other, on a thread of its own, and returns when
 * the other side has taken care of all lines, or has not: then it is given the same ones again, later. So a line may come
 * twice, and none is left out.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/esship/segment.h"

enum { SINK_HEADERS_MAX = 16, SINK_PROBLEM_BYTES = 256 };

/* Of the configuration; what a kind doesn't know, it has no use for. Strings are borrowed. */
struct sink_config {
	const char *name, *type;
	const char *path, *url, *host, *port, *ca, *certificate, *key, *facility, *subject, *credentials;
	const char *headers[SINK_HEADERS_MAX];
	unsigned int header_count;
	bool tls;
	bool sync;			/* of a file: wait until the disk has it */
	uint64_t rotate_bytes;
	unsigned int keep;
	unsigned int timeout_ms;
	unsigned int retry_ms;		/* the longest wait between tries */
};

/* What a sink that waits has to look at: it is to end. */
struct sink_stop {
	atomic_bool now;
	int fd;				/* readable then */
};

struct sink_batch {
	const char *lines;
	size_t length;
	uint32_t count;
	uint64_t first, last;
	const char *client;		/* whose numbers these are */
};

struct sink_kind {
	const char *name;
	const char *absent;		/* the library that it was built without; NULL: it can be used */

	/* NULL, or what is missing in the configuration. */
	const char *(*check)(const struct sink_config *config);
	int (*new)(void **ret, const struct sink_config *config, const struct sink_stop *stop);
	void (*free)(void *sink);

	/* 0: acknowledged. Negative: not, and `problem` says why. Positive: not, and the other side wants so many ms of rest. */
	int (*send)(void *sink, const struct sink_batch *batch, char problem[SINK_PROBLEM_BYTES]);
};

extern const struct sink_kind sink_file, sink_http, sink_nats, sink_syslog;

/* NULL: there is no such kind. */
const struct sink_kind *sink_find(const char *type);

/* "file, http, nats and syslog" */
extern const char sink_names[];
