/* SPDX-License-Identifier: MIT */
#pragma once

/* esship.conf(5): subscriptions, filters, the format, and the sinks. */

#include <confuse.h>

#include <EndpointSecurity/EndpointSecurity.h>

#include "tools/esship/sink.h"
#include "tools/esship/spool.h"
#include "tools/event-formats.h"

struct config {
	cfg_t *cfg;			/* has the strings */
	const char *spool, *metrics;	/* metrics: the path of a socket, or NULL */
	uint64_t spool_bytes;
	bool sync;
	unsigned int flush_ms, linger_ms;
	uint64_t arguments_bytes;	/* limit for an exec's arguments; the same for its environment */
	const struct event_formatter *formatter;
	es_event_type_t events[ES_EVENT_TYPE_LAST];
	uint32_t event_count;
	bool only_denied;
	struct sink_config sinks[SPOOL_READERS_MAX];
	size_t sink_count;
};

/* False: the error and its place were logged. */
bool config_read(struct config *ret, const char *path);

/* For --check: are certificates and the like there? A normal start doesn't require them, since they may come later. */
bool config_files_there(const struct config *config);
void config_deinit(struct config *config);
